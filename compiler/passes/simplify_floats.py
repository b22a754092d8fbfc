"""Rewrites float ops as ONNX Runtime does before it looks for integer groups.

Rules, each where nobody else reads what goes:
1. `identity`, and Add, Sub, Mul, Div by one neutral number, are replaced by their operand.
2. A `pad` of pictures by zeros becomes the pads of the convolution or pool that reads it. (MaxPool
   then leaves out the padding, which changes values; so does ONNX Runtime.)
3. The transpose of a Gemm without bias is the Gemm of its operands in reverse order, each transposed
   (GemmTransposeFusion): weights are its first operand then, which may be why it stays in float.

Refusals:
- rule 1 where the operand is a constant of several numbers, or the result a graph output;
- rule 2 by another value or on other axes than the spatial ones, and on bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.editor import Editor
from ..ir.graph import Graph, Value
from ..operators.convolution.op import Conv
from ..operators.identity import Identity
from ..operators.moves.op import Move
from ..operators.moves.pad import Pad
from ..operators.onnx_op import Elementwise, FloatOp
from ..operators.pooling import MaxPool
from ..reference.facts import NEUTRAL, NEUTRAL_SECOND, PADDED


@dataclass(frozen=True)
class SimplifyFloats:
    """Float ops as ONNX Runtime has them."""

    name: ClassVar[str] = "simplify_floats"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            match op:
                case Identity() | Elementwise() if (same := _operand_of_neutral(op)) is not None:
                    if not editor.is_output(op.result):
                        editor.replace_value(op.result, same)
                        editor.remove(op)
                case Conv() | FloatOp() | MaxPool() if op.onnx_name in PADDED:
                    _take_pads(editor, op)
                case FloatOp(op_type="Gemm"):
                    _transpose_gemm(editor, op)
                case _:
                    pass
        return editor.close()


def _operand_of_neutral(op: Identity | Elementwise) -> Value | None:
    """Rule 1: what the op merely repeats."""
    if isinstance(op, Identity):
        return op.x
    if op.op_type not in NEUTRAL or len(op.xs) != 2:
        return None
    first, second = op.xs
    x, constant = (first, second) if second.data is not None else (second, first)
    if x is second and op.op_type in NEUTRAL_SECOND:
        return None
    if constant.data is None or constant.type.size != 1 or x.data is not None:
        return None
    # Such a constant gives the result axes that x has not.
    if len(constant.type.shape) > len(x.type.shape):
        return None
    return x if constant.array.reshape(-1)[0] == NEUTRAL[op.op_type] else None


def _transpose_gemm(editor: Editor, gemm: FloatOp) -> None:
    """Rule 3."""
    move = editor.only_user(gemm.result)
    if any(x.type.size for x in gemm.xs[2:]) or not isinstance(move, Move):
        return
    if move.form != "transpose" or list(move.attributes["perm"]) != [1, 0]:
        return
    trans_a, trans_b = (int(not gemm.attributes.get(name, 0)) for name in ("transA", "transB"))
    attributes = {**gemm.attributes, "transA": trans_b, "transB": trans_a}
    editor.replace(move, [FloatOp(move.result, (gemm.xs[1], gemm.xs[0]), "Gemm", attributes)])


def _take_pads(editor: Editor, op: Conv | FloatOp | MaxPool) -> None:
    """Rule 2."""
    x = op.xs[0] if isinstance(op, FloatOp) else op.x
    pad = editor.producer(x)
    if not isinstance(pad, Pad) or pad.mode != "constant" or pad.value != 0:
        return
    if editor.only_user(x) is not op or x.type.is_byte:
        return
    spatial = len(x.type.shape) - 2
    count = len(pad.pads) // 2
    outer = count - spatial
    if outer > 0 and (any(pad.pads[:outer]) or any(pad.pads[count : count + outer])):
        return
    # A Pad holds its last axes: fewer than the spatial ones, or outer ones besides.
    before = (0,) * max(-outer, 0) + pad.pads[max(outer, 0) : count]
    after = (0,) * max(-outer, 0) + pad.pads[count + max(outer, 0) :]
    if isinstance(op, FloatOp):
        if op.attributes.get("auto_pad", "NOTSET") != "NOTSET":
            return
        pads = list(op.attributes.get("pads", [0] * 2 * spatial))
        sums = [a + b for a, b in zip(pads, (*before, *after), strict=True)]
        # The zeros of a Pad count as elements of an average; the pool's own pads would not.
        op.attributes = {**op.attributes, "pads": sums, "count_include_pad": 1}
    else:
        both = (*before, *after)
        # A convolution along one axis holds the pads of a picture of one row.
        if isinstance(op, Conv) and spatial == 1:
            both = (0, *before, 0, *after)
        if isinstance(op, MaxPool) and op.auto_pad != "NOTSET":
            return
        op.pads = tuple(a + b for a, b in zip(op.pads, both, strict=True))
    editor.replace_operand(op, x, pad.x)
    editor.remove(pad)
