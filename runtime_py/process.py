"""What forks and interrupts of a process must not do to wgpu.

A forked child lacks wgpu's and the driver's threads. There every call into wgpu may wait for them for
ever, also one that frees memory, and so may the handlers that a driver has for the end of a process. So
a child calls nothing of it.

A Python exception that comes in the midst of wgpu-py's own code leaves it in a state on which wgpu's
library later aborts the process. So Ctrl-C waits until a frame is done.
"""

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import wgpu

from .errors import SessionError


@dataclass
class _Use:
    """Whether this process started WebGPU, and whether it was forked from one that had."""

    started: bool = False
    forked: bool = False


_use = _Use()


def start() -> None:
    """To be called before wgpu is; raises SessionError as `check` does."""
    check()
    _use.started = True


def forked() -> bool:
    """Whether this process was forked from one that had started WebGPU."""
    return _use.forked


def check() -> None:
    """Raises SessionError in a process that was forked from one that had started WebGPU."""
    if _use.forked:
        raise SessionError(
            "this process was forked from one that had used WebGPU, which does not survive os.fork; "
            "make the first session after the fork, or start processes by "
            "multiprocessing.get_context('spawn')"
        )


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the body has ended, where it is the first; a second one ends the body."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield  # interrupts come to the main thread alone
        return
    interrupts: list[tuple[Any, ...]] = []

    def note(*interrupt: Any) -> None:
        if interrupts:
            handler(*interrupt)
        interrupts.append(interrupt)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        handler(*interrupts[0])


def _leave_all() -> None:
    """In a forked child: frees nothing, and ends without the driver's handlers."""
    if not _use.started:
        return
    _use.forked = True
    wgpu.GPUObjectBase.__del__ = wgpu.GPUAdapter.__del__ = _keep
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # handlers are called last one first
        libc.on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)


def _keep(_: object) -> None:
    """In the place of a destructor."""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
