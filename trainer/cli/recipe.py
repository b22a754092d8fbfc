"""onnx2wgsl-train recipe NAME -o DIR"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from ..config import PRESETS, SHIPPED
from . import console
from .options import FOLDER, GENERATOR, set_threads


@click.command()
@click.argument("name", type=click.Choice(SHIPPED))
@click.option("-o", "--output", "folder", metavar="DIR", required=True, type=FOLDER)
@click.option(
    "--init", type=GENERATOR, help="What to start from: a run, a .pt file, or a model that shipped (.onnx)."
)
@click.option(
    "--teacher", type=GENERATOR,
    help="A generator whose pictures are half of the targets while it is the better one.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Train for so long; to be gone on with."
)
@click.option("--amp", is_flag=True, help="Train in bf16 autocast, where that is faster (see doctor).")
@click.option("--threads", type=click.IntRange(1), help="Threads of the CPU that train.")
@click.option(
    "--processes", default=os.cpu_count() or 1, type=click.IntRange(1),
    help="How many render at once; all processors if not given.",
)  # fmt: skip
def command(
    name: str,
    folder: Path,
    init: Path | None,
    teacher: Path | None,
    seconds: float | None,
    amp: bool,
    threads: int | None,
    processes: int,
) -> None:
    """All that a model of models/ is made by: data, training, int8, every bit compared.

    The same command goes on where it stopped: at the end of --seconds, at Ctrl-C, at a failure.
    """
    from ..recipe import shipping_recipe

    set_threads(threads)
    out = console()
    config = PRESETS[name]
    if amp:
        config = replace(
            config,
            base=config.base and replace(config.base, amp=True),
            distill=replace(config.distill, amp=True),
        )
    shipped = shipping_recipe(config, folder, init, processes, seconds, out, teacher)
    if not shipped:
        out.print(f"{folder}: to be gone on with by the same command")
    for one in shipped:
        out.print(f"{one.path}: {one.bytes} bytes, int8 {one.gate.fidelity:.1f} dB from float; {one.verdict}")
