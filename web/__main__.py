"""onnx2wgsl-web: lays out the live avatar page, and serves it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from onnx2wgsl.compiler.errors import CompileError

from .errors import WebError
from .site import default_models, lay_out

MODELS = click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An int8 QDQ generator; may be given more than once. Default: those of the repository's models/.",
)
SMALL = click.option(
    "--no-onnxruntime", is_flag=True, help="Leave out onnxruntime-web: 60 MB less, and no other backend."
)


@click.group()
def cli() -> None:
    """The live avatar: a face before a camera drives it, in a static page."""


@cli.command()
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR"
)
@MODELS
@SMALL
def build(output: Path, models: tuple[Path, ...], no_onnxruntime: bool) -> None:
    """Write the page as a folder for any static server."""
    lay_out(output, models or default_models(), not no_onnxruntime)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    click.echo(f"{output}: {size / 1e6:.1f} MB, for any static server over https")


def main() -> None:
    """What `onnx2wgsl-web` calls: a message and exit status 1 where something goes wrong."""
    try:
        cli(prog_name="onnx2wgsl-web")
    except (WebError, CompileError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
