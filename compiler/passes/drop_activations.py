"""Drops activations that the saturation of quantize makes redundant, whatever they stand behind.

Rule: `quantize(relu(x))` with the zero point at the least level becomes `quantize(x)`, and so does
clip where both bounds round to a level at or beyond the ends. NaN aside, no value changes; ONNX
Runtime then finds the op before the activation directly before quantize.

Refusals: the activation's result has another reader, or is a graph output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.editor import Editor
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
        editor = Editor(graph)
        for op in editor.ops():
            if isinstance(op, Quantize) and op.result.type.quantization is not None:
                _drop_activations(editor, op)
        return editor.close()


def _drop_activations(editor: Editor, quantize: Quantize) -> None:
    # Several may stand in a row.
    while True:
        op = editor.producer(quantize.x)
        if not isinstance(op, Elementwise) or op.op_type not in ACTIVATIONS:
            return
        if editor.only_user(op.result) is not quantize:
            return
        if any(bound.data is None for bound in op.xs[1:]) or not is_redundant(op, quantize):
            return
        editor.replace_operand(quantize, op.result, op.xs[0])
        editor.remove(op)
