"""onnx2wgsl-train stylize PHOTOS STYLIZED -o DIR"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import console

FOLDER = click.Path(file_okay=False, path_type=Path)
PICTURES = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("photos", metavar="PHOTOS", type=PICTURES)
@click.argument("stylized", metavar="STYLIZED", type=PICTURES)
@click.option("-o", "--output", "folder", metavar="DIR", required=True, type=FOLDER)
@click.option(
    "--val", default=0.1, show_default=True, type=click.FloatRange(0, 1),
    help="Share of the pairs that is held out, chosen by the names.",
)  # fmt: skip
@click.option("--size", default=256, show_default=True, type=click.IntRange(32), help="Pixels a side.")
@click.option(
    "--landmarks-from", default="stylized", show_default=True,
    type=click.Choice(["stylized", "source"]),
    help="Where landmarks are found; in the photo also where the stylized picture has no face.",
)  # fmt: skip
@click.option(
    "--look", metavar="NAME", default="stylized", show_default=True,
    help="What a page with models of several looks calls this one.",
)  # fmt: skip
def command(
    photos: Path, stylized: Path, folder: Path, val: float, size: int, landmarks_from: Any, look: str
) -> None:
    """Make a data set of pictures from any other tool.

    STYLIZED holds the pictures of PHOTOS as a tool repainted them, under the same names (the
    suffixes may differ). Landmarks are found in each; those in a file NAME.npy beside the picture
    (478 rows of x and y in fractions of the picture, and z) are taken instead.
    """
    from ..data.stylized import stylize

    out = console()
    report = stylize(
        photos, stylized, folder, size=size, val=val, landmarks_from=landmarks_from, out=out, look=look
    )
    for name, reason in report.left_out.items():
        out.print(f"left out: {name}: {reason}")
    out.print(
        f"{folder}: {report.counts['train']} pairs to train on, {report.counts['val']} held out, "
        f"{len(report.left_out)} pictures left out"
    )
