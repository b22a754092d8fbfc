"""The one exception that a person is meant to read."""


class TrainerError(Exception):
    """Something that can't be done: the place, the reason and the next step, in one message."""
