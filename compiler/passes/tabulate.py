"""Turns pure float ops on quantized values into tables.

An expression is what elementwise ops with scalar constants make of dequantized values, its leaves.

Rules:
1. `quantize` of an expression of one leaf becomes `lookup`, a table of 256 bytes; an expression
   without any op is a requantization.
2. `quantize` of an expression of two leaves becomes `lookup2`, a table of 65,536 bytes.
3. An expression of one leaf that a float op reads, or that is a graph output, becomes `lookup` with
   a table of 256 f32.

A table is made by running the expression once in ONNX Runtime over all stored values, so it is
exact by construction: these operators' results do not depend on an element's position
(`oracle.PURE_UNARY`, `oracle.PURE_WITH_CONSTANT`).

Refusals:
- an expression with a leaf that is no dequantized activation, a constant of several numbers, or
  more than two leaves: its outermost ops stay in float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..ir import (
    NUMPY_DTYPES,
    Array,
    Dequantize,
    Elementwise,
    Graph,
    Lookup,
    Quantize,
    TensorType,
    Value,
)
from ..node_reference import run_node
from ..operators.binary import Lookup2


@dataclass(frozen=True)
class Tabulate:
    """Pure expressions to tables."""

    name: ClassVar[str] = "tabulate"

    def apply(self, graph: Graph) -> bool:
        changed = _tabulate_quantized(graph)
        graph.remove_dead_ops()
        changed |= _tabulate_floats(graph)
        graph.remove_dead_ops()
        return changed


def _tabulate_quantized(graph: Graph) -> bool:
    """Rules 1 and 2."""
    leaves = _leaves(graph)
    changed = False
    for index, op in enumerate(graph.ops):
        if not isinstance(op, Quantize) or op.result.type.quantization is None:
            continue
        found = leaves.get(op.x)
        if found is None or not 1 <= len(found) <= 2:
            continue
        values = _evaluate(graph, op.x, found)
        quantization, type_ = op.result.type.quantization, op.result.type
        levels = quantize_linear(values, quantization.scale, quantization.zero_point, type_.limits)
        table = levels.astype(NUMPY_DTYPES[type_.dtype])
        constant = Value.constant(f"{op.result.name}.table", table.reshape(-1))
        if len(found) == 1:
            graph.ops[index] = Lookup(op.result, found[0], constant)
        else:
            graph.ops[index] = Lookup2(op.result, *found, table=constant)
        changed = True
    return changed


def _tabulate_floats(graph: Graph) -> bool:
    """Rule 3."""
    leaves, users = _leaves(graph), graph.users()
    changed = False
    for index, op in enumerate(graph.ops):
        found = leaves.get(op.result)
        if found is None or len(found) != 1 or op.result.type.shape != found[0].type.shape:
            continue
        inside = [
            user for user in users.get(op.result, []) if len(leaves.get(user.result) or ()) == 1
        ]
        if op.result not in graph.outputs and len(inside) == len(users.get(op.result, [])):
            continue
        values = _evaluate(graph, op.result, found).astype(np.float32)
        constant = Value.constant(f"{op.result.name}.table", values.reshape(-1))
        graph.ops[index] = Lookup(op.result, found[0], constant)
        changed = True
    return changed


def _leaves(graph: Graph) -> dict[Value, tuple[Value, ...]]:
    """The stored leaves of every value that is an expression."""
    leaves: dict[Value, tuple[Value, ...]] = {}
    for op in graph.ops:
        if isinstance(op, Dequantize) and op.x.data is None and op.x.type.quantization is not None:
            leaves[op.result] = (op.x,)
        elif isinstance(op, Elementwise):
            parts = [leaves.get(x) for x in op.xs if x.data is None]
            scalars = all(x.type.size == 1 for x in op.xs if x.data is not None)
            if scalars and all(part is not None for part in parts):
                merged = dict.fromkeys(leaf for part in parts for leaf in part or ())
                leaves[op.result] = tuple(merged)
    return leaves


def _evaluate(graph: Graph, last: Value, leaves: tuple[Value, ...]) -> Array:
    """The expression that ends in `last` for all stored values of its leaves: f32 [256], or [256,
    256] with the first leaf along the first axis.
    """
    producers = graph.producers()
    made: dict[Value, Array] = {}

    def value_of(value: Value) -> Array:
        if value.data is not None:
            return value.array.astype(np.float32).reshape(())
        if value not in made:
            op = producers[value]
            if isinstance(op, Dequantize):
                values = stored_values(op.x.type)
                if len(leaves) == 2:
                    values = values[:, None] if op.x is leaves[0] else values[None, :]
                made[value] = values
            else:
                assert isinstance(op, Elementwise)
                # all values in one array: the whole of it where both leaves meet
                made[value] = run_node(
                    op.op, op.attributes, [value_of(x) for x in op.xs], graph.opset
                )
        return made[value]

    values = value_of(last)
    return np.broadcast_to(values, (256,) * len(leaves))


def stored_values(type_: TensorType) -> Array:
    """The real values of the 256 bytes of a quantized type, f32 [256], in order of the bits."""
    assert type_.quantization is not None
    stored = np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[type_.dtype])
    return dequantize_linear(stored, type_.quantization.scale, type_.quantization.zero_point)
