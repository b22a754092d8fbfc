"""onnx2wgsl-train blend RUN=SHARE RUN=SHARE ... -o RUN"""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import TrainerError
from . import console


@click.command()
@click.argument("parts", metavar="RUN_OR_PT=SHARE...", nargs=-1, required=True)
@click.option(
    "-o", "--output", "run", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="The blend's run folder.",
)  # fmt: skip
def command(parts: tuple[str, ...], run: Path) -> None:
    """Average the weights of runs that were trained on from one start.

    Shares sum to 1. A sharper run and a nearer one give a run in between that is often better than
    both; `evaluate` says whether it is.
    """
    from ..models.blend import blend

    blend([_part(part) for part in parts], run)
    console().print(f"{run / 'best.pt'}: the mean of {len(parts)} runs")


def _part(text: str) -> tuple[Path, float]:
    path, equals, share = text.rpartition("=")
    try:
        if equals and path:
            return Path(path), float(share)
    except ValueError:
        pass
    raise TrainerError(f"a part {text!r}: write RUN=SHARE, as in build/finetuned=0.7")
