"""Float regions: what a model leaves in float, as f32 kernels on row-major words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..ir import Conv, Elementwise, FloatOp, Graph, Op

if TYPE_CHECKING:
    from ..passes.pack_int8 import Lowering

FLOAT_OPS: frozenset[str] = frozenset({"AveragePool", "Gemm", "GlobalAveragePool", "MatMul", "MaxPool", "Softmax"})
"""Operators that are imported as `float` ops: fused into integer ones, or computed in f32."""


def refusals(graph: Graph) -> Iterator[str]:
    """Why ops that are left in float can't be computed in f32."""
    for op in graph.ops:
        if isinstance(op, Conv | Elementwise | FloatOp):
            what = "Conv" if isinstance(op, Conv) else op.op
            yield f"{what} %{op.result.name} stays in float"


def lower(op: Op, to: Lowering) -> None:
    """The f32 form of a float op."""
    raise NotImplementedError(op.kind)
