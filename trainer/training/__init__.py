"""Losses and loops that train the networks."""
