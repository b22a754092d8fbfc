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
5. `move(lookup(q))` of one operand becomes `lookup(move(q))` where the lookup makes no bytes: a Cast of a
   picture before its Transpose.
6. An elementwise op of a graph input's Transpose and constants goes before it, so that rule 2 applies: a
   model's own normalization of a picture.
A move is any op that says `moves_values`, or `picks_extremes`: quantize and dequantize keep the order, since
scales are positive.

Refusals:
- rule 1 and 2 where all comes from floats that no quantize made, and has other readers;
- a `pad` with a constant that the quantization does not represent exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..ir.types import Quantization, TensorType
from ..operators.lookup import Lookup
from ..operators.moves.op import Move
from ..operators.moves.pad import Pad
from ..operators.onnx_op import Elementwise
from ..operators.quantize import Dequantize, Quantize, quantized


@dataclass(frozen=True)
class FuseMoves:
    """Moves on bytes."""

    name: ClassVar[str] = "fuse_moves"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        editor.remove_dead_ops()
        # Once more after a change, which may leave an earlier move with one reader.
        while _sweep(editor):
            pass
        return editor.close()


def _sweep(editor: Editor) -> bool:
    """Applies the rules to each op in order, and to what takes its place; says whether any applied."""
    changed = False
    of_bytes: set[Value] = set()
    of_input = {value for value in editor.graph.inputs if value.type.dtype == "f32"}
    left = editor.ops()[::-1]
    while left:
        op = left.pop()
        if op not in editor:
            continue
        new = _rewritten(op, editor, of_bytes) or _before_transpose(op, editor, of_input)
        if new is not None:
            editor.replace(op, new)
            left += reversed(new)
            changed = True
        elif _keeps_bytes(op, of_bytes):
            of_bytes.add(op.result)
        elif isinstance(op, Elementwise) and of_input.issuperset(op.variables):
            of_input.add(op.result)
    return changed


def _rewritten(op: Op, editor: Editor, of_bytes: set[Value]) -> list[Op] | None:
    """What takes the place of an op; None where no rule applies."""
    if isinstance(op, Quantize):
        return _quantize_before(op, editor, of_bytes)
    if _moves(op):
        return _move_bytes(op, editor) or _move_before_lookup(op, editor)
    return _order_of_bytes(op, editor) if op.reads_order else None


def _keeps_bytes(op: Op, of_bytes: set[Value]) -> bool:
    """Whether its floats come from dequantized bytes by elementwise ops and moves alone, as `of_bytes` do."""
    if isinstance(op, Elementwise):
        return len(op.variables) == 1 and op.variable in of_bytes
    return isinstance(op, Dequantize) or (_moves(op) and of_bytes.issuperset(op.takes_from))


def _moves(op: Op) -> bool:
    """Whether an op may go before quantize and behind dequantize."""
    return op.moves_values or op.picks_extremes


def _quantize_before(op: Quantize, editor: Editor, of_bytes: set[Value]) -> list[Op] | None:
    """Rules 1 and 2."""
    move = editor.producer(op.x)
    if move is None or not _moves(move):
        return None
    sources = move.takes_from
    # With another reader the floats would be moved all the same, and the bytes besides.
    if editor.only_user(move.result) is not op and not of_bytes.issuperset(sources):
        return None
    quantization = op.result.type.quantization
    # Of constants alone it is fold_constants' affair.
    if quantization is None or all(x.data is not None for x in sources):
        return None
    parts: list[Op] = []
    results: list[Value] = []
    for number, x in enumerate(sources):
        type_ = TensorType(op.result.type.dtype, x.type.shape, quantization)
        part = Quantize(Value(f"{op.result.name}.{number}", type_), x, op.scale, op.zero_point)
        if x.data is None:
            parts.append(part)
        else:
            part.result.data = quantized(part)
        results.append(part.result)
    new = move.on(results, op.result)
    if isinstance(new, Pad):  # what it adds is quantized as well
        real = np.array([new.value], np.float32)
        limits = op.result.type.limits
        new.value = int(quantize_linear(real, quantization.scale, quantization.zero_point, limits)[0])
    return [*parts, new]


def _order_of_bytes(op: Op, editor: Editor) -> list[Op] | None:
    """Rule 3 of an op that says nothing of values."""
    inner: list[Value] = []
    for x in op.takes_from:
        source = editor.producer(x)
        if not isinstance(source, Dequantize) or source.x.type.quantization is None:
            return None
        inner.append(source.x)
    return [op.on(inner, op.result)]


def _move_bytes(op: Op, editor: Editor) -> list[Op] | None:
    """Rules 3 and 4."""
    sources = [editor.producer(x) for x in op.takes_from]
    inner = [source for source in sources if isinstance(source, Dequantize) and source.x.data is None]
    if len(inner) != len(sources):
        return None
    kinds = {(source.x.type.dtype, source.x.type.quantization) for source in inner}
    if len(kinds) > 1 or inner[0].x.type.quantization is None:
        return None
    first = inner[0]
    type_ = TensorType(first.x.type.dtype, op.result.type.shape, first.x.type.quantization)
    moved_bytes = Value(f"{op.result.name}.q", type_)
    new = op.on([source.x for source in inner], moved_bytes)
    if isinstance(new, Pad):
        level = _stored_constant(new.value, type_)
        if level is None:
            return None
        new.value = level
    return [new, Dequantize(op.result, moved_bytes, first.scale, first.zero_point)]


def _move_before_lookup(op: Op, editor: Editor) -> list[Op] | None:
    """Rule 5."""
    lookup = editor.producer(op.takes_from[0]) if len(op.operands) == 1 else None
    if not op.moves_values or not isinstance(lookup, Lookup) or lookup.result.type.is_byte:
        return None
    if lookup.x.data is not None or isinstance(op, Pad):
        return None
    type_ = replace(lookup.x.type, shape=op.result.type.shape)
    moved_bytes = Value(f"{op.result.name}.q", type_)
    return [op.on([lookup.x], moved_bytes), Lookup(op.result, moved_bytes, lookup.table)]


def _before_transpose(op: Op, editor: Editor, of_input: set[Value]) -> list[Op] | None:
    """Rule 6."""
    if not isinstance(op, Elementwise) or len(op.variables) != 1:
        return None
    move = editor.producer(op.variable)
    if not isinstance(move, Move) or move.form != "transpose" or move.x not in of_input:
        return None
    shape, perm = op.result.type.shape, move.attributes["perm"]
    if editor.only_user(move.result) is not op or shape != move.result.type.shape:
        return None
    back = np.argsort(perm)
    xs = []
    for number, x in enumerate(op.xs):
        if x.data is None:
            xs.append(move.x)
        elif x.type.size <= 1:
            xs.append(x)
        else:
            full = x.array.reshape((1,) * (len(shape) - len(x.type.shape)) + x.type.shape)
            moved = np.ascontiguousarray(full.transpose(back))
            xs.append(Value.constant(f"{op.result.name}.before.{number}", moved))
    before = Value(f"{op.result.name}.before", replace(op.result.type, shape=move.x.type.shape))
    return [replace(op, result=before, xs=tuple(xs)), move.on([before], op.result)]


def _stored_constant(value: float, type_: TensorType) -> int | None:
    """The byte that dequantizes to exactly `value`; None where there is none."""
    quantization = type_.quantization
    assert isinstance(quantization, Quantization)
    real = np.array([value], np.float32)
    level = quantize_linear(real, quantization.scale, quantization.zero_point, type_.limits)
    back = dequantize_linear(level, quantization.scale, quantization.zero_point)
    return int(level[0]) if back[0] == real[0] else None
