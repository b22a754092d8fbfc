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
class Done:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


def onnx2wgsl(*args: str | Path) -> Done:
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
    return _checked(Done(int(str(status or 0)), out.getvalue(), err.getvalue()))


def script(*args: str | Path, **variables: str) -> Done:
    """Runs the installed console script, with further environment variables."""
    done = subprocess.run(
        [SCRIPT, *map(str, args)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def succeed(*args: str | Path) -> str:
    """Runs a command that must succeed; returns what it printed."""
    done = onnx2wgsl(*args)
    assert (done.status, done.err) == (0, ""), done
    return done.out


def refusal(*args: str | Path) -> str:
    """Runs a command that must be refused in one message; returns it without `error: `.

    The message is a single one, with no word of a traceback or of a bug, and nothing is on standard
    output. A refusal of the command line's own form has status 2, any other has 1.
    """
    done = onnx2wgsl(*args)
    assert done.out == ""
    if done.status == 2:
        assert done.err.startswith("Usage: onnx2wgsl ")
        return done.err.partition("Error: ")[2].rstrip("\n")
    assert done.status == 1, done
    assert done.err.startswith("error: ")
    assert done.err.count("\nerror: ") == 0
    assert "bug in onnx2wgsl" not in done.err
    return done.err.removeprefix("error: ").rstrip("\n")


def _checked(done: Done) -> Done:
    assert "Traceback" not in done.err + done.out
    return done
