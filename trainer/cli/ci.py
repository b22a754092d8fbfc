"""onnx2wgsl-train ci"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from . import console
from .options import set_threads


@click.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder; a scratch folder if not given.",
)  # fmt: skip
@click.option(
    "--processes", default=os.cpu_count() or 1, type=click.IntRange(1),
    help="How many render at once; all processors if not given.",
)  # fmt: skip
def command(output: Path | None, processes: int) -> None:
    """The whole recipe at 64x64, in minutes.

    Data, teacher, distillation, fine-tune, int8 export, compilation, every bit compared. The exit
    status is 0 only where every net beats the mean image and the bits are exact.
    """
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-train-ci-") as scratch:
        _run(output or Path(scratch), processes)


def _run(folder: Path, processes: int) -> None:
    from rich.table import Table

    from ..config import PRESETS
    from ..evaluation.report import MEAN_IMAGE
    from ..recipe import whole_recipe

    set_threads(1)  # at 64x64 a second one mostly waits
    out = console()
    outcome = whole_recipe(PRESETS["ci"], folder, processes, out)
    table = Table("on val", "PSNR dB", "above mean image", "Perc-Lite0", "mouth Perc-Lite0")
    for row in outcome.report.rows:
        figures = row.figures["val"]
        gain = outcome.report.gain(row.name, "val")
        table.add_row(
            row.name,
            f"{figures.psnr:.2f}",
            "" if row.name == MEAN_IMAGE else f"{gain:+.2f}",
            f"{figures.perc:.3f}",
            f"{figures.mouth_perc:.3f}",
        )
    out.print(table)
    gate = outcome.shipped.gate
    out.print(f"int8: {gate.fidelity:.1f} dB from float; {outcome.shipped.verdict}")
    out.print(f"{sum(outcome.seconds.values()):.0f} s in all")
    for failure in outcome.failures():
        out.print(f"FAILED: {failure}")
    if outcome.failures():
        raise click.exceptions.Exit(1)
