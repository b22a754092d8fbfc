"""One run at a time writes into a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CompileError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE = 60.0
"""Seconds that a run waits for another one."""


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keeps other runs out of `folder`, by a lock that goes with the process.

    Yields False where there is none: the folder does not exist, or the system has no locks of folders.
    """
    if fcntl is None or not folder.is_dir():
        yield False
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _locked(folder, descriptor)
    finally:
        os.close(descriptor)


def _locked(folder: Path, descriptor: int) -> bool:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            _wait(folder, end)
        except OSError:  # a file system without locks
            return False


def _wait(folder: Path, end: float) -> None:
    if time.monotonic() > end:
        raise CompileError(f"another onnx2wgsl is writing to {folder}; end it, and try again")
    time.sleep(0.05)
