"""Folds what an ONNX graph computes from constants and static shapes alone.

Exporters leave Constant nodes, and around Resize and Pad whole chains of shape arithmetic. Folding
one chain may make the shapes known that the next one reads, so shape inference and folding take
turns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx_graphsurgeon.logger import G_LOGGER

from ..budgets import ALL_ELEMENTS, CONSTANT_ELEMENTS, ELEMENTS, FOLDED_ELEMENTS, require_within
from ..reference.facts import KEPT, SHAPES
from .branches import inline_branches

G_LOGGER.severity = G_LOGGER.CRITICAL  # what goes wrong comes as an exception, and is told once

ROUNDS = 16
VECTOR_ELEMENTS = 2**16
"""Of a vector that may be one of shapes."""


def fold_shape_arithmetic(model: onnx.ModelProto) -> Any:
    """The graphsurgeon graph of `model` without Constant nodes and shape arithmetic, in order."""
    for _ in range(ROUNDS):
        graph = gs.import_onnx(_inferred(model))
        _inline_constants(graph)
        count = len(graph.nodes)
        _inline_shapes(graph)
        if any(_is_foldable(node) for node in graph.nodes):
            graph.fold_constants(should_exclude_node=lambda node: node.op in KEPT, flatten_subgraphs=False)
        inlined = inline_branches(graph)
        graph.cleanup(remove_unused_graph_inputs=False).toposort()
        if len(graph.nodes) == count and not inlined:
            break
        model = gs.export_onnx(graph)
    return graph


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the shapes that can be inferred, none beyond what is compiled."""
    model = onnx.shape_inference.infer_shapes(model)
    _require_sizes(model)
    # A Reshape's target may be computed from a Shape. ONNX follows each element of every vector then.
    has_shapes = any(node.op_type in SHAPES for node in model.graph.node)
    if has_shapes and _longest_vector(model) <= VECTOR_ELEMENTS:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        _require_sizes(model)
    return model


def _longest_vector(model: onnx.ModelProto) -> int:
    dims = [value.type.tensor_type.shape.dim for value in (*model.graph.input, *model.graph.value_info)]
    return max((dim[0].dim_value for dim in dims if len(dim) == 1), default=0)


def _require_sizes(model: onnx.ModelProto) -> None:
    """Refuses tensors that are larger than what is compiled, one or all together, before any is made."""
    sizes = {}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        sizes[value.name] = math.prod(max(dim.dim_value, 1) for dim in value.type.tensor_type.shape.dim)
    folded, pairs = _of_constants(model.graph)
    for name, size in sizes.items():
        limit = CONSTANT_ELEMENTS if name in pairs else ELEMENTS
        require_within(f"the tensor {name!r}", size, limit, "elements")
    require_within("the model, with all tensors together,", sum(sizes.values()), ALL_ELEMENTS, "elements")
    total = sum(sizes.get(name, 0) for name in folded)
    require_within("what is computed from constants alone", total, FOLDED_ELEMENTS, "elements")


def _of_constants(graph: onnx.GraphProto) -> tuple[set[str], set[str]]:
    """The tensors that are computed from constants alone: those that are folded, and those of pairs."""
    constants = {"", *(tensor.name for tensor in graph.initializer)}
    folded: set[str] = set()
    pairs: set[str] = set()
    for node in graph.node:
        if node.op_type == "Constant":
            constants.update(node.output)
        elif constants.issuperset(node.input):
            constants.update(node.output)
            (pairs if node.op_type in KEPT else folded).update(node.output)
    return folded, pairs


def _is_foldable(node: Any) -> bool:
    """Whether a node reads constants alone."""
    return node.op not in KEPT and all(isinstance(tensor, gs.Constant) for tensor in node.inputs)


def _inline_shapes(graph: Any) -> None:
    """The output of each Shape and Size of a tensor of known shape becomes a constant.

    onnx-graphsurgeon would fold Shape too, but without its attributes start and end.
    """
    for node in [node for node in graph.nodes if node.op in SHAPES]:
        shape = node.inputs[0].shape
        if shape is None or not all(isinstance(size, int) for size in shape):
            continue
        start, end = node.attrs.get("start", 0), node.attrs.get("end", None)
        value = np.array(shape[start:end], np.int64)
        if node.op == "Size":
            value = np.array(np.prod(shape, dtype=np.int64))
        (output,) = node.outputs
        node.outputs.clear()
        output.to_constant(value)
        graph.nodes.remove(node)


def _inline_constants(graph: Any) -> None:
    """The output of each Constant node becomes a constant tensor."""
    for node in [node for node in graph.nodes if node.op == "Constant"]:
        (name, attribute), (output,) = next(iter(node.attrs.items())), node.outputs
        if isinstance(attribute, gs.Constant):
            values = np.asarray(attribute.values)
        else:
            values = np.asarray(attribute, np.float32 if "float" in name else np.int64)
        node.outputs.clear()
        output.to_constant(values)
        graph.nodes.remove(node)
