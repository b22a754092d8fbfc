"""Lowers the integer graph to packed s8: four channels to a u32 word, channels last, zero points
out of the inner loop.

Rules:
1. Every u8 activation becomes s8 by XOR 0x80 (zero point - 128); tables, pads and weights follow.
2. Every byte tensor is packed along one axis: the one that its producer or a reader wants (the
   channels of a convolution, the last of a matrix product), else the channels of four dimensions
   and the last axis of others. Where a reader wants another, a `move` changes the layout.
3. It gets channel segments: each part of a concatenation starts on a word, so that its producer
   can write it in place whatever its channel count. No op depends on what padding lanes hold.
4. Byte graph inputs are packed and byte graph outputs unpacked, at the border; those of bool and
   int64 are turned into words, and back.
5. How an op is packed it says itself (`operators.base.FamilyOp.lower`).

Floats, integers and booleans stay row-major, one word an element.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph, Stage
from ..lowering.packing import Lowering
from ..operators.borders import leave_outputs, load_inputs, pack_inputs
from ..operators.moves.op import change_layout


@dataclass(frozen=True)
class PackInt8:
    """Packed s8 everywhere."""

    name: ClassVar[str] = "pack_int8"

    def apply(self, graph: Graph) -> bool:
        if graph.stage is Stage.PACKED:
            return False
        loads = load_inputs(graph)
        lowering = Lowering(graph, change_layout)
        lowering.ops += loads
        pack_inputs(graph, lowering)
        for op in graph.ops:
            lowering.lower(op)
        graph.outputs = leave_outputs(graph, lowering)
        graph.ops = lowering.ops
        graph.stage = Stage.PACKED
        return True
