"""Sessions shared by threads, closed while they run, dropped, interrupted and forked: right or one error."""

import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.runtime_py import InferenceSession, SessionError

from tests.runtime_py import tiny_artifact as tiny

Process = Callable[..., CompletedProcess[str]]

START = """
import os, signal, sys, threading, time
import numpy as np
from onnx2wgsl.runtime_py import InferenceSession, SessionError
inputs = {"x": np.zeros((1, 3, 4, 4), np.float32), "shift": np.zeros(5, np.uint8)}
"""


def feed(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "x": random.uniform(-1.2, 1.2, (1, 3, 4, 4)).astype(np.float32),
        "shift": random.integers(0, 256, 5, dtype=np.uint8),
    }


def expected(inputs: dict[str, np.ndarray]) -> bytes:
    return tiny.reference(**inputs)["lookup"][0].tobytes()


def in_threads(count: int, work: Callable[[int], None]) -> list[Exception]:
    """What was raised by `work(0)`, `work(1)`, ... in a thread each."""
    errors: list[Exception] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_ten_threads_share_a_session(session: InferenceSession) -> None:
    def work(number: int) -> None:
        inputs = feed(number)
        for _ in range(100):
            assert session.run(["y"], inputs)[0].tobytes() == expected(inputs)

    assert in_threads(10, work) == []


def test_every_other_call_may_come_from_a_thread_too(session: InferenceSession) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: session.run(None, feed(1)),
        lambda: session.trace(feed(2)),
        lambda: session.profile(frames=1),
        session.self_test,
    ]

    def work(number: int) -> None:
        for _ in range(10):
            calls[number % 4]()

    assert in_threads(8, work) == []
    assert session.self_test().ok


def test_sessions_are_opened_and_dropped_in_threads(folder: Path) -> None:
    def work(number: int) -> None:
        inputs = feed(number)
        for _ in range(4):
            session = InferenceSession(folder)
            assert session.run(["y"], inputs)[0].tobytes() == expected(inputs)

    assert in_threads(4, work) == []


@pytest.mark.parametrize("frames", [1, 2, 5, 20, 50])
def test_a_session_is_closed_while_threads_run_it(folder: Path, frames: int) -> None:
    session, inputs, run = InferenceSession(folder), feed(0), threading.Semaphore(0)

    def work(number: int) -> None:
        if number == 0:
            for _ in range(frames):
                run.acquire()
            session.close()
        while True:
            assert session.run(["y"], inputs)[0].tobytes() == expected(inputs)
            run.release()

    errors = in_threads(4, work)
    assert [type(error) for error in errors] == [SessionError] * 4
    assert {str(error) for error in errors} == {"this session is closed; make a new InferenceSession"}


def test_ctrl_c_ends_a_run_and_the_next_one_is_right(folder: Path, in_process: Process) -> None:
    code = """
random = np.random.default_rng(0)
session = InferenceSession(sys.argv[1])
expected = session.run(["y"], inputs)[0].tobytes()

def interrupt(seconds):
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)

for _ in range(100):
    thread = threading.Thread(target=interrupt, args=(random.uniform(0, 0.005),))
    try:
        thread.start()
        while True:
            session.run(None, inputs)
    except KeyboardInterrupt:
        thread.join()
    assert session.run(["y"], inputs)[0].tobytes() == expected
"""
    process = in_process(START + code, str(folder))
    assert (process.returncode, process.stderr) == (0, "")


FORK = """
session = InferenceSession(sys.argv[1])
session.run(None, inputs)
child = os.fork()
if child == 0:
    signal.alarm(30)
    try:
        {}
    except SessionError as error:
        print(error)
    sys.exit(7)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 7, status
session.run(None, inputs)
"""


@pytest.mark.parametrize(
    ("deed", "refused"),
    [
        ("session.run(None, inputs)", True),
        ("session.self_test()", True),
        ("InferenceSession(sys.argv[1])", True),
        ("InferenceSession(sys.argv[1], adapter=session.get_adapter())", True),
        ("session.close()", False),
        ("del session", False),
        ("pass", False),
    ],
)
def test_a_forked_child_is_told_and_ends(folder: Path, in_process: Process, deed: str, refused: bool) -> None:
    process = in_process(START + FORK.format(deed), str(folder))
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert len(lines) == refused
    if refused:
        assert lines[0].startswith("this process was forked from one that had used WebGPU")
        assert lines[0].endswith("or start processes by multiprocessing.get_context('spawn')")


def test_a_child_that_was_forked_before_may_use_webgpu(folder: Path, in_process: Process) -> None:
    code = """
child = os.fork()
InferenceSession(sys.argv[1]).run(None, inputs)
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    process = in_process(START + code, str(folder))
    assert (process.returncode, process.stderr) == (0, "")


def test_an_interpreter_may_end_while_threads_run(folder: Path, in_process: Process) -> None:
    code = """
session = InferenceSession(sys.argv[1])

def work():
    while True:
        session.run(None, inputs)

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
sys.exit(5)
"""
    process = in_process(START + code, str(folder))
    assert (process.returncode, process.stderr) == (5, "")
