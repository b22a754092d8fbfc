"""onnx2wgsl-train distill DATA -o RUN"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..config import PRESETS
from . import console
from .options import GENERATOR, end, loss, loss_options, optimizer, run_options, set_threads, sized


@click.command()
@run_options
@click.option("--teacher", type=GENERATOR, help="The teacher's run, or a .pt file.")
@click.option("--init", type=GENERATOR, help="A student to start from: a run, or a .pt file.")
@loss_options
def command(
    data: Path,
    run: Path,
    preset: str,
    seconds: float | None,
    device: str,
    threads: int | None,
    size: int | None,
    ngf: int | None,
    teacher: Path | None,
    init: Path | None,
    **given: Any,
) -> None:
    """Train a student on a data set and, while it is better than the student, on a teacher.

    The preset weave trains four students of half the size, one for each phase of the picture.
    The same command goes on where it stopped: at the end of --seconds, at Ctrl-C, at a failure.
    """
    from ..training.run import train_student

    set_threads(threads)
    config = sized(PRESETS[preset], "model", size, ngf)
    config = replace(config, loss=loss(config.loss, given), distill=optimizer(config.distill, given))
    result = train_student(data, run, config, "distill", teacher, init, seconds, device, console())
    end(result.reason)
