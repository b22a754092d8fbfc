"""Reads the files of an artifact's folder: regular ones within it, of the length and hash they must have."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .description import damaged
from .errors import ArtifactError, MissingFileError


def read_file(path: Path, folder: Path, limit: int) -> bytes:
    """The bytes of a file of `folder`.

    Raises ArtifactError where there is none, where it is a link out of the folder or no regular file (a pipe
    would never end), or where it has more than `limit` bytes.
    """
    try:
        home = Path(os.path.realpath(folder, strict=True))
        if not Path(os.path.realpath(path, strict=True)).is_relative_to(home):
            raise damaged(path, ["it is a link that leads out of the folder"])
        with open(path, "rb", opener=_opened) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise damaged(path, ["it is no regular file"])
            if status.st_size > limit:
                raise damaged(path, [f"{status.st_size} bytes; it may have {limit}"])
            return file.read(limit)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def _opened(path: str, flags: int) -> int:
    """Opens without waiting, as a pipe would have it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_recorded(folder: Path, record: Mapping[str, Any]) -> bytes:
    """The bytes of a file that model.json records; raises ArtifactError where they are other ones."""
    path = folder / str(record["file"])
    data = read_file(path, folder, record["bytes"])
    if len(data) != record["bytes"]:
        raise damaged(path, [f"{len(data)} bytes, model.json says {record['bytes']}"])
    digest = hashlib.sha256(data).hexdigest()
    if digest != record["sha256"]:
        raise damaged(path, [f"SHA-256 is {digest}, model.json says {record['sha256']}"])
    return data


def unreadable(path: Path, error: Exception) -> ArtifactError:
    """The error to raise where the system does not give a file."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    kind = MissingFileError if isinstance(error, FileNotFoundError) else ArtifactError
    return kind(f"{path}: {reason}; compile the model again: onnx2wgsl compile MODEL -o DIR")
