"""Runs onnx2wgsl-train as a person does, in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

from onnx2wgsl.trainer import cli

from tests.command import Result


def train(*args: str | Path) -> Result:
    """Runs the command; no bug of ours may show."""
    out, err = io.StringIO(), io.StringIO()
    status: object = None
    with (
        mock.patch.object(sys, "argv", ["onnx2wgsl-train", *map(str, args)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code
    result = Result(int(str(status or 0)), out.getvalue(), err.getvalue())
    assert "Traceback" not in result.err + result.out
    assert "bug in onnx2wgsl" not in result.err, result.err
    return result


def succeed(*args: str | Path) -> str:
    """Runs a command that must succeed; returns what it printed."""
    result = train(*args)
    assert (result.status, result.err) == (0, ""), result
    return result.out


def refusal(*args: str | Path) -> str:
    """Runs a command that must be refused in one message; returns it without `error: `."""
    result = train(*args)
    assert result.out == ""
    assert result.status == 1, result
    assert result.err.startswith("error: ")
    return result.err.removeprefix("error: ").rstrip("\n")
