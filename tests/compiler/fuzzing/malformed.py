"""Loads and runs damaged artifacts in a process of its own, with limits, and says what each came to.

    python -m tests.compiler.fuzzing.malformed ARTIFACT FIRST LAST [--sealed]     # seeds FIRST .. LAST - 1

A line a mutant: its seed, `refused`, `right`, `wrong outputs` or the exception, what was changed, the
message. Sealed mutants have hashes that agree with what they say: they are loaded alone, since they are other
programs.
"""

from __future__ import annotations

import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from onnx2wgsl.compiler.fuzzing.artifact_mutation import mutate, reseal
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.errors import SessionError
from onnx2wgsl.runtime_py.selftest import seeded_inputs

CPU_SECONDS = 20
SECONDS = 120
"""Of waiting, for a pipe that nobody writes to."""
GIBIBYTES = 2

Arrays = dict[str, np.ndarray[Any, Any]]


def main(artifact: Path, first: int, last: int, sealed: bool) -> None:
    """Prints a line for every seed."""
    feed = seeded_inputs(load_artifact(artifact))
    expected = run(artifact, feed)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(first, last):
        signal.alarm(SECONDS)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(shutil.copytree(artifact, Path(scratch) / "a"))
            what = mutate(folder, seed)
            outcome, message = examine(folder, feed, expected, sealed)
        print(seed, outcome, what, message, sep="\t", flush=True)
    signal.alarm(0)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used
    assert more < GIBIBYTES << 20, f"{more} KiB more than one run takes"


def examine(folder: Path, feed: Arrays, expected: list[Any], sealed: bool) -> tuple[str, str]:
    """What a damaged artifact came to, and the message."""
    try:
        if sealed:
            if not sealable(folder):
                return "refused", "no description any more"
            load_artifact(folder)
            return "loaded", ""
        results = run(folder, feed)
    except SessionError as error:
        return "refused", " ".join(str(error).split())
    except Exception as error:
        return f"{type(error).__name__}: {error}", ""
    right = all(np.array_equal(a, b) for a, b in zip(results, expected, strict=True))
    return "right" if right else "wrong outputs", ""


def run(folder: Path, feed: Arrays) -> list[Any]:
    """The outputs of one frame."""
    with InferenceSession(folder) as session:
        return session.run(None, feed)


def sealable(folder: Path) -> bool:
    """Makes the hashes right, where there is something left to do so."""
    try:
        reseal(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), "--sealed" in sys.argv)
