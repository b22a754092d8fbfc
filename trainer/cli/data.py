"""onnx2wgsl-train data -o DIR"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import PRESETS
from . import console

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


Function = TypeVar("Function", bound=Callable[..., Any])


def _counts(function: Function) -> Function:
    """--train, --val, --pose-extreme, --speech, --tracked and --dev."""
    for name, what in (
        ("--dev", "held out, by which epochs are chosen"),
        ("--tracked", "held out, with landmarks that MediaPipe found"),
        ("--speech", "held out, of consecutive frames of speech"),
        ("--pose-extreme", "held out, with heads turned farther"),
        ("--val", "held out, of the same distribution"),
        ("--train", "to train on"),
    ):
        function = click.option(name, type=click.IntRange(0), help=f"Pairs {what}.")(function)
    return function


@click.command()
@click.option("-o", "--output", "folder", metavar="DIR", required=True, type=FOLDER)
@click.option(
    "--preset", default="cpu", show_default=True, type=click.Choice(list(PRESETS)),
    help="What the other options change single values of.",
)  # fmt: skip
@click.option("--size", type=click.IntRange(32), help="Pixels a side.")
@_counts
@click.option("--seed", type=click.IntRange(0), help="Equal seeds give equal data.")
@click.option("--look", metavar="NAME", help="The look of the avatar.")
@click.option("--noise", type=click.FloatRange(0, 1), help="Share of training faces with a tracker's errors.")
@click.option("--no-visemes", is_flag=True, help="Train on mouths of emotions only, not of speech.")
@click.option(
    "--processes", default=os.cpu_count() or 1, type=click.IntRange(1),
    help="How many render at once; all processors if not given.",
)  # fmt: skip
@click.option("--sheet", metavar="FILE.png", type=FILE, help="Also write a picture of some pairs.")
def command(
    folder: Path,
    preset: str,
    no_visemes: bool,
    processes: int,
    sheet: Path | None,
    **changes: Any,
) -> None:
    """Render a data set: pairs of landmark drawing and avatar.

    The same command again goes on where it was interrupted, and repairs shards that are damaged.
    """
    from ..data.generate import generate
    from ..data.sheet import write_sheet

    config = replace(PRESETS[preset].data, **{name: v for name, v in changes.items() if v is not None})
    if no_visemes:
        config = replace(config, visemes=False)
    out = console()
    report = generate(config, folder, processes, out)
    out.print(
        f"{folder}: {report.rendered + report.existing} pairs of {config.size}x{config.size}, "
        f"{report.rendered} rendered ({report.pairs_per_second:.1f} a second), {report.existing} kept"
    )
    if sheet is not None:
        write_sheet(folder, sheet)
        out.print(f"{sheet}: some of them")
