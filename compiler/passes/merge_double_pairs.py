"""Merges two pairs of quantize and dequantize in a row, as ONNX Runtime does before anything else.

Rule: `dequantize(quantize(dequantize(quantize(x))))` becomes `dequantize(quantize(x))` with a scale
and a zero point for the intersection of both ranges, every operation rounded to f32 (lo, hi: the
dtype's limits; onnxruntime's DoubleQDQPairsRemover, measured):
    low = max((lo - z1) * s1, (lo - z2) * s2);  high = min((hi - z1) * s1, (hi - z2) * s2)
    s = (high - low) / (hi - lo);  z = round(lo - low / s), halves away from zero
Equal parameters stay as they are. Identities, Expand to the same shape, and Add, Sub, Mul, Div by
the neutral element, are looked through; a longer chain is merged pair by pair from its start. This
changes values: what ONNX Runtime computes is the merged form.

Refusals:
- the dtypes differ, or a zero point is not written out (ONNX Runtime does not look at such pairs);
- the first quantize, its dequantize or the second quantize is a graph output, or has readers beside
  the chain (the second quantize may have several, all of them dequantize);
- the ranges have no more than one point in common: a CompileError, since ONNX Runtime would make
  the scale 0.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import F32
from ..errors import CompileError
from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value, retype
from ..ir.types import Quantization
from ..operators.onnx_op import Elementwise
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import ELIMINATED, NEUTRAL, NEUTRAL_SECOND


@dataclass(frozen=True)
class MergeDoublePairs:
    """Q-DQ-Q-DQ to Q-DQ."""

    name: ClassVar[str] = "merge_double_pairs"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for first in editor.ops():
            while isinstance(first, Quantize) and _merge(editor, first):
                pass
        return editor.close()


def _merge(editor: Editor, first: Quantize) -> bool:
    """Merges the pair that follows the pair of `first`, if there is one."""
    # A weight's pair, or one that an earlier merge has taken out.
    if first.x.data is not None or first not in editor:
        return False
    inner = _sole_reader(editor, first)
    second = _sole_reader(editor, inner) if isinstance(inner, Dequantize) else None
    if not isinstance(inner, Dequantize) or not isinstance(second, Quantize):
        return False
    last = _readers(editor, second)
    ends = [op for op in last or () if isinstance(op, Dequantize)]
    if last is None or not ends or len(ends) != len(last):
        return False
    if any(zero is None for zero in (first.zero_point, inner.zero_point, second.zero_point)):
        return False
    if any(end.zero_point is None for end in ends):
        return False
    if first.result.type.dtype != second.result.type.dtype:
        return False
    one, two = first.result.type.quantization, second.result.type.quantization
    if one is None or two is None:
        return False
    common = one if one == two else _intersection(first.result.type.limits, one, two)
    if common is None:
        raise CompileError(
            f"quantize %{second.result.name} {two} follows quantize %{first.result.name} {one}: "
            "the two have no range in common, and ONNX Runtime merges them into a scale of 0; "
            "take out the second one"
        )
    first.result.type = retype(first.result, quantization=common)
    scale, zero_point = _constants(first, common)
    editor.assign(first, scale=scale, zero_point=zero_point)
    for end in ends:
        behind = end.x
        editor.assign(end, x=first.result, scale=scale, zero_point=zero_point)
        editor.remove_unread([behind])
    return True


def _sole_reader(editor: Editor, op: Op) -> Op | None:
    readers = _readers(editor, op)
    return readers[0] if readers is not None and len(readers) == 1 else None


def _readers(editor: Editor, op: Op) -> list[Op] | None:
    """The ops that read the result of `op`, behind ops that do nothing; None where it is a graph
    output.
    """
    readers: list[Op] = []
    left = [op.result]
    while left:
        value = left.pop()
        if editor.is_output(value):
            return None
        for user in editor.users(value):
            if _does_nothing(user, value):
                left.append(user.result)
            else:
                readers.append(user)
    return readers


def _does_nothing(op: Op, x: Value) -> bool:
    if op.onnx_name in ELIMINATED:
        return op.repeats() is not None
    if not isinstance(op, Elementwise) or op.op_type not in NEUTRAL or len(op.xs) != 2:
        return False
    first, second = op.xs
    if first is not x and op.op_type in NEUTRAL_SECOND:
        return False
    constant = second if first is x else first
    return constant.data is not None and bool((constant.array == NEUTRAL[op.op_type]).all())


def _intersection(limits: tuple[int, int], one: Quantization, two: Quantization) -> Quantization | None:
    """Parameters for the range that both cover; None where that is one point, or none.

    >>> _intersection((0, 255), Quantization(0.5, 100), Quantization(0.25, 0))  # -50..77.5 and 0..63.75
    Quantization(scale=0.25, zero_point=0)
    """
    low_level, high_level = limits
    lows = [F32(low_level - q.zero_point) * F32(q.scale) for q in (one, two)]
    highs = [F32(high_level - q.zero_point) * F32(q.scale) for q in (one, two)]
    low, high = max(lows), min(highs)
    if not high > low:
        return None
    scale = (high - low) / F32(high_level - low_level)
    level = F32(low_level) - low / scale
    zero_point = np.copysign(np.floor(np.abs(np.float64(level)) + 0.5), level)
    return Quantization(float(scale), int(np.clip(zero_point, low_level, high_level)))


def _constants(first: Quantize, common: Quantization) -> tuple[Value, Value]:
    assert first.zero_point is not None
    name = first.result.name
    zero_point = np.full(first.zero_point.type.shape, common.zero_point, first.zero_point.array.dtype)
    return (
        Value.constant(f"{name}.scale", np.full(first.scale.type.shape, common.scale, F32)),
        Value.constant(f"{name}.zero_point", zero_point),
    )
