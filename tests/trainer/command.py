"""Runs onnx2wgsl-train as a person does, in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from unittest import mock

from onnx2wgsl.trainer import cli

from tests.command import Done


def train(*args: str | Path) -> Done:
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
    done = Done(int(str(status or 0)), out.getvalue(), err.getvalue())
    assert "Traceback" not in done.err + done.out
    assert "bug in onnx2wgsl" not in done.err, done.err
    return done


def succeed(*args: str | Path) -> str:
    """Runs a command that must succeed; returns what it printed."""
    done = train(*args)
    assert (done.status, done.err) == (0, ""), done
    return done.out


def refusal(*args: str | Path) -> str:
    """Runs a command that must be refused in one message; returns it without `error: `."""
    done = train(*args)
    assert done.out == ""
    assert done.status == 1, done
    assert done.err.startswith("error: ")
    return done.err.removeprefix("error: ").rstrip("\n")
