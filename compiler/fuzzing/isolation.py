"""Work that may hang, grow or crash, in a process of its own with limits.

A `Worker` keeps one child process and gives it one task after the other; where a task breaks a limit or
the process, the child is ended and the next task gets a new one.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil

_LOOK_SECONDS = 0.02
_START_SECONDS = 300.0


@dataclass(frozen=True)
class Limits:
    """What one task may take: seconds of CPU time, and bytes of memory beyond what the idle child has."""

    cpu_seconds: float = 20.0
    memory: int = 2 << 30


@dataclass(frozen=True)
class Broken:
    """How a task ended its process: `kind` is hang, memory or crash."""

    kind: str
    detail: str


@dataclass(frozen=True)
class _Failed:
    """An exception in a child process that is no outcome of a task."""

    trace: str


class Worker:
    """One child process that calls `task` with each number it is given.

    `task` is made in the child by `make`, which must be picklable, so that what it opens (a device, a
    session) lives there.
    """

    def __init__(self, make: Callable[[], Callable[[int], Any]], limits: Limits) -> None:
        self._make, self._limits = make, limits
        self._context = multiprocessing.get_context("spawn")
        self._process: Any = None
        self._connection: Connection | None = None

    def run(self, number: int) -> Any:
        """What the task returns for `number`; a Broken where it broke a limit or its process."""
        connection = self._connection or self._start()
        usage = psutil.Process(self._process.pid)
        start, idle = _cpu_seconds(usage), usage.memory_info().rss
        connection.send(number)
        try:
            while not connection.poll(_LOOK_SECONDS):
                if (broken := self._over(usage, start, idle)) is not None:
                    self.close()
                    return broken
            result = connection.recv()
        except (EOFError, OSError, psutil.NoSuchProcess):
            return self._crashed()
        if isinstance(result, _Failed):
            raise RuntimeError(f"a task failed by itself:\n{result.trace}")
        return result

    def _over(self, usage: psutil.Process, start: float, idle: int) -> Broken | None:
        seconds, memory = _cpu_seconds(usage) - start, usage.memory_info().rss - idle
        if seconds > self._limits.cpu_seconds:
            return Broken("hang", f"more than {self._limits.cpu_seconds:g} seconds of CPU time")
        if memory > self._limits.memory:
            return Broken("memory", f"more than {self._limits.memory >> 20} MiB")
        return None

    def _start(self) -> Connection:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(theirs, self._make), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(_START_SECONDS):
            raise TimeoutError("a process for damaged files does not start")
        self._connection.recv()
        return self._connection

    def _crashed(self) -> Broken:
        self._process.join()
        code = self._process.exitcode
        self.close()
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Broken("crash", f"the process ended with {name}")

    def close(self) -> None:
        """Ends the child; the next task gets another."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def _serve(connection: Connection, make: Callable[[], Callable[[int], Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    task = make()
    connection.send(None)
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        try:
            connection.send(task(number))
        except Exception:
            connection.send(_Failed(traceback.format_exc()))


def _cpu_seconds(usage: psutil.Process) -> float:
    times = usage.cpu_times()
    return float(times.user + times.system)
