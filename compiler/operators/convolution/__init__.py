"""Convolutions: op, fusion rule, tile."""
