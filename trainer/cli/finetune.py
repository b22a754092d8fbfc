"""onnx2wgsl-train finetune DATA --init RUN -o RUN"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..config import PRESETS
from ..errors import TrainerError
from . import console
from .options import GENERATOR, end, loss, loss_options, optimizer, run_options, set_threads


@click.command()
@run_options
@click.option("--init", type=GENERATOR, required=True, help="The student to train on: a run, or a .pt file.")
@click.option("--teacher", type=GENERATOR, help="The teacher's run, or a .pt file.")
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
    init: Path,
    **given: Any,
) -> None:
    """Train a student further, without a discriminator: the shipping recipe.

    Norms keep their statistics, so that what is trained is the network that ships. Size and
    channels are those of --init. The same command goes on where it stopped.
    """
    from ..training.run import train_student

    if size or ngf or given["gan"]:
        raise TrainerError("--size, --ngf and --gan are for distill: a fine-tune has none of them")
    set_threads(threads)
    config = PRESETS[preset]
    config = replace(config, loss=loss(config.loss, given), finetune=optimizer(config.finetune, given))
    result = train_student(data, run, config, "finetune", teacher, init, seconds, device, console())
    end(result.reason)
