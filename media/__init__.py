"""The pictures and arrays that a person gives: the one place that opens such files."""
