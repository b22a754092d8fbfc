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

from ..ir.graph import Graph, Op, Value
from ..ir.types import TensorType
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import PROPAGATING


@dataclass(frozen=True)
class PropagatePairs:
    """Pairs of quantize and dequantize over moves."""

    name: ClassVar[str] = "propagate_pairs"

    def apply(self, graph: Graph) -> bool:
        changed = False
        for quantize in [op for op in graph.ops if isinstance(op, Quantize)]:
            changed |= _backward(graph, quantize)
        for dequantize in [op for op in graph.ops if isinstance(op, Dequantize)]:
            changed |= _forward(graph, dequantize)
        return changed


def _is_move(graph: Graph, op: Op | None) -> bool:
    since = None if op is None else PROPAGATING.get(op.onnx_name)
    return since is not None and graph.opset >= since


def _has_one_scale(op: Quantize | Dequantize) -> bool:
    stored = op.result if isinstance(op, Quantize) else op.x
    return stored.type.quantization is not None and op.scale.array.size == 1


def _backward(graph: Graph, quantize: Quantize) -> bool:
    """Rule 1."""
    changed, producers, users = False, graph.producers(), graph.users()
    if quantize.x.data is not None or not _has_one_scale(quantize):
        return False
    value = quantize.x
    while _is_move(graph, move := producers.get(value)):
        if value in graph.outputs or len(users[value]) != 1:
            break
        assert move is not None
        (source,) = move.takes_from
        alone = len(users[source]) == 1 and source not in graph.outputs
        if isinstance(producers.get(source), Dequantize) or source.data is not None:
            break
        # At a graph input onnxruntime looks at this reader's edge alone.
        if not alone and source not in graph.inputs:
            break
        # The move itself stays on floats between two pairs now; fuse_moves brings it onto bytes.
        pair = _pair(source, quantize, f"{move.result.name}.back")
        graph.ops[graph.ops.index(move) : graph.ops.index(move)] = pair
        move.replace_operand(source, pair[1].result)
        changed, value = True, source
    return changed


def _pair(x: Value, like: Quantize | Dequantize, name: str) -> tuple[Quantize, Dequantize]:
    """A quantize of `x` and its dequantize, with the parameters of `like`."""
    stored = like.result.type if isinstance(like, Quantize) else like.x.type
    quantized = Value(f"{name}.q", TensorType(stored.dtype, x.type.shape, stored.quantization))
    real = Value(f"{name}.dq", x.type)
    return (
        Quantize(quantized, x, like.scale, like.zero_point),
        Dequantize(real, quantized, like.scale, like.zero_point),
    )


def _forward(graph: Graph, dequantize: Dequantize) -> bool:
    """Rule 2."""
    if not _has_one_scale(dequantize):
        return False
    changed = False
    for move in graph.users().get(dequantize.result, []):
        if not _is_move(graph, move):
            continue
        made = _after(graph, move, dequantize)
        if made is not None:
            changed = True
            _forward(graph, made)
    return changed


def _after(graph: Graph, move: Op, like: Dequantize) -> Dequantize | None:
    """Puts a pair behind `move`, and gives the dequantize that others now read."""
    users = graph.users().get(move.result, [])
    readers = [user for user in users if not isinstance(user, Quantize)]
    is_output = move.result in graph.outputs
    if (is_output and users) or (not is_output and not readers):
        return None
    pair = _pair(move.result, like, f"{move.result.name}.forward")
    for reader in readers:
        reader.replace_operand(move.result, pair[1].result)
    if is_output:
        graph.outputs = [pair[1].result if v is move.result else v for v in graph.outputs]
    at = graph.ops.index(move) + 1
    graph.ops[at:at] = pair
    return pair[1]
