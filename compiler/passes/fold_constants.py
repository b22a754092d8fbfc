"""Computes what depends on constants alone.

Rules:
1. `quantize` of a constant becomes the constant it makes (a fake-quantized weight, as training
   frameworks export it).
2. With `dequantize`, `dequantize` of a constant does too, and so does any op on constants alone: what no
   integer group took are weights of a float op, or outputs.

Refusals:
- without that option `dequantize` of a weight or bias stays: fuse_groups reads the integers and
  their scale.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Tensors, Value
from ..ir.types import Array
from ..operators.quantize import Quantize


@dataclass(frozen=True)
class FoldConstants:
    """Constant quantize, and constant dequantize where asked."""

    name: ClassVar[str] = "fold_constants"
    dequantize: bool = False

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            data = self._folded(op, graph.opset)
            if data is not None:
                editor.replace_value(op.result, Value(op.result.name, op.result.type, data))
                editor.remove(op)
        return editor.close()

    def _folded(self, op: Op, opset: int) -> Array | None:
        """The data of the result of an op on constants; None where it stays."""
        if not all(x.data is not None for x in op.operands):
            return None
        return op.evaluate(Tensors(opset=opset)) if self.dequantize or isinstance(op, Quantize) else None
