"""Which kernels a model became."""

from __future__ import annotations

from onnx2wgsl.compiler.ir.program import Program


def kernels(program: Program) -> list[str]:
    """The ops of a program's kernels, without those at its borders."""
    borders = ("pack", "unpack", "border", "quantize")
    return [kernel.kind for kernel in program.kernels if kernel.kind not in borders]
