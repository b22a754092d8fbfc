"""Runs the command line as a person does: in this process (fast), or as the installed script."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from onnx2wgsl.compiler import cli

SCRIPT = Path(sys.executable).with_name("onnx2wgsl")
NO_ADAPTER = {
    "VK_ICD_FILENAMES": "/nowhere.json",
    "VK_DRIVER_FILES": "/nowhere.json",
    "__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere.json",
}
"""Environment variables that hide every adapter of a Linux machine."""


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


def onnx2wgsl(*args: str | Path) -> Result:
    """Runs the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    status: object = None
    with (
        mock.patch.object(sys, "argv", ["onnx2wgsl", *map(str, args)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code
    return _checked(Result(int(str(status or 0)), out.getvalue(), err.getvalue()))


def script(*args: str | Path, **variables: str) -> Result:
    """Runs the installed console script, with further environment variables."""
    process = subprocess.run(
        [SCRIPT, *map(str, args)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Result(process.returncode, process.stdout, process.stderr)


def succeed(*args: str | Path) -> str:
    """Runs a command that must succeed; returns what it printed."""
    result = onnx2wgsl(*args)
    assert (result.status, result.err) == (0, ""), result
    return result.out


def refusal(*args: str | Path) -> str:
    """Runs a command that must be refused in one message; returns it without `error: `.

    The message is a single one, with no word of a traceback or of a bug, and nothing is on standard
    output. A refusal of the command line's own form has status 2, any other has 1.
    """
    result = onnx2wgsl(*args)
    assert result.out == ""
    if result.status == 2:
        assert result.err.startswith("Usage: onnx2wgsl ")
        return result.err.partition("Error: ")[2].rstrip("\n")
    assert result.status == 1, result
    assert result.err.startswith("error: ")
    assert result.err.count("\nerror: ") == 0
    assert "bug in onnx2wgsl" not in result.err
    return result.err.removeprefix("error: ").rstrip("\n")


def cells(text: str) -> list[list[str]]:
    """The rows of the tables that were printed, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def _checked(result: Result) -> Result:
    assert "Traceback" not in result.err + result.out
    return result
