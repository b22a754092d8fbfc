"""Files written whole or not at all, and JSON files read."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import TrainerError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`, which takes its name once it is written.

    Where the body fails, what `path` held before stays as it was. A link stays, and the file that it leads to
    is replaced; what is there keeps its mode.

    Raises:
        TrainerError: the folder can't be made, the disk is full, or the file can't be written.
    """
    scratch: Path | None = None
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise OSError(None, "it is no regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=target.parent)
        os.close(descriptor)
        scratch = Path(name)
        yield scratch
        scratch.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else _mode_of_new_files())
        os.replace(scratch, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TrainerError(
            f"{path} can't be written: {reason}. What was written before is whole; "
            "make room or choose another place, then run the same command again."
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def require_own(path: Path, mark: bytes) -> None:
    """Refuses to write over a file that this command did not write: it does not hold `mark`.

    Raises:
        TrainerError: it is someone else's, or can't be read.
    """
    if not path.is_file():
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainerError(f"{path} can't be read: {error.strerror or error}") from error
    if content and mark not in content:
        raise TrainerError(
            f"{path} is none that this command wrote; it is left as it is: give another place, or remove it"
        )


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_whole(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all."""
    with replacing(path) as scratch:
        scratch.write_bytes(data)


def read_json(path: Path, advice: str) -> Any:
    """What a JSON file holds.

    Raises:
        TrainerError: it can't be read or is damaged; with `advice`, what to do.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or f"it is no JSON: {' '.join(str(error).split())}"
        raise TrainerError(f"{path} can't be read ({reason}): {advice}") from error
