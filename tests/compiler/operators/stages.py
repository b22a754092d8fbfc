"""Models of one operator held to onnxruntime at every stage of a compilation, and on the device."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx2wgsl.compiler.ir.program import Program

from tests.compiler.exactness import assert_exact, assert_exact_on_gpu


def exact(model: onnx.ModelProto, folder: Path, *, device: bool = False) -> Program:
    """The program of a model; every stage has equal bits, and the device too where asked."""
    return assert_exact_on_gpu(model, folder) if device else assert_exact(model, folder)


def kernels(program: Program) -> list[str]:
    """The ops of a program's kernels, without those at its borders."""
    borders = ("pack", "unpack", "border", "quantize")
    return [kernel.kind for kernel in program.kernels if kernel.kind not in borders]
