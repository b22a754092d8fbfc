"""The exception that a person is meant to read; those of face/ are FaceErrors."""


class TrainerError(Exception):
    """Something that can't be done: the place, the reason and the next step, in one message."""
