"""What the page's commands say goes wrong."""


class WebError(Exception):
    """A message for the user: where, why, and what to do."""
