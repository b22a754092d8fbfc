"""WGSL and other templates, as package data."""
