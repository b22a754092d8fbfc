"""What can't be drawn, placed or looked for."""


class FaceError(ValueError):
    """Landmarks, points or a size of no use: which, and why, in one message for a person."""


class LandmarkerError(Exception):
    """MediaPipe or its model is missing, or is another: which, and what to install."""
