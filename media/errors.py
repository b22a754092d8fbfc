"""The exception that a person is meant to read."""

from __future__ import annotations

from pathlib import Path


class MediaError(Exception):
    """A file that can't be read as what it should be: its path, the reason and the next step."""


def require_file(path: Path) -> None:
    """Raises MediaError where a path is no regular file: a pipe or a device would be waited for."""
    if not path.is_file():
        raise MediaError(f"{path}: {'it is no file' if path.exists() else 'no such file'}")
