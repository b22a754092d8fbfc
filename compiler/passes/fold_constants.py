"""Computes what depends on constants alone.

Rule: `quantize` of a constant becomes the constant it makes (a fake-quantized weight, as training
frameworks export it).

Refusals:
- `dequantize` of a weight or bias stays: fuse_conv reads the integers and their scale.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir import NUMPY_DTYPES, Array, Dequantize, Graph, Quantize, Value


@dataclass(frozen=True)
class FoldConstants:
    """Constant quantize."""

    name: ClassVar[str] = "fold_constants"

    def apply(self, graph: Graph) -> bool:
        constant = [op for op in graph.ops if isinstance(op, Quantize) and op.x.data is not None]
        for op in constant:
            graph.ops.remove(op)
            graph.replace_value(op.result, Value.constant(op.result.name, quantized(op)))
        return bool(constant)


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
