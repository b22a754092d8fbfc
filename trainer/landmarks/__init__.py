"""Landmarks of photos and videos, and photos framed by them."""
