"""The exception that a person is meant to read."""

from __future__ import annotations

from pathlib import Path


class MediaError(Exception):
    """A file that can't be read as what it should be: its path, the reason and the next step.

    reason: the reason alone.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


def require_file(path: Path) -> None:
    """Raises MediaError where a path is no regular file: a pipe or a device would be waited for."""
    if not path.is_file():
        raise MediaError(f"{path}: {'it is no file' if path.exists() else 'no such file'}")
