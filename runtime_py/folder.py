"""Reads the files of an artifact, in a folder or a bundle: regular ones, with the length and hash that they
must have.
"""

import hashlib
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from .description import damaged
from .errors import ArtifactError, MissingFileError

MODEL = "model.json"
SUFFIX = ".onnx2wgsl"
"""Of a bundle's name."""
_MAGIC = b"onnx2wgsl\0\0\0"
_HEAD = struct.Struct(f"<{len(_MAGIC)}sI")


class Files(Protocol):
    """The files of an artifact by name; `path` is where it lies."""

    path: Path

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file; raises ArtifactError where it has more than `limit`, or can't be read."""

    def unpack(self, description: Mapping[str, Any]) -> None:
        """Is told what model.json says, before another file is read."""


class Folder:
    """The files that lie in a folder: none is a link out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file of the folder."""
        path = self.path / name
        try:
            home = Path(os.path.realpath(self.path, strict=True))
            if not Path(os.path.realpath(path, strict=True)).is_relative_to(home):
                raise damaged(path, ["it is a link that leads out of the folder"])
            with _opened(path) as (file, size):
                if size > limit:
                    raise damaged(path, [f"{size} bytes; it may have {limit}"])
                return file.read(limit)
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from None

    def unpack(self, description: Mapping[str, Any]) -> None:
        """Nothing: each file is by itself."""


class Bundle:
    """The files of a bundle, one behind the other, as docs/artifact.md specifies it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int]] = {}

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file of the bundle."""
        try:
            with _opened(self.path) as (file, size):
                if name == MODEL:
                    self._places[name] = (_HEAD.size, self._model_bytes(file, size, limit))
                start, length = self._places[name]
                file.seek(start)
                return file.read(length)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None

    def _model_bytes(self, file: BinaryIO, size: int, limit: int) -> int:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC):
            raise ArtifactError(
                f"{self.path} is no bundle: it begins with {head[: len(_MAGIC)]!r}; give what "
                "`onnx2wgsl compile --bundle` wrote, or a folder"
            )
        length = int(_HEAD.unpack(head)[1])
        if length > min(limit, size - _HEAD.size):
            raise damaged(self.path, [f"{MODEL} has {length} bytes of {size}; it may have {limit}"])
        return length

    def unpack(self, description: Mapping[str, Any]) -> None:
        """Where each file lies; raises ArtifactError where the bundle ends elsewhere."""
        end = sum(self._places[MODEL])
        for key in ("shaders", "rare_shaders", "self_test", "weights"):
            record = description[key]
            self._places[record["file"]] = (end, record["bytes"])
            end += record["bytes"]
        size = self.path.stat().st_size
        if size != end:
            raise damaged(self.path, [f"{size} bytes, {MODEL} says {end}"])


def is_bundle(path: Path) -> bool:
    """Whether a file is a bundle, or is called as one."""
    if path.suffix == SUFFIX or not path.is_file():
        return path.suffix == SUFFIX and not path.is_dir()
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file and its size."""
    with open(path, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise damaged(path, ["it is no regular file"])
        yield file, status.st_size


def _without_waiting(path: str, flags: int) -> int:
    """Opens as a pipe would have it: it would never end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_recorded(files: Files, record: Mapping[str, Any]) -> bytes:
    """The bytes of a file that model.json records; raises ArtifactError where they are other ones."""
    name = str(record["file"])
    path = files.path / name
    data = files.read(name, record["bytes"])
    if len(data) != record["bytes"]:
        raise damaged(path, [f"{len(data)} bytes, {MODEL} says {record['bytes']}"])
    digest = hashlib.sha256(data).hexdigest()
    if digest != record["sha256"]:
        raise damaged(path, [f"SHA-256 is {digest}, {MODEL} says {record['sha256']}"])
    return data


def unreadable(path: Path, error: Exception) -> ArtifactError:
    """The error to raise where the system does not give a file."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    kind = MissingFileError if isinstance(error, FileNotFoundError) else ArtifactError
    return kind(f"{path}: {reason}; compile the model again: onnx2wgsl compile MODEL -o DIR")
