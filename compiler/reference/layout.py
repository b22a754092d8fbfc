"""What the layout tells that ONNX Runtime runs an op in, channels-first or channels-last.

Its transpose optimizer decides that, so it is read off the graph that it made (`Oracle.optimized`).
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from ..arithmetic import add_swaps_roles
from ..ir.types import Array

_LAST = (0, 2, 3, 1)


def channels_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A channels-first shape of rank 4 in channels-last."""
    return tuple(shape[axis] for axis in _LAST)


def roles_depend_on_layout(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> bool:
    """Whether the roles of an Add of these 4-D (channels-first) shapes change in channels-last."""
    if not len(a_shape) == len(b_shape) == 4:
        return False  # only operands of rank 4 are moved
    last = channels_last(a_shape), channels_last(b_shape)
    return add_swaps_roles(*last) != add_swaps_roles(a_shape, b_shape)


def swapped_adds(optimized: onnx.ModelProto) -> dict[str, bool]:
    """For each QLinearAdd of an optimized graph, by node name: are A and B in each other's roles?
    The name is that of the Add in the model.

    Runs the graph once on zeros, to learn the shapes; its inputs need static shapes.
    """
    adds = [node for node in optimized.graph.node if node.op_type == "QLinearAdd"]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in optimized.graph.initializer}
    wanted = {node.input[i] for node in adds for i in (0, 3)} - shapes.keys()
    shapes |= _shapes(optimized, sorted(wanted))
    return {node.name: add_swaps_roles(shapes[node.input[0]], shapes[node.input[3]]) for node in adds}


def resize_extents(optimized: onnx.ModelProto) -> dict[str, Array]:
    """For each Resize of an optimized graph, by node name, what is said of every axis in the order of
    its layout: scales (f32) or, where it has them, sizes (i64). Those that are no constants are left out.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in optimized.graph.initializer}
    extents = {}
    for node in optimized.graph.node:
        known = [constants[name] for name in node.input[2:] if name in constants]
        if node.op_type == "Resize" and known:
            extents[node.name] = known[-1]
    return extents


def _shapes(optimized: onnx.ModelProto, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Shapes of tensors by name, as a run on zeros makes them."""
    if not names:
        return {}
    model = onnx.ModelProto()
    model.CopyFrom(optimized)
    inputs = {value.name: value.type.tensor_type for value in model.graph.input}
    shapes = {name: tuple(dim.dim_value for dim in kind.shape.dim) for name, kind in inputs.items()}
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {
        name: np.zeros(shapes[name], helper.tensor_dtype_to_np_dtype(inputs[name].elem_type))
        for name in (value.name for value in session.get_inputs())
    }
    results = session.run(names, feeds)
    return {name: result.shape for name, result in zip(names, results, strict=True)}
