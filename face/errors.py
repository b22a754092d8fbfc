"""What can't be drawn or placed."""


class FaceError(ValueError):
    """Landmarks, points or a size of no use: which, and why, in one message for a person."""
