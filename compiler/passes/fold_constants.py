"""Computes what depends on constants alone.

Rules:
1. `quantize` of a constant becomes the constant it makes (a fake-quantized weight, as training
   frameworks export it).
2. With `dequantize`, `dequantize` of a constant does too, and so does a move of one: what no
   integer group took are weights of a float op.

Refusals:
- without that option `dequantize` of a weight or bias stays: fuse_groups reads the integers and
  their scale.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir.graph import Graph, Op, Tensors, Value
from ..ir.types import NUMPY_DTYPES, Array
from ..operators.moves.op import Move
from ..operators.quantize import Dequantize, Quantize


@dataclass(frozen=True)
class FoldConstants:
    """Constant quantize, and constant dequantize where asked."""

    name: ClassVar[str] = "fold_constants"
    dequantize: bool = False

    def apply(self, graph: Graph) -> bool:
        changed = False
        for op in list(graph.ops):
            data = self._folded(op)
            if data is not None:
                type_ = op.result.type
                graph.ops.remove(op)
                graph.replace_value(op.result, Value(op.result.name, type_, data))
                changed = True
        return changed

    def _folded(self, op: Op) -> Array | None:
        """The data of the result of an op on constants; None where it stays."""
        if isinstance(op, Quantize) and op.x.data is not None:
            return quantized(op)
        if not self.dequantize:
            return None
        if isinstance(op, Dequantize) and op.x.data is not None:
            return dequantized(op)
        if isinstance(op, Move) and op.x.data is not None:
            return op.evaluate(Tensors())
        return None


def dequantized(op: Dequantize) -> Array:
    """What `op` makes of a constant, f32."""
    scale, zero_point = axis_parameters(op)
    return dequantize_linear(op.x.array, scale, zero_point)


def axis_parameters(op: Quantize | Dequantize) -> tuple[Array, Array]:
    """Scale and zero point of an op, shaped to broadcast against its operand."""
    scale = op.scale.array
    zero_point = np.zeros((), np.int32) if op.zero_point is None else op.zero_point.array
    shape = [1] * len(op.x.type.shape)
    if scale.size > 1:
        shape[op.axis] = scale.size
        return scale.reshape(shape), np.broadcast_to(zero_point, scale.shape).reshape(shape)
    return scale.reshape(shape), zero_point.reshape(shape) if zero_point.size == 1 else zero_point


def quantized(op: Quantize) -> Array:
    """What `op` makes of a constant, bytes."""
    scale, zero_point = axis_parameters(op)
    data = np.empty(op.x.type.shape, NUMPY_DTYPES[op.result.type.dtype])
    x = np.broadcast_to(op.x.array, data.shape)
    scales, zero_points = np.broadcast_to(scale, x.shape), np.broadcast_to(zero_point, x.shape)
    for pair in {(s, z) for s, z in zip(scales.flat, zero_points.flat, strict=True)}:
        where = (scales == pair[0]) & (zero_points == pair[1])
        data[where] = quantize_linear(x[where], pair[0], int(pair[1]), op.result.type.limits)
    return data
