"""Makes the ops that only move values work on stored bytes.

Rules:
1. `quantize(concat(xs))` becomes `concat(quantize(xs))`, and so with `select`: each part is then
   requantized by a table, as ONNX Runtime's QLinearConcat and QLinearWhere do; a constant part
   becomes bytes.
2. `quantize(move(x))` becomes `move(quantize(x))` for any other move, so that no float is moved.
3. `move(dequantize(q))` becomes `dequantize(move(q))`: the indices are the same, and a constant 0
   of `pad` is the zero point. What only reads the order (`arg_extreme`) reads q.
4. `concat` or `select` of `dequantize`s that share dtype and quantization becomes
   `dequantize(concat)` or `dequantize(select)`.
A move is any op that says `moves_values`, or `picks_extremes`: quantize and dequantize keep the order, since
scales are positive.

Refusals:
- rule 1 and 2 where all comes from floats that no quantize made, and has other readers;
- a `pad` with a constant that the quantization does not represent exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir.graph import Graph, Op, Value
from ..ir.types import Quantization, TensorType
from ..operators.moves.pad import Pad
from ..operators.onnx_op import Elementwise
from ..operators.quantize import Dequantize, Quantize, quantized


@dataclass(frozen=True)
class FuseMoves:
    """Moves on bytes."""

    name: ClassVar[str] = "fuse_moves"

    def apply(self, graph: Graph) -> bool:
        changed = False
        # From the start after each change, since it changes who makes and who reads what.
        while self._step(graph):
            changed = True
        graph.remove_dead_ops()
        return changed

    def _step(self, graph: Graph) -> bool:
        producers = graph.producers()
        for index, op in enumerate(graph.ops):
            new: list[Op] | None = None
            if isinstance(op, Quantize):
                new = _quantize_before(graph, op, producers)
            elif _moves(op):
                new = _move_bytes(op, producers)
            elif op.reads_order:
                new = _order_of_bytes(op, producers)
            if new is not None:
                graph.ops[index : index + 1] = new
                graph.remove_dead_ops()
                return True
        return False


def _moves(op: Op) -> bool:
    """Whether an op may go before quantize and behind dequantize."""
    return op.moves_values or op.picks_extremes


def _quantize_before(graph: Graph, op: Quantize, producers: dict[Value, Op]) -> list[Op] | None:
    """Rules 1 and 2."""
    move = producers.get(op.x)
    if move is None or not _moves(move):
        return None
    sources = move.takes_from
    # With another reader the floats would be moved all the same, and the bytes besides.
    alone = len(graph.users().get(move.result, [])) == 1 and move.result not in graph.outputs
    if not alone and not all(from_bytes(x, producers) for x in sources):
        return None
    quantization = op.result.type.quantization
    # Of constants alone it is fold_constants' affair.
    if quantization is None or all(x.data is not None for x in sources):
        return None
    parts: list[Op] = []
    moved: list[Value] = []
    for number, x in enumerate(sources):
        type_ = TensorType(op.result.type.dtype, x.type.shape, quantization)
        part = Quantize(Value(f"{op.result.name}.{number}", type_), x, op.scale, op.zero_point)
        if x.data is None:
            parts.append(part)
        else:
            part.result.data = quantized(part)
        moved.append(part.result)
    new = move.on(moved, op.result)
    if isinstance(new, Pad):  # what it adds is quantized as well
        real = np.array([new.value], np.float32)
        limits = op.result.type.limits
        new.value = int(quantize_linear(real, quantization.scale, quantization.zero_point, limits)[0])
    return [*parts, new]


def from_bytes(value: Value, producers: dict[Value, Op]) -> bool:
    """Whether a float value comes from dequantized bytes by elementwise ops and moves alone."""
    op = producers.get(value)
    while isinstance(op, Elementwise) and len(op.variables) == 1:
        op = producers.get(op.variable)
    if op is not None and _moves(op):
        return all(from_bytes(x, producers) for x in op.takes_from)
    return isinstance(op, Dequantize)


def _order_of_bytes(op: Op, producers: dict[Value, Op]) -> list[Op] | None:
    """Rule 3 of an op that says nothing of values."""
    inner: list[Value] = []
    for x in op.takes_from:
        source = producers.get(x)
        if not isinstance(source, Dequantize) or source.x.type.quantization is None:
            return None
        inner.append(source.x)
    return [op.on(inner, op.result)]


def _move_bytes(op: Op, producers: dict[Value, Op]) -> list[Op] | None:
    """Rules 3 and 4."""
    sources = [producers.get(x) for x in op.takes_from]
    inner = [source for source in sources if isinstance(source, Dequantize) and source.x.data is None]
    if len(inner) != len(sources):
        return None
    kinds = {(source.x.type.dtype, source.x.type.quantization) for source in inner}
    if len(kinds) > 1 or inner[0].x.type.quantization is None:
        return None
    first = inner[0]
    type_ = TensorType(first.x.type.dtype, op.result.type.shape, first.x.type.quantization)
    moved = Value(f"{op.result.name}.q", type_)
    new = op.on([source.x for source in inner], moved)
    if isinstance(new, Pad):
        stored = _stored_constant(new.value, type_)
        if stored is None:
            return None
        new.value = stored
    return [new, Dequantize(op.result, moved, first.scale, first.zero_point)]


def _stored_constant(value: float, type_: TensorType) -> int | None:
    """The byte that dequantizes to exactly `value`; None where there is none."""
    quantization = type_.quantization
    assert isinstance(quantization, Quantization)
    real = np.array([value], np.float32)
    stored = quantize_linear(real, quantization.scale, quantization.zero_point, type_.limits)
    back = dequantize_linear(stored, quantization.scale, quantization.zero_point)
    return int(stored[0]) if back[0] == real[0] else None
