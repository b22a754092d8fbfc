"""Removes what does nothing.

Rules:
1. `identity` is replaced by its operand.
2. `concat` of one operand, `pad` by nothing and `resize` to the same shape are replaced by their
   operand, on bytes.
3. `quantize` of `dequantize` with the same dtype, scale and zero point is replaced by what was
   dequantized.
4. Ops that nobody reads are removed.

Refusals:
- A graph input stays an input.
- Rule 2 on floats: ONNX Runtime keeps those ops, and leaves a convolution that reads them in float.
  fuse_moves brings them onto bytes where that is not so.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph, Op, Value
from ..operators.concat import Concat
from ..operators.identity import Identity
from ..operators.moves.op import Move
from ..operators.moves.pad import Pad
from ..operators.moves.resize import Resize
from ..operators.quantize import Dequantize, Quantize


@dataclass(frozen=True)
class Canonicalize:
    """No-op and dead code removal."""

    name: ClassVar[str] = "canonicalize"

    def apply(self, graph: Graph) -> bool:
        changed = False
        producers = graph.producers()
        for op in list(graph.ops):
            same = _same_as(op, producers)
            if same is not None:
                graph.ops.remove(op)
                graph.replace_value(op.result, same)
                changed = True
        return graph.remove_dead_ops() or changed


def _same_as(op: Op, producers: dict[Value, Op]) -> Value | None:
    """The value that `op` merely repeats."""
    match op:
        case Identity():
            return op.x
        case Concat() | Pad() | Resize() if not op.result.type.is_byte:
            return None
        case Concat() if len(op.xs) == 1:
            return op.xs[0]
        case Pad() if not any(op.pads):
            return op.x
        case Resize() if op.x.type.shape == op.result.type.shape:
            return op.x
        case Move() if op.op in ("reshape", "expand") and op.x.type.shape == op.result.type.shape:
            return op.x
        case Move() if op.op == "transpose" and list(op.attributes["perm"]) == sorted(op.attributes["perm"]):
            return op.x
        case Quantize():
            inner = producers.get(op.x)
            if isinstance(inner, Dequantize) and inner.x.data is None:
                before, after = inner.x.type, op.result.type
                if (before.dtype, before.quantization) == (after.dtype, after.quantization):
                    return inner.x
    return None
