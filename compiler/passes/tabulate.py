"""Turns chains of unary float ops on one quantized value into tables of 256 entries.

Rules:
1. `quantize(chain(dequantize(q)))` becomes `lookup(q)` with a byte table; an empty chain is a
   requantization.
2. A float graph output `chain(dequantize(q))` becomes `lookup(q)` with an f32 table.

The table is made by running the chain once in ONNX Runtime over the 256 dequantized values in one
array, so it is exact by construction for the operators whose result does not depend on an
element's position (`oracle.PURE_UNARY`).

Refusals:
- a chain that starts anywhere but at a dequantized activation, or that combines several.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..arithmetic import dequantize_linear, quantize_linear
from ..elementwise import run_chain
from ..ir import (
    NUMPY_DTYPES,
    Array,
    Dequantize,
    Elementwise,
    Graph,
    Lookup,
    Op,
    Quantize,
    TensorType,
    Value,
)


@dataclass(frozen=True)
class Tabulate:
    """Unary chains to tables."""

    name: ClassVar[str] = "tabulate"

    def apply(self, graph: Graph) -> bool:
        changed = False
        producers = graph.producers()
        for index, op in enumerate(graph.ops):
            new = None
            if isinstance(op, Quantize):
                new = _lookup(graph, op, op.x, producers)
            elif op.result in graph.outputs and isinstance(op, Elementwise | Dequantize):
                new = _lookup(graph, op, op.result, producers)
            if new is not None:
                graph.ops[index] = new
                changed = True
        graph.remove_dead_ops()
        return changed


def _lookup(graph: Graph, op: Op, last: Value, producers: dict[Value, Op]) -> Lookup | None:
    """The lookup that computes what `op` makes from the chain that ends in `last`."""
    chain: list[Elementwise] = []
    source = producers.get(last)
    while isinstance(source, Elementwise):
        chain.insert(0, source)
        source = producers.get(source.variable)
    if not isinstance(source, Dequantize) or source.x.data is not None:
        return None
    values = run_chain(chain, stored_values(source.x.type), graph.opset)
    result = op.result.type
    if isinstance(op, Quantize):
        assert result.quantization is not None
        scale, zero_point = result.quantization.scale, result.quantization.zero_point
        table = quantize_linear(values, scale, zero_point, result.limits)
        values = table.astype(NUMPY_DTYPES[result.dtype])
    return Lookup(op.result, source.x, Value.constant(f"{op.result.name}.table", values))


def stored_values(type_: TensorType) -> Array:
    """The real values of the 256 bytes of a quantized type, f32 [256], in order of the bits."""
    assert type_.quantization is not None
    stored = np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[type_.dtype])
    return dequantize_linear(stored, type_.quantization.scale, type_.quantization.zero_point)
