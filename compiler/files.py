"""Files written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .errors import CompileError


def write_whole(path: Path, data: bytes) -> None:
    """Writes through a temporary file in the same folder, which then takes the name; see write_all."""
    write_all({path: data})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Writes every file or, where one can't be written, none; makes their folders.

    All are written under temporary names first, and only then take their own. A link stays, and the file that
    it leads to is written; a file that is there keeps its mode. What is no regular file is refused.
    """
    written: dict[Path, Path] = {}
    path = next(iter(files), Path())
    try:
        for path, data in files.items():
            _require_file(path)
            written[path] = _write_scratch(Path(os.path.realpath(path)), data)
        for path, scratch in written.items():
            os.replace(scratch, os.path.realpath(path))
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        for scratch in written.values():
            scratch.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> CompileError:
    """The error to raise where the system refused to write `path`."""
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        in_the_way = next((p for p in path.parents if p.exists() and not p.is_dir()), None)
        reason = f"{in_the_way} is a file, not a folder" if in_the_way else reason
    return CompileError(f"{path} can't be written: {reason}")


def _require_file(path: Path) -> None:
    """Raises OSError where something else than a file has the name."""
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder", str(path))
    if path.exists() and not path.is_file():
        raise OSError(None, "it is no regular file", str(path))


def _write_scratch(path: Path, data: bytes) -> Path:
    """Writes the data beside `path` with the mode that it has, or that of a new file; the temporary file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(name, stat.S_IMODE(path.stat().st_mode) if path.exists() else _mode_of_new_files())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
