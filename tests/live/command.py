"""Runs onnx2wgsl-live as a person does, in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

from onnx2wgsl.live.__main__ import main

from tests.command import Result


def live(*args: str | Path) -> Result:
    """Runs the command; no bug of ours may show."""
    out, err = io.StringIO(), io.StringIO()
    status: object = None
    with (
        mock.patch.object(sys, "argv", ["onnx2wgsl-live", *map(str, args)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            status = stop.code
    return Result(int(str(status or 0)), out.getvalue(), err.getvalue())


def refusal(*args: str | Path) -> str:
    """Runs a command that must be refused in one message; returns it without `error: `."""
    result = live(*args)
    assert (result.status, result.out) == (1, ""), result
    assert result.err.startswith("error: ")
    return result.err.removeprefix("error: ").rstrip("\n")
