"""onnx2wgsl compile MODEL -o DIR"""

from __future__ import annotations

from pathlib import Path

import click

from ..ir.program import Program
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
def command(
    model: Path,
    output: Path,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    normalize: tuple[tuple[str, float, float], ...],
    dump_ir: Path | None,
) -> None:
    """Compile an int8 QDQ ONNX model to a WebGPU artifact."""
    program = compile_to(model, output, dict(shapes), normalize, dump_ir)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    console().print(
        f"{output}: {len(program.kernels)} dispatches, "
        f"{sum(kernel.macs for kernel in program.kernels) / 1e6:.0f} million MACs, "
        f"arena {(program.arena_words or 0) * 4 / 1024:.0f} KiB "
        f"(lower bound {(program.lower_bound_words or 0) * 4 / 1024:.0f} KiB), "
        f"{size / 1e6:.2f} MB in all"
    )
    _print_regions(model, program)


def _print_regions(model: Path, program: Program) -> None:
    """The parts that compute in float, and where nothing is quantized a note."""
    from ..verify.regions import float_regions, is_all_float

    regions = float_regions(program)
    for region in regions:
        console().print(str(region))
    if is_all_float(program):
        console().print(
            f"{model.name} has no quantized part: it computes in f32 throughout; "
            "int8 is what onnx2wgsl is for: quantize it, for example with "
            "onnxruntime.quantization.quantize_static"
        )
    elif regions:
        console().print(f"`onnx2wgsl verify {model}` measures what float regions differ by")


def compile_to(
    model: Path,
    output: Path,
    shapes: dict[str, tuple[int, ...]],
    normalize: tuple[tuple[str, float, float], ...] = (),
    dump_ir: Path | None = None,
) -> Program:
    """Compiles a file to a folder."""
    from ..backend.artifact import picture_inputs, write_artifact
    from ..backend.codegen import Picture
    from ..errors import CompileError
    from ..ir.text import Dump
    from ..pipeline import compile_model

    dump = Dump()
    program = compile_model(model, shapes, dump if dump_ir else None)
    pictures = {name: Picture(scale, offset) for name, scale, offset in normalize}
    known = picture_inputs(program)
    for name in pictures:
        if name not in known:
            listed = ", ".join(map(repr, known)) or "none"
            raise CompileError(f"--normalize: {name!r} is no picture input; they are: {listed}")
    write_artifact(program, output, source=model, pictures=pictures)
    if dump_ir is not None:
        dump.write(dump_ir)
    return program
