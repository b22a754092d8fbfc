"""Removes what does nothing.

Rules:
1. An op that repeats its operand is replaced by it (`Op.repeats`: `identity`, `concat` of one operand, `pad`
   by nothing, moves and `resize` to where all lies already).
2. `quantize` of `dequantize` with the same dtype, scale and zero point is replaced by what was
   dequantized.
3. Ops that nobody reads are removed.

Refusals:
- A graph input stays an input.
- Rule 1 for the `facts.KEPT_IDLE` on floats: ONNX Runtime keeps those, and leaves a convolution that reads
  them in float. fuse_moves brings them onto bytes where that is not so.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import KEPT_IDLE


@dataclass(frozen=True)
class Canonicalize:
    """No-op and dead code removal."""

    name: ClassVar[str] = "canonicalize"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            same = _same_as(op, editor)
            if same is not None:
                editor.replace_value(op.result, same)
                editor.remove(op)
        editor.remove_dead_ops()
        return editor.close()


def _same_as(op: Op, editor: Editor) -> Value | None:
    """The value that `op` merely repeats."""
    if isinstance(op, Quantize):
        return _quantized_before(op, editor.producer(op.x))
    if op.onnx_name in KEPT_IDLE and not op.result.type.is_byte:
        return None
    return op.repeats()


def _quantized_before(op: Quantize, inner: Op | None) -> Value | None:
    """Rule 2."""
    # A weight's pair stays: fusion rules read its integers.
    if not isinstance(inner, Dequantize) or inner.x.data is not None:
        return None
    before, after = inner.x.type, op.result.type
    same = (before.dtype, before.quantization) == (after.dtype, after.quantization)
    return inner.x if same else None
