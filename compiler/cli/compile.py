"""onnx2wgsl compile MODEL -o DIR"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from onnx2wgsl.media.errors import require_file
from onnx2wgsl.media.pictures import read_picture
from rich.console import Console
from rich.status import Status

from ..backend.pictures import Preprocessing
from ..driver import Compilation, compile_file
from ..errors import CompileError
from ..ir.limits import BINDING_BYTES
from . import by_channel, console
from .options import FILE, FOLDER, MODEL, NormalizeType, picture_options, shape_option


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
@picture_options
@click.option("--labels", type=FILE, help="Names of the classes: a JSON list, or text with one a line.")
@click.option("--sample", type=FILE, help="A picture to show the model on (PNG, JPEG, WebP, BMP).")
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
@click.option(
    "--bundle", is_flag=True, help="Also write NAME.onnx2wgsl: all that a runtime needs, in one file."
)
@click.option(
    "--keep-onnx",
    is_flag=True,
    help="Also write the model itself, which pages without WebGPU can fall back to (createSession's option "
    "fallback).",
)
def command(
    model: Path,
    output: Path,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    normalize: tuple[tuple[str, tuple[float, float]], ...],
    dump_ir: Path | None,
    force: bool,
    no_self_test: bool,
    bundle: bool,
    keep_onnx: bool,
    labels: Path | None,
    sample: Path | None,
    **pictures: tuple[tuple[str, Any], ...],
) -> None:
    """Compile an int8 QDQ ONNX model to a WebGPU artifact.

    DIR is written whole or not at all. An earlier artifact there is replaced; a folder that holds anything
    else, or a file of an artifact that was changed since, is refused and left as it is.
    """
    if sample is not None:
        read_picture(sample)
    with Status("reading", console=Console(stderr=True, markup=False, emoji=False)) as status:
        compilation = compile_file(
            model,
            output,
            shapes=dict(shapes),
            normalize=dict(normalize),
            preprocess=_preprocessing(pictures),
            labels=() if labels is None else _labels(labels),
            sample=sample,
            dump_ir=dump_ir,
            force=force,
            self_test=not no_self_test,
            bundle=bundle,
            keep_onnx=keep_onnx,
            progress=status.update,
        )
    console().print(
        f"{output}: {compilation.dispatches} dispatches, {compilation.macs / 1e6:.0f} million MACs, "
        f"arena {compilation.arena_bytes / 1024:.0f} KiB "
        f"(lower bound {compilation.arena_lower_bound / 1024:.0f} KiB), "
        f"{compilation.artifact_bytes / 1e6:.2f} MB in all"
    )
    _print_batches(compilation)
    _print_pictures(compilation, {name for name, _ in (*normalize, *pictures["mean"], *pictures["std"])})
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


def _labels(path: Path) -> list[str]:
    """The names in a file."""
    require_file(path)
    try:
        text = path.read_text("utf-8")
        names = json.loads(text) if path.suffix.lower() == ".json" else text.splitlines()
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CompileError(f"{path} can't be read as labels ({error}); give a JSON list, or lines") from error
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise CompileError(f"{path} holds no list of names; give a JSON list, or text with one a line")
    return names


def _preprocessing(options: Mapping[str, tuple[tuple[str, Any], ...]]) -> dict[str, Preprocessing]:
    """What the options say of each input."""
    inputs: dict[str, dict[str, Any]] = {}
    for option, values in options.items():
        for name, value in values:
            own = inputs.setdefault(name, {})
            if option in own:
                raise CompileError(f"--{option}: {name or 'the input'} is given twice")
            own[option] = value
    return {name: Preprocessing(**known) for name, known in inputs.items()}


def _print_batches(compilation: Compilation) -> None:
    """What was taken for 1, and how to say otherwise."""
    for name in compilation.open_batches:
        rest = compilation.program.inputs[name].shape[1:]
        shape = ",".join(["N", *map(str, rest)])
        console().print(
            f"input {name}: its batch is open in the model, 1 here (--shape {name}={shape} says otherwise)"
        )


def _print_pictures(compilation: Compilation, known: set[str]) -> None:
    """How pictures become inputs, and how to say otherwise; `known`: the inputs whose scale was stated."""
    for tensor in compilation.description["inputs"]:
        if "image" not in tensor:
            continue
        image, name = tensor["image"], tensor["name"]
        width, height = image["size"]
        if tensor["dtype"] == "uint8":
            values = "the bytes themselves"
        else:
            values = f"scale {by_channel(image['scale'])}, offset {by_channel(image['offset'])}"
            if not known & {name, ""}:
                values += ", as its range suggests (--mean and --std say otherwise)"
        if "skips" in image:
            values += "; what the model computes of it before it quantizes is in the picture's table"
        console().print(
            f"input {name}: a picture of {width}x{height} {image['channels']}, {values}; fit {image['fit']}"
        )


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
