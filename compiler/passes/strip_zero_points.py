"""Drops zero points that say nothing.

Rules:
1. An all-zero zero point of `dequantize` goes: the dtype of what is dequantized is known without
   it. This covers the int32 biases whose zero point some web runtimes reject.
2. An all-zero uint8 zero point of `quantize` goes.

Refusals:
- The zero point of a `quantize` to s8 stays: without it an ONNX QuantizeLinear means uint8.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..arithmetic import is_implied
from ..ir.graph import Graph
from ..ir.types import NUMPY_DTYPES
from ..operators.quantize import Dequantize, Quantize


@dataclass(frozen=True)
class StripZeroPoints:
    """The Graph form of `onnx2wgsl strip`, which does the same to an ONNX file (`strip.py`)."""

    name: ClassVar[str] = "strip_zero_points"

    def apply(self, graph: Graph) -> bool:
        changed = False
        for op in graph.ops:
            if not isinstance(op, Quantize | Dequantize) or op.zero_point is None:
                continue
            stored = op.result if isinstance(op, Quantize) else op.x
            onnx_op = "QuantizeLinear" if isinstance(op, Quantize) else "DequantizeLinear"
            if is_implied(op.zero_point.array, onnx_op, NUMPY_DTYPES[stored.type.dtype]):
                op.zero_point = None
                changed = True
        return changed
