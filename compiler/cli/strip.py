"""onnx2wgsl strip IN OUT"""

from __future__ import annotations

from pathlib import Path

import click

from . import console
from .options import MODEL


@click.command()
@click.argument("source", metavar="IN", type=MODEL)
@click.argument("destination", metavar="OUT", type=MODEL)
@click.option("-v", "--verbose", is_flag=True, help="Name each of them.")
def command(source: Path, destination: Path, verbose: bool) -> None:
    """Remove zero points that say nothing from an ONNX file.

    Some web runtimes reject the all-zero zero point of an int32 bias. What is removed changes no
    value.
    """
    from ..strip import strip_file

    lines = strip_file(source, destination)
    if verbose:
        for line in lines:
            console().print(line)
    console().print(f"{destination}: {len(lines)} zero points stripped")
