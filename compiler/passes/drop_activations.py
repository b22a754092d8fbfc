"""Drops activations that the saturation of quantize makes redundant, whatever they stand behind.

Rule: `quantize(relu(x))` with the zero point at the least level becomes `quantize(x)`, and so does
clip where both bounds round to a level at or beyond the ends. NaN aside, no value changes; ONNX
Runtime then finds the op before the activation directly before quantize.

Refusals: the activation's result has another reader, or is a graph output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph
from ..operators.convolution.fusion import is_redundant
from ..operators.onnx_op import Elementwise
from ..operators.quantize import Quantize
from ..reference.facts import ACTIVATIONS


@dataclass(frozen=True)
class DropActivations:
    """Relu and Clip into the quantize behind them."""

    name: ClassVar[str] = "drop_activations"

    def apply(self, graph: Graph) -> bool:
        changed = False
        for op in list(graph.ops):
            if isinstance(op, Quantize):
                changed |= _drop_activations(graph, op)
        return changed


def _drop_activations(graph: Graph, quantize: Quantize) -> bool:
    changed = False
    if quantize.result.type.quantization is None:
        return False
    producers, users = graph.producers(), graph.users()
    # Several may stand in a row.
    while True:
        op = producers.get(quantize.x)
        if not isinstance(op, Elementwise) or op.op_type not in ACTIVATIONS:
            return changed
        if op.result in graph.outputs or users[op.result] != [quantize]:
            return changed
        if any(bound.data is None for bound in op.xs[1:]) or not is_redundant(op, quantize):
            return changed
        quantize.x = op.xs[0]
        graph.ops.remove(op)
        users = graph.users()
        changed = True
