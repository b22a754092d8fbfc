"""A task that hangs, grows or crashes ends its own process only, and is told apart."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from onnx2wgsl.compiler.fuzzing.isolation import Broken, Limits, Worker

HANG, GROW, CRASH, LEAVE, RAISE = -1, -2, -3, -4, -5


def tasks() -> Callable[[int], int]:
    """Made in the child: doubles numbers, or misbehaves."""

    def task(number: int) -> int:
        if number == HANG:
            while True:
                pass
        if number == GROW:
            kept = []
            while True:
                kept.append(bytearray(b"x") * (1 << 20))
        if number == CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == LEAVE:
            os._exit(3)
        if number == RAISE:
            raise LookupError("the task's own mistake")
        return 2 * number

    return task


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker(tasks, Limits(cpu_seconds=0.5, memory=100 << 20))
    yield worker
    worker.close()


@pytest.mark.parametrize(
    ("number", "broken"),
    [
        (HANG, Broken("hang", "more than 0.5 seconds of CPU time")),
        (CRASH, Broken("crash", "the process ended with SIGSEGV")),
        (LEAVE, Broken("crash", "the process ended with exit status 3")),
    ],
)
def test_what_breaks_is_told_and_the_next_task_runs(worker: Worker, number: int, broken: Broken) -> None:
    assert worker.run(21) == 42
    assert worker.run(number) == broken
    assert worker.run(4) == 8


def test_memory_is_limited() -> None:
    worker = Worker(tasks, Limits(cpu_seconds=60, memory=100 << 20))
    try:
        assert worker.run(GROW) == Broken("memory", "more than 100 MiB")
    finally:
        worker.close()


def test_a_mistake_of_the_task_itself_is_no_finding(worker: Worker) -> None:
    with pytest.raises(RuntimeError, match="LookupError: the task's own mistake"):
        worker.run(RAISE)
    assert worker.run(1) == 2
