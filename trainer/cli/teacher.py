"""onnx2wgsl-train teacher DATA -o RUN"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..config import PRESETS
from . import console
from .options import end, optimizer, run_options, set_threads, sized


@click.command()
@run_options
@click.option("--l1", type=click.FloatRange(0), help="Weight of the L1 distance.")
@click.option("--gan", type=click.FloatRange(0), help="Weight of the LSGAN term.")
@click.option("--ndf", type=click.IntRange(1), help="Channels of the discriminator.")
def command(
    data: Path,
    run: Path,
    preset: str,
    seconds: float | None,
    device: str,
    threads: int | None,
    size: int | None,
    ngf: int | None,
    **given: Any,
) -> None:
    """Train the teacher: pix2pix's UNet with LSGAN + L1.

    The same command goes on where it stopped: at the end of --seconds, at Ctrl-C, at a failure.
    """
    from ..training.run import train_teacher

    set_threads(threads)
    config = sized(PRESETS[preset], "teacher", size, ngf)
    weights = {n: given[n] for n in ("l1", "gan", "ndf") if given[n] is not None}
    config = replace(
        config,
        teacher=replace(config.teacher, **weights),
        teach=optimizer(config.teach, given),
    )
    result = train_teacher(data, run, config, seconds, device, console())
    end(result.reason)
