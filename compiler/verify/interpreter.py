"""The executable meaning of the Graph: an exact evaluation in numpy, op by op. (The Program's is
simulator.py.)

A graph of stage 1 means what ONNX Runtime makes of it, not what its float ops say: a convolution
between dequantize and quantize is the integer kernel. So each group that ONNX Runtime runs in
integers (`catalogue.groups`) is evaluated as the one integer op that it is. Every other float op is
evaluated by running that one node in ONNX Runtime (reference/node.py), since that is what defines
what its Tanh or its sums give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..ir.graph import Graph, Op, Stage, Tensors, Value
from ..ir.types import Array
from ..operators.catalogue import groups


def run_graph(
    graph: Graph,
    inputs: Mapping[str, Array],
    observe: Callable[[Value, Array], None] | None = None,
    given: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Outputs by name for row-major inputs; `observe` sees every tensor that is made.

    Packed values are held as logical int8 in their logical shape. `given`: tensors by value name
    that are taken as they are instead of evaluated.
    """
    computed = {value: np.asarray(inputs[value.name]) for value in graph.inputs}
    tensors = Tensors(computed, graph.opset)
    for op in needed_ops(graph):
        if given is not None and op.result.name in given:
            computed[op.result] = given[op.result.name]
        else:
            computed[op.result] = op.evaluate(tensors)
        if observe is not None:
            observe(op.result, computed[op.result])
    return {name: tensors[value] for name, value in zip(graph.output_names, graph.outputs, strict=True)}


def needed_ops(graph: Graph) -> list[Op]:
    """The ops that the outputs need, in order, integer groups as the ops that they are."""
    replaced = groups(graph) if graph.stage is Stage.IMPORTED else {}
    needed, kept = set(graph.outputs), []
    for op in reversed(graph.ops):
        if op.result in needed:
            one = replaced.get(op, op)
            needed.update(one.operands)
            kept.append(one)
    return kept[::-1]
