"""Turns pure float ops on quantized values into tables.

An expression is what elementwise ops and constants make of dequantized values, its leaves. Floats that are
looked up by bytes (a Cast of a picture) are leaves like dequantized ones.

Rules:
1. `quantize` of an expression of one leaf becomes `lookup`, a table of 256 bytes; an expression
   without any op is a requantization.
2. `quantize` of an expression of two leaves becomes `lookup2`, a table of 65,536 bytes.
3. `quantize` of an expression of one leaf and constants of several numbers (a slope for each
   channel) becomes `lookup2` of the leaf and a constant of codes, where the constants hold at most
   256 different tuples of numbers.
4. A cast to bytes of an expression of one leaf becomes `lookup` as well.
5. An expression of one leaf that a float op reads, or that is a graph output, becomes `lookup` with
   a table of 256 f32.

A table is made by running the whole expression once in ONNX Runtime over all stored values, so it
is exact by construction: these operators' results do not depend on an element's position
(`facts.PURE_UNARY`, `facts.PURE_WITH_CONSTANT`), and what ONNX Runtime fuses (an erf chain into
Gelu) it fuses here too, since what has readers outside is an output here.

Refusals:
- an expression with a leaf that is no dequantized activation, with more than two leaves, or with
  two and constants of several numbers: its outermost ops stay in float;
- two leaves, or a leaf and a result, of different dtypes.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import ClassVar, TypeGuard

import numpy as np

from ..arithmetic import dequantize_linear, low_bytes, quantize_linear
from ..ir.graph import Graph, Op, Value
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..operators.binary import Lookup2
from ..operators.cast import CastToByte
from ..operators.lookup import Lookup
from ..operators.onnx_op import Elementwise
from ..operators.quantize import Dequantize, Quantize
from ..reference.node import run_expression


@dataclass(frozen=True)
class Tabulate:
    """Pure expressions to tables."""

    name: ClassVar[str] = "tabulate"

    def apply(self, graph: Graph) -> bool:
        changed = _tabulate_quantized(graph)
        # What a table has taken the place of is no reader of floats any more.
        graph.remove_dead_ops()
        changed |= _tabulate_floats(graph)
        graph.remove_dead_ops()
        return changed


@dataclass(frozen=True)
class Expression:
    """The stored leaves of a value, and its constants of several numbers."""

    leaves: tuple[Value, ...]
    arrays: tuple[Value, ...] = ()


class Expressions:
    """The expressions of a graph, as it was when this was made."""

    def __init__(self, graph: Graph) -> None:
        self.producers, self.users = graph.producers(), graph.users()
        self.outputs, self.opset = set(graph.outputs), graph.opset
        self.by_value: dict[Value, Expression] = {}
        for op in graph.ops:
            if _decodes(op):
                self.by_value[op.result] = Expression((self._bytes_of(op),))
            elif isinstance(op, Elementwise):
                parts = [self.by_value.get(x) for x in op.xs if x.data is None]
                expressions = [part for part in parts if part is not None]
                if len(expressions) == len(parts):
                    # Each once, in the order of first use: these are the axes of a table.
                    leaves = dict.fromkeys(leaf for part in expressions for leaf in part.leaves)
                    arrays = dict.fromkeys(array for part in expressions for array in part.arrays)
                    arrays |= dict.fromkeys(x for x in op.xs if x.data is not None and x.type.size > 1)
                    self.by_value[op.result] = Expression(tuple(leaves), tuple(arrays))

    def evaluate(self, last: Value, inputs: dict[Value, Array]) -> Array:
        """The f32 of `last` for arrays of one shape: bytes in the place of its leaves, f32 of its arrays."""
        ops = self._ops(last)
        values = {x: _decoded(op, inputs[self._bytes_of(op)]) for x, op in self._leaf_ops(ops, last).items()}
        arrays = {value: array for value, array in inputs.items() if value.data is not None}
        if not ops:
            return values[last]
        inside = set(ops)
        other_outputs = [
            op.result
            for op in ops
            if op.result is not last
            and (op.result in self.outputs or not inside.issuperset(self.users[op.result]))
        ]
        return run_expression(ops, [last, *other_outputs], values | arrays, self.opset)

    def _ops(self, last: Value) -> list[Elementwise]:
        """The ops that make `last`, in order."""
        ops: dict[Elementwise, None] = {}
        left = [last]
        while left:
            op = self.producers.get(left[-1])
            if not isinstance(op, Elementwise) or op in ops:
                left.pop()
            elif waiting := [x for x in op.xs if self._is_wanted(x, ops)]:
                left += reversed(waiting)
            else:
                ops[op] = None
        return list(ops)

    def _is_wanted(self, x: Value, ops: Container[Op]) -> bool:
        """Whether an elementwise op that is not among `ops` makes `x`."""
        op = self.producers.get(x)
        return isinstance(op, Elementwise) and op not in ops

    def _bytes_of(self, op: Dequantize | Lookup) -> Value:
        """The bytes that it reads; a tensor that is read with several scales is one leaf."""
        lookup = self.producers.get(op.x)
        return lookup.x if isinstance(lookup, Lookup) and lookup.is_same else op.x

    def _leaf_ops(self, ops: list[Elementwise], last: Value) -> dict[Value, Dequantize | Lookup]:
        """What makes floats of the leaves, by those floats."""
        operands = dict.fromkeys([*(x for op in ops for x in op.xs), last])
        producers = {x: self.producers.get(x) for x in operands if x.data is None}
        return {x: op for x, op in producers.items() if op is not None and _decodes(op)}


def _decodes(op: Op) -> TypeGuard[Dequantize | Lookup]:
    """Whether it makes floats of single bytes that are computed."""
    if isinstance(op, Dequantize):
        return op.x.data is None and op.x.type.quantization is not None
    return isinstance(op, Lookup) and op.x.data is None and op.result.type.dtype == "f32"


def _decoded(op: Dequantize | Lookup, levels: Array) -> Array:
    """The floats that it makes of stored integers, f32."""
    if isinstance(op, Lookup):
        floats: Array = op.table.array[levels.view(np.uint8)]
        return floats
    quantization = op.x.type.quantization
    assert quantization is not None
    return dequantize_linear(levels, quantization.scale, quantization.zero_point)


def _tabulate_quantized(graph: Graph) -> bool:
    """Rules 1 to 4."""
    expressions = Expressions(graph)
    changed = False
    for index, op in enumerate(graph.ops):
        quantizes = isinstance(op, Quantize) and op.result.type.quantization is not None
        if quantizes or isinstance(op, CastToByte):
            assert isinstance(op, Quantize | CastToByte)
            expression = expressions.by_value.get(op.x)
            lookup = None if expression is None else _table(expressions, op, expression)
            if lookup is not None:
                graph.ops[index] = lookup
                changed = True
    return changed


def _table(expressions: Expressions, op: Quantize | CastToByte, expression: Expression) -> Op | None:
    """The lookup in the place of a quantize, or cast to bytes, of an expression."""
    leaves, type_ = expression.leaves, op.result.type
    operands: tuple[Value, ...] = leaves
    if len(leaves) == 1 and not expression.arrays:
        inputs = {leaves[0]: every_byte(leaves[0].type)}
    elif isinstance(op, CastToByte) or len({leaf.type.dtype for leaf in leaves} | {type_.dtype}) > 1:
        return None
    elif len(leaves) == 2 and not expression.arrays:
        first, second = (every_byte(leaf.type) for leaf in leaves)
        both = np.broadcast_arrays(first[:, None], second[None, :])
        inputs = dict(zip(leaves, both, strict=True))
    elif len(leaves) == 1 and (coded := codebook(expression.arrays)) is not None:
        codes, columns = coded
        values = np.broadcast_to(every_byte(leaves[0].type)[:, None], (256, 256))
        inputs = {leaves[0]: values}
        for array, column in zip(expression.arrays, columns, strict=True):
            # Codes that no constant has repeat the others: any number will do there.
            inputs[array] = np.broadcast_to(np.resize(column, 256)[None, :], (256, 256))
        dtype = NUMPY_DTYPES[leaves[0].type.dtype]
        operands = (leaves[0], Value.constant(f"{op.result.name}.codes", codes.view(dtype)))
    else:
        return None
    real = expressions.evaluate(op.x, inputs)
    table = _stored(op, real).reshape(-1)
    constant = Value.constant(f"{op.result.name}.table", table)
    if len(operands) == 1:
        return Lookup(op.result, operands[0], constant)
    return Lookup2(op.result, *operands, table=constant)


def _stored(op: Quantize | CastToByte, real: Array) -> Array:
    """The bytes that it makes of floats, in the dtype of its result."""
    type_ = op.result.type
    if isinstance(op, CastToByte):
        return low_bytes(real).view(NUMPY_DTYPES[type_.dtype])
    assert type_.quantization is not None
    levels = quantize_linear(real, type_.quantization.scale, type_.quantization.zero_point, type_.limits)
    return levels.astype(NUMPY_DTYPES[type_.dtype])


def codebook(arrays: tuple[Value, ...]) -> tuple[Array, list[Array]] | None:
    """Codes u8 in the common shape of constants, and each one's number by code; None where they
    hold more than 256 different tuples.

    >>> slopes = Value.constant("slopes", np.array([0.1, 0.25, 0.1], np.float32))
    >>> codes, (column,) = codebook((slopes,))
    >>> codes.tolist(), column.tolist()
    ([0, 1, 0], [0.10000000149011612, 0.25])
    """
    # By bits: -0 and 0 are two numbers, a NaN is one.
    bits = [np.ascontiguousarray(x.array, np.float32).view(np.int32) for x in arrays]
    shape = np.broadcast_shapes(*(array.shape for array in bits))
    rows = np.stack([np.broadcast_to(array, shape).reshape(-1) for array in bits], 1)
    distinct, codes = np.unique(rows, axis=0, return_inverse=True)
    if len(distinct) > 256:
        return None
    columns = [np.ascontiguousarray(distinct[:, k]).view(np.float32) for k in range(len(arrays))]
    return codes.reshape(shape).astype(np.uint8), columns


def _tabulate_floats(graph: Graph) -> bool:
    """Rule 5."""
    expressions = Expressions(graph)
    changed = False

    def has_table(value: Value) -> bool:
        expression = expressions.by_value.get(value)
        return expression is not None and len(expression.leaves) == 1 and not expression.arrays

    for index, op in enumerate(graph.ops):
        if isinstance(op, Lookup) or not has_table(op.result):
            continue
        (leaf,) = expressions.by_value[op.result].leaves
        users = expressions.users.get(op.result, [])
        # What only a larger table reads is computed inside that table.
        needed = op.result in expressions.outputs or not all(has_table(user.result) for user in users)
        # A lookup has the shape of its operand.
        if op.result.type.shape != leaf.type.shape or not needed:
            continue
        values = expressions.evaluate(op.result, {leaf: every_byte(leaf.type)})
        constant = Value.constant(f"{op.result.name}.table", values.astype(np.float32).reshape(-1))
        graph.ops[index] = Lookup(op.result, leaf, constant)
        changed = True
    return changed


def every_byte(type_: TensorType) -> Array:
    """The 256 stored integers of a byte type, [256], in order of the bits."""
    return np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[type_.dtype])
