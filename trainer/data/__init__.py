"""Data sets of pairs (drawing of landmarks, avatar): sampled, rendered, stored, loaded."""
