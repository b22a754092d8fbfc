"""Artifacts of small models and of the avatar, written by the product's own function."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import onnx
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.qdq import QDQBuilder, QuantParams

AVATAR = Path(__file__).parents[2] / "models" / "avatar_256_u8.onnx"


@functools.cache
def program(path: Path) -> Program:
    """The program of a model that does not change, compiled once."""
    return compile_model(path)


def write(source: Path, folder: Path, **options: Any) -> dict[str, Any]:
    """Writes the artifact of a model to a folder; returns the content of model.json."""
    return write_artifact(program(source), folder, source=source, **options)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def picture_model(folder: Path, low: float, high: float, channels: int = 3) -> Path:
    """p.onnx: a float input x0 [1, channels, 4, 4] quantized for low ... high, itself and its Relu."""
    scale = (high - low) / 255
    b = QDQBuilder()
    x = b.input((1, channels, 4, 4), QuantParams(scale, round(-low / scale)))
    b.output(x, as_float=False)
    b.output(b.unary(x, "Relu"))
    onnx.save(b.build(), folder / "p.onnx")
    return folder / "p.onnx"
