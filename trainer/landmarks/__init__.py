"""Face landmarks: their topology, their drawing, their alignment, and where they come from."""
