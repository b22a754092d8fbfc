"""onnx2wgsl compile MODEL -o DIR"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from ..driver import Compilation, compile_file
from ..ir.limits import BINDING_BYTES
from . import console
from .options import FOLDER, MODEL, NormalizeType, shape_option


@click.command()
@click.argument("model", type=MODEL)
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder to write the artifact to.")
@shape_option
@click.option(
    "--normalize",
    type=NormalizeType(),
    multiple=True,
    help="How a picture's bytes become an input's values: byte * SCALE + OFFSET.",
)
@click.option("--dump-ir", type=FOLDER, help="Also write the IR after every pass to this folder.")
@click.option(
    "--force",
    is_flag=True,
    help="Where DIR holds more than an earlier artifact: write over the files that have the new ones' names, "
    "and keep all others.",
)
@click.option(
    "--no-self-test", is_flag=True, help="Leave out the self-test, which takes long for large models."
)
def command(
    model: Path,
    output: Path,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    normalize: tuple[tuple[str, tuple[float, float]], ...],
    dump_ir: Path | None,
    force: bool,
    no_self_test: bool,
) -> None:
    """Compile an int8 QDQ ONNX model to a WebGPU artifact.

    DIR is written whole or not at all. An earlier artifact there is replaced; a folder that holds anything
    else, or a file of an artifact that was changed since, is refused and left as it is.
    """
    with Status("reading", console=Console(stderr=True, markup=False, emoji=False)) as status:
        compilation = compile_file(
            model,
            output,
            shapes=dict(shapes),
            normalize=dict(normalize),
            dump_ir=dump_ir,
            force=force,
            self_test=not no_self_test,
            progress=status.update,
        )
    console().print(
        f"{output}: {compilation.dispatches} dispatches, {compilation.macs / 1e6:.0f} million MACs, "
        f"arena {compilation.arena_bytes / 1024:.0f} KiB "
        f"(lower bound {compilation.arena_lower_bound / 1024:.0f} KiB), "
        f"{compilation.artifact_bytes / 1e6:.2f} MB in all"
    )
    _print_regions(model, compilation)
    _note_size(compilation)


def _note_size(compilation: Compilation) -> None:
    """Says on stderr where not every device has room for a buffer."""
    what, size = compilation.largest_buffer
    if size > BINDING_BYTES:
        note = (
            f"note: {what} takes {size:,} bytes; a WebGPU device must bind {BINDING_BYTES:,}, and one that "
            "binds no more refuses this model: compile a smaller shape to run on every device"
        )
        click.echo(note, err=True)


def _print_regions(model: Path, compilation: Compilation) -> None:
    """The parts that compute in float, and where nothing is quantized a note."""
    regions = compilation.float_regions
    for region in regions:
        console().print(str(region))
    if compilation.is_all_float:
        console().print(
            f"{model.name} has no quantized part: it computes in f32 throughout; "
            "int8 is what onnx2wgsl is for: quantize it, for example with "
            "onnxruntime.quantization.quantize_static"
        )
    elif regions:
        console().print(f"`onnx2wgsl verify {model}` measures what float regions differ by")
