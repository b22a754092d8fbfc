"""Copies quantize backward and dequantize forward over moves, as ONNX Runtime does before it looks
for integer groups: a convolution whose result is reshaped before it is quantized then is one.

Rules, for pairs of one scale (moves: the `facts.PROPAGATING`):
1. `quantize(move(x))` becomes `quantize(move(dequantize(quantize(x))))`, and so on upward.
2. What reads `move(dequantize(q))` reads `dequantize(quantize(move(dequantize(q))))` instead, and
   so on downward.

The values stay: a move takes bytes as they are, and a byte dequantized and quantized is itself.

Refusals (ONNX Runtime's QDQPropagation, measured on 1.31):
- other ops that move values: Flatten, Split, Gather, Resize, Pad, Concat, ...; MaxPool before
  opset 12;
- rule 1 where the move or what it reads has other readers or is a graph output, or where a
  dequantize stands before the move already;
- rule 2 where a quantize follows the move already, or where the result of the move is a graph
  output that is also read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..ir.types import TensorType
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import PROPAGATING


@dataclass(frozen=True)
class PropagatePairs:
    """Pairs of quantize and dequantize over moves."""

    name: ClassVar[str] = "propagate_pairs"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            if isinstance(op, Quantize) and _has_one_scale(op):
                _backward(editor, op)
        for op in editor.ops():
            if isinstance(op, Dequantize) and _has_one_scale(op):
                _forward(editor, op)
        return editor.close()


def _is_move(editor: Editor, op: Op | None) -> bool:
    since = None if op is None else PROPAGATING.get(op.onnx_name)
    return since is not None and editor.graph.opset >= since


def _has_one_scale(op: Quantize | Dequantize) -> bool:
    value = op.result if isinstance(op, Quantize) else op.x
    return value.type.quantization is not None and op.scale.array.size == 1


def _backward(editor: Editor, quantize: Quantize) -> None:
    """Rule 1."""
    value, reader = quantize.x, quantize
    while _is_move(editor, move := editor.producer(value)):
        if editor.only_user(value) is not reader:
            break
        assert move is not None
        (source,) = move.takes_from
        if isinstance(editor.producer(source), Dequantize) or source.data is not None:
            break
        # At a graph input onnxruntime looks at this reader's edge alone.
        if editor.only_user(source) is not move and source not in editor.graph.inputs:
            break
        # The move itself stays on floats between two pairs now; fuse_moves brings it onto bytes.
        reader, dequantize = _pair(source, quantize, f"{move.result.name}.back")
        editor.insert_before(move, [reader, dequantize])
        editor.replace_operand(move, source, dequantize.result)
        value = source


def _pair(x: Value, like: Quantize | Dequantize, name: str) -> tuple[Quantize, Dequantize]:
    """A quantize of `x` and its dequantize, with the parameters of `like`."""
    stored = like.result.type if isinstance(like, Quantize) else like.x.type
    quantized = Value(f"{name}.q", TensorType(stored.dtype, x.type.shape, stored.quantization))
    real = Value(f"{name}.dq", x.type)
    return (
        Quantize(quantized, x, like.scale, like.zero_point),
        Dequantize(real, quantized, like.scale, like.zero_point),
    )


def _forward(editor: Editor, dequantize: Dequantize) -> None:
    """Rule 2."""
    left = [dequantize]
    while left:
        last = left.pop()
        moves = [user for user in editor.users(last.result) if _is_move(editor, user)]
        left += [behind for move in moves if (behind := _after(editor, move, last)) is not None]


def _after(editor: Editor, move: Op, like: Dequantize) -> Dequantize | None:
    """Puts a pair behind `move`, and gives the dequantize that others now read."""
    users = editor.users(move.result)
    readers = [user for user in users if not isinstance(user, Quantize)]
    is_output = editor.is_output(move.result)
    if (is_output and users) or (not is_output and not readers):
        return None
    pair = _pair(move.result, like, f"{move.result.name}.forward")
    for reader in readers:
        editor.replace_operand(reader, move.result, pair[1].result)
    editor.replace_output(move.result, pair[1].result)
    editor.insert_behind(move, pair)
    return pair[1]
