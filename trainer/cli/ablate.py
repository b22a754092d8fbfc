"""onnx2wgsl-train ablate -o DIR"""

from __future__ import annotations

import os
from pathlib import Path

import click

from . import console
from .options import FOLDER, set_threads


@click.command()
@click.option("-o", "--output", "folder", required=True, type=FOLDER, help="Data, runs, report.")
@click.option("--data", type=FOLDER, help="Take the pairs from here where they are the same.")
@click.option(
    "--size", default=128, show_default=True, type=click.Choice(["64", "128", "256"]),
    help="Pixels a side.",
)  # fmt: skip
@click.option("--pairs", default=1000, show_default=True, type=click.IntRange(4))
@click.option("--held", "pairs_held_out", default=100, show_default=True, type=click.IntRange(1))
@click.option(
    "--epochs", default=4, show_default=True, type=click.IntRange(1),
    help="Times that each run sees all pairs; what follows a run has half as many.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--seconds", type=click.FloatRange(0), help="Stop after so long; to be gone on with.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the CPU.")
@click.option("--processes", default=os.cpu_count() or 1, type=click.IntRange(1))
def command(
    folder: Path,
    data: Path | None,
    size: str,
    pairs: int,
    pairs_held_out: int,
    epochs: int,
    seed: int,
    seconds: float | None,
    threads: int | None,
    processes: int,
) -> None:
    """Repeat the findings of the recipe, each with one budget; write a report.

    Ten runs that differ in one thing each, one after another. The same command goes on where it
    stopped: at the end of --seconds, at Ctrl-C, at a failure. The report says what is measured.
    """
    from ..evaluation.ablations import Ablations, Budget
    from ..evaluation.findings import write_findings

    set_threads(threads)
    out = console()
    budget = Budget(int(size), pairs, pairs_held_out, epochs, seed)
    ablations = Ablations(folder, budget, processes, out, data)
    finished = ablations.run(seconds)
    out.print(f"{write_findings(ablations)}: what is measured")
    if not finished:
        out.print("not all is done: the same command goes on")
