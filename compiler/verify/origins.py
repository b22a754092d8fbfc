"""Which tensor of the imported model a value is a form of."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..ir.graph import Graph, Op, Value
from ..ir.types import Array
from ..operators.convolution.packed import PackedConv
from ..operators.moves.op import Move
from ..operators.quantize import QuantizeByThresholds
from .compare import Feed


def as_values(graph: Graph, tensors: Mapping[str, Array], without: Collection[str] = ()) -> Feed:
    """Tensors by the model's names, as the values of `graph`, at any stage, that are forms of them."""
    return {
        op.result.name: _as_value(op.result, tensors[name])
        for op in graph.ops
        if (name := op.result.model_name) in tensors and name not in without
    }


def _as_value(value: Value, tensor: Array) -> Array:
    """The model's bytes as `value` has them: packed ones are s8."""
    if value.type.segments is None or tensor.dtype != np.uint8:
        return tensor
    return (np.ascontiguousarray(tensor) ^ np.uint8(0x80)).view(np.int8)


def quantized_floats(packed: Graph) -> dict[str, QuantizeByThresholds]:
    """What quantizes the results of float ops, by the model's name of what it makes."""
    return {
        op.result.model_name: op
        for op in packed.ops
        if isinstance(op, QuantizeByThresholds) and op.x not in packed.inputs
    }


def transposed_results(packed: Graph) -> dict[str, Op]:
    """The ops that make what the model's ConvTranspose makes, by its name.

    They put the phases together that a convolution made, which may have been moved to another
    layout before.
    """
    phases: set[Value] = set()
    makers: dict[str, Op] = {}
    for op in packed.ops:
        if isinstance(op, PackedConv) and op.float_reference:
            phases.add(op.result)
        elif isinstance(op, Move) and op.x in phases:
            if op.form == "interleave":
                makers[op.result.model_name] = op
            else:
                phases.add(op.result)
    return makers
