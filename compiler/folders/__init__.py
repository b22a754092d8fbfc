"""Folders written whole or not at all, in the place of what was written before and of nothing else."""
