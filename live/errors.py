"""What the command says goes wrong."""


class LiveError(Exception):
    """A message for the user: where, why, and what to do."""
