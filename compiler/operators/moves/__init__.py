"""Ops that only move values, and the gather kernel."""
