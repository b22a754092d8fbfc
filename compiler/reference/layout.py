"""Nodes of the graph that onnxruntime made of a model: what tells in which layout it runs them.

Its transpose optimizer decides for each node whether it runs channels-first or channels-last. Two kinds of
integer nodes compute otherwise in the two, so the choice is read off the graph that it made.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..arithmetic.array import Array
from .session import open_as_is, with_outputs

CHANNELS_LAST = (0, 2, 3, 1)
"""The axes of [N, C, H, W] as the optimizer moves them; only operands of rank 4 are moved."""


class OptimizedGraph:
    """Some nodes of an optimized graph (`Oracle.optimized`), whose inputs have static shapes."""

    def __init__(self, optimized: onnx.ModelProto, names: Iterable[str]) -> None:
        self._model = optimized
        names = set(names)
        self._nodes = {node.name: node for node in optimized.graph.node if node.name in names}
        self._constants = {tensor.name: tensor for tensor in optimized.graph.initializer}

    def node(self, name: str) -> onnx.NodeProto | None:
        """The node of that name; None where it went."""
        return self._nodes.get(name)

    def constants(self, node: onnx.NodeProto) -> list[Array]:
        """The constants among a node's operands, in their order."""
        return [
            numpy_helper.to_array(self._constants[name]) for name in node.input if name in self._constants
        ]

    def shape(self, operand: str) -> tuple[int, ...]:
        """The shape of an operand of one of the nodes."""
        if operand in self._constants:
            return tuple(self._constants[operand].dims)
        return self._computed_shapes[operand]

    @cached_property
    def _computed_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the operands that are computed: the graph is run once, on zeros."""
        graph = self._model.graph
        inputs = {value.name: value.type.tensor_type for value in graph.input}
        shapes = {name: tuple(dim.dim_value for dim in kind.shape.dim) for name, kind in inputs.items()}
        operands = {name for node in self._nodes.values() for name in node.input if name}
        names = sorted(operands - shapes.keys() - self._constants.keys())
        if not names:
            return shapes
        session = open_as_is(with_outputs(self._model, names))
        feeds = {
            value.name: np.zeros(
                shapes[value.name], helper.tensor_dtype_to_np_dtype(inputs[value.name].elem_type)
            )
            for value in session.get_inputs()
        }
        results = session.run(names, feeds)
        return shapes | {name: result.shape for name, result in zip(names, results, strict=True)}
