"""Why a run stops before its end: its time is up, or somebody asks it to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Reason = Literal["finished", "time", "signal", "runaway"]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Asked once an iteration; `seconds` from its making it says that time is up."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.signalled: int | None = None

    def reason(self) -> Reason | None:
        """Why to stop now, if so."""
        if self.signalled is not None:
            return "signal"
        if self._end is not None and time.monotonic() >= self._end:
            return "time"
        return None

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask to stop while the body runs; the second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def ask(number: int, frame: FrameType | None) -> None:
            del frame
            self.signalled = number
            for each, handler in before.items():
                signal.signal(each, handler)

        for number in SIGNALS:
            signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
