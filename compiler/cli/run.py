"""onnx2wgsl run DIR|BUNDLE --input name=file ..."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from onnx2wgsl.media.arrays import read_array
from onnx2wgsl.media.pictures import SUFFIXES, read_picture

from ..errors import CompileError
from . import console
from .options import FOLDER, MODEL_OR_FOLDER, RunFitType, device_options

_PNG_HEAD = 29
"""Bytes of a PNG that tell its size, bits and colours."""


@click.command()
@click.argument("path", metavar="DIR|BUNDLE", type=MODEL_OR_FOLDER)
@click.option(
    "--input",
    "inputs",
    metavar="NAME=FILE",
    multiple=True,
    help="An .npy file or a picture (PNG, JPEG, WebP, BMP); NAME= may be left out where there is one input.",
)
@click.option(
    "--fit",
    type=RunFitType(),
    help="How a picture of other proportions meets the input: cover cuts it, contain pads it, stretch "
    "distorts it; or a rectangle of it. Otherwise as the artifact says.",
)
@click.option("--output-dir", type=FOLDER, help="Write NAME.npy, and NAME.png where it is a picture.")
@device_options
def command(
    path: Path,
    inputs: tuple[str, ...],
    fit: Any,
    output_dir: Path | None,
    adapter: str | None,
    dot: Any,
    requantize: Any,
) -> None:
    """Run an artifact on the GPU, on .npy files or pictures.

    A picture is brought to the model's size, and its bytes become values by the normalisation
    that the artifact states (shown by `inspect`).
    """
    from onnx2wgsl.runtime_py import InferenceSession, Rectangle

    from .compiled import is_compiled

    sources: list[Path] = []
    if path.is_file() and not is_compiled(path):
        raise CompileError(f"{path} is no artifact; compile it first: onnx2wgsl compile {path} -o DIR")
    with InferenceSession(path, adapter=adapter, dot=dot, requantize=requantize) as session:
        tensors = {tensor.name: tensor for tensor in session.artifact.inputs}
        feed: dict[str, np.ndarray[Any, Any]] = {}
        for argument in inputs:
            name, file = _split(argument, list(tensors))
            if name in feed:
                raise CompileError(f"--input {argument}: input {name!r} is given twice")
            feed[name] = read_input(file, tensors[name])
            sources.append(file)
        chosen = Rectangle(*fit) if isinstance(fit, tuple) else fit
        results = dict(zip(session.artifact.outputs, session.run(None, feed, fit=chosen), strict=True))
    paths = _write(output_dir, results, sources) if output_dir else {}
    for tensor, result in results.items():
        console().print(
            f"{tensor.name}: {result.dtype}{list(result.shape)}, "
            f"{result.min():.6g} to {result.max():.6g}"
            + "".join(f"\n  {path}" for path in paths.get(tensor.name, ()))
        )


def _split(argument: str, names: list[str]) -> tuple[str, Path]:
    """The input's name and the file of `NAME=FILE` or `FILE`."""
    for name in names:
        if argument.startswith(f"{name}="):
            return name, Path(argument[len(name) + 1 :])
    if len(names) == 1 and ("=" not in argument or Path(argument).exists()):
        return names[0], Path(argument)
    if not names:
        raise CompileError(f"--input {argument}: the model has no inputs: leave it out")
    choices = ", ".join(names)
    raise CompileError(f"--input {argument}: say which input with NAME=FILE; the inputs are {choices}")


def read_input(path: Path, tensor: Any) -> np.ndarray[Any, Any]:
    """The array in an .npy file, or a picture as uint8 [H, W, 3 or 4] of its own size."""
    if path.suffix.lower() not in SUFFIXES:
        return read_array(path, f"make one with numpy.save, or give a picture ({', '.join(SUFFIXES)})")
    if tensor.image is None:
        raise CompileError(
            f"{path} is a picture, but input {tensor.name!r} {list(tensor.shape)} takes none: "
            "give an .npy file"
        )
    return read_picture(path, "RGBA" if len(tensor.image.scale) == 4 else "RGB")


def _write(
    folder: Path, results: Mapping[Any, np.ndarray[Any, Any]], sources: Sequence[Path]
) -> dict[str, list[Path]]:
    """Writes each output as .npy, and as .png where it is a picture; all of them or none.

    Earlier results are replaced: files that begin as the new ones do, and were not given as inputs.
    """
    from ..files import write_all

    files: dict[Path, bytes] = {}
    heads: dict[Path, bytes] = {}
    paths: dict[str, list[Path]] = {}
    for tensor, result in results.items():
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", tensor.name)
        while folder / f"{stem}.npy" in files:  # two names that differ only in what became _
            stem += "_"
        data = io.BytesIO()
        np.save(data, result)
        own = {folder / f"{stem}.npy": data.getvalue()}
        heads[folder / f"{stem}.npy"] = data.getvalue()[: -result.nbytes]
        if tensor.image is not None:
            data = io.BytesIO()
            to_picture(result, tensor.image.scale, tensor.image.offset).save(data, "PNG")
            own[folder / f"{stem}.png"] = data.getvalue()
            heads[folder / f"{stem}.png"] = data.getvalue()[:_PNG_HEAD]
        files |= own
        paths[tensor.name] = list(own)
    for path, head in heads.items():
        if path.is_file():
            _require_result(path, head, sources)
    write_all(files)
    return paths


def _require_result(path: Path, head: bytes, sources: Sequence[Path]) -> None:
    """Refuses to write over what is no result of an earlier run."""
    if any(path.samefile(one) for one in sources):
        raise CompileError(f"{path} is an input; it is left as it is: give another --output-dir")
    from ..files import cannot_write

    try:
        with path.open("rb") as file:
            present = file.read(len(head))
    except OSError as error:
        raise cannot_write(path, error) from error
    if present not in (b"", head):
        raise CompileError(
            f"{path} is no earlier result of this output; it is left as it is: give another --output-dir, or "
            "remove it"
        )


def to_picture(values: np.ndarray[Any, Any], scale: float, offset: float) -> Any:
    """f32 [1, 1|3|4, H, W] as a Pillow image: byte = value * scale + offset, rounded."""
    from onnx2wgsl.runtime_py.pictures import to_bytes
    from PIL import Image

    pixels = to_bytes(values[0], scale, offset)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
