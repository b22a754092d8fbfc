"""Files written whole or not at all, and JSON files read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import TrainerError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`, which takes its name once it is written.

    Where the body fails, what `path` held before stays as it was.

    Raises:
        TrainerError: the folder can't be made, the disk is full, or the file can't be written.
    """
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
        scratch = Path(name)
        yield scratch
        mask = os.umask(0)
        os.umask(mask)
        scratch.chmod(0o666 & ~mask)
        os.replace(scratch, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TrainerError(
            f"{path} can't be written: {reason}. What was written before is whole; "
            "make room or choose another place, then run the same command again."
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


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
