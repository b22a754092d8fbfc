"""Evaluates Graphs and Programs, and compares them with the reference."""
