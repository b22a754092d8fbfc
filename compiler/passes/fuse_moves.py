"""Makes the ops that only move values work on stored bytes.

Rules:
1. `quantize(concat(xs))` becomes `concat(quantize(xs))`, where every x is dequantized or a chain
   of elementwise ops on such: each part is then requantized by a table, as ONNX Runtime's
   QLinearConcat does.
2. `resize`/`pad` of `dequantize(q)`, read by `quantize` or a graph output alone, becomes
   `dequantize(resize(q))`: the indices are the same, and a constant 0 is the zero point.
3. `concat` of `dequantize`s that share dtype and quantization, under the same condition, becomes
   `dequantize(concat)`.

Refusals:
- rule 1 where a part is a convolution's float result, and rules 2 and 3 where a convolution reads
  the result: ONNX Runtime leaves such a convolution in float;
- a `pad` with a constant that the quantization does not represent exactly.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir import (
    Concat,
    Dequantize,
    Elementwise,
    Graph,
    Op,
    Pad,
    Quantize,
    Resize,
    TensorType,
    Value,
)


@dataclass(frozen=True)
class FuseMoves:
    """Concat, Resize and Pad on bytes."""

    name: ClassVar[str] = "fuse_moves"

    def apply(self, graph: Graph) -> bool:
        changed = False
        while self._step(graph):
            changed = True
        graph.remove_dead_ops()
        return changed

    def _step(self, graph: Graph) -> bool:
        producers = graph.producers()
        for index, op in enumerate(graph.ops):
            new: list[Op] | None = None
            if isinstance(op, Quantize):
                new = _quantize_parts(op, producers)
            elif isinstance(op, Resize | Pad | Concat) and _only_requantized(graph, op.result):
                new = _move_bytes(op, producers)
            if new is not None:
                graph.ops[index : index + 1] = new
                graph.remove_dead_ops()
                return True
        return False


def _quantize_parts(op: Quantize, producers: dict[Value, Op]) -> list[Op] | None:
    """Rule 1."""
    concat = producers.get(op.x)
    if not isinstance(concat, Concat) or not all(_from_bytes(x, producers) for x in concat.xs):
        return None
    parts: list[Op] = []
    for number, x in enumerate(concat.xs):
        type_ = TensorType(op.result.type.dtype, x.type.shape, op.result.type.quantization)
        part = Value(f"{op.result.name}.{number}", type_)
        parts.append(Quantize(part, x, op.scale, op.zero_point))
    return [*parts, Concat(op.result, tuple(part.result for part in parts), concat.axis)]


def _from_bytes(value: Value, producers: dict[Value, Op]) -> bool:
    op = producers.get(value)
    while isinstance(op, Elementwise):
        op = producers.get(op.variable)
    if isinstance(op, Concat):
        return all(_from_bytes(x, producers) for x in op.xs)
    if isinstance(op, Resize | Pad):
        return _from_bytes(op.x, producers)
    return isinstance(op, Dequantize)


def _only_requantized(graph: Graph, value: Value) -> bool:
    """Whether the readers of `value` are quantize, elementwise, or other moves that are."""
    for user in graph.users().get(value, []):
        if isinstance(user, Quantize):
            continue
        if not isinstance(user, Concat | Resize | Pad | Elementwise):
            return False
        if not _only_requantized(graph, user.result):
            return False
    return True


def _move_bytes(op: Resize | Pad | Concat, producers: dict[Value, Op]) -> list[Op] | None:
    """Rules 2 and 3."""
    sources = [producers.get(x) for x in (op.xs if isinstance(op, Concat) else (op.x,))]
    inner = [
        source for source in sources if isinstance(source, Dequantize) and source.x.data is None
    ]
    if len(inner) != len(sources):
        return None
    kinds = {(source.x.type.dtype, source.x.type.quantization) for source in inner}
    if len(kinds) > 1:
        return None
    first = inner[0]
    type_ = TensorType(first.x.type.dtype, op.result.type.shape, first.x.type.quantization)
    moved = Value(f"{op.result.name}.q", type_)
    new: Op
    match op:
        case Concat():
            new = Concat(moved, tuple(source.x for source in inner), op.axis)
        case Resize():
            new = Resize(moved, first.x, op.scales, op.coordinates, op.rounding)
        case Pad():
            stored = _stored_constant(op.value, type_)
            if stored is None:
                return None
            new = Pad(moved, first.x, op.pads, op.mode, stored)
    return [new, Dequantize(op.result, moved, first.scale, first.zero_point)]


def _stored_constant(value: float, type_: TensorType) -> int | None:
    """The byte that dequantizes to exactly `value`; None where there is none."""
    quantization = type_.quantization
    assert quantization is not None
    real = np.array([value], np.float32)
    stored = quantize_linear(real, quantization.scale, quantization.zero_point, type_.limits)
    back = dequantize_linear(stored, quantization.scale, quantization.zero_point)
    return int(stored[0]) if back[0] == real[0] else None
