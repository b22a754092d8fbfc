"""The compiler as a person calls it: `python -m onnx2wgsl.compiler`, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import TrainerError

NORMALIZE = f"input={1 / 127.5!r},-1"
"""How a picture's bytes become the network's range."""


def strip(source: Path, target: Path) -> int:
    """Takes out zero points that say nothing; returns how many."""
    match = re.search(r"(\d+) zero points stripped", _run("strip", source, target))
    return int(match.group(1)) if match else 0


def compile_model(model: Path, artifact: Path) -> None:
    """Writes the artifact of a model into a folder."""
    _run("compile", model, "-o", artifact, "--normalize", NORMALIZE)


def verify(artifact: Path, model: Path, samples: int) -> str:
    """Compares every bit of an artifact with onnxruntime; returns the verdict, `exact: ...`.

    Raises:
        TrainerError: bits differ.
    """
    output = _run("verify", artifact, "--model", model, "--samples", samples)
    verdicts = [line for line in output.splitlines() if line.startswith("exact: ")]
    if not verdicts:
        raise TrainerError(f"onnx2wgsl verify gave no verdict on {model.name}:\n{output}")
    return verdicts[-1]


def _run(command: str, *arguments: object) -> str:
    """What a command printed.

    Raises:
        TrainerError: it failed; the message has its own.
    """
    environment = dict(os.environ)
    # Vulkan drivers complain on stderr where a login session has not set it.
    environment.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    process = subprocess.run(
        [sys.executable, "-m", "onnx2wgsl.compiler", command, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        message = (process.stderr.strip() or process.stdout.strip()).removeprefix("error: ")
        raise TrainerError(f"onnx2wgsl {command} failed: {message}")
    return process.stdout
