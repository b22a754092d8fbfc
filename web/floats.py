"""The float32 model that an int8 one stands for, for runtimes that get quantized ones wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Array = NDArray[Any]


def float_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a QDQ model without its quantization: weights dequantized, activations not rounded.

    A pair of QuantizeLinear and DequantizeLinear on activations becomes a Clip to what it can hold, which
    often stands for a Relu; a DequantizeLinear of a constant becomes the float constant, per tensor or along
    its axis.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    same: dict[str, str] = {}
    nodes = []
    floats: list[onnx.TensorProto] = []
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            bounds = [f"{node.output[0]}_least", f"{node.output[0]}_most"]
            floats += map(numpy_helper.from_array, _range(node, constants), bounds)
            nodes.append(onnx.helper.make_node("Clip", [node.input[0], *bounds], list(node.output)))
        elif node.op_type == "DequantizeLinear" and node.input[0] in constants:
            values = _dequantized(node, constants)
            floats.append(numpy_helper.from_array(values, node.output[0]))
        elif node.op_type == "DequantizeLinear":
            same[node.output[0]] = node.input[0]
        else:
            nodes.append(node)

    def origin(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = origin(name)
    outputs = {one.name for one in graph.output}
    for name in outputs & set(same):
        nodes.append(onnx.helper.make_node("Identity", [origin(name)], [name]))
    used = {name for node in nodes for name in node.input}
    initializers = [one for one in [*graph.initializer, *floats] if one.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    onnx.checker.check_model(result)
    return result


def _range(node: onnx.NodeProto, constants: dict[str, Array]) -> tuple[Array, Array]:
    """The least and the most that values of a quantized tensor can be, f32[] each."""
    # Where a zero point is missing it is the uint8 0.
    zero_point = constants[node.input[2]] if len(node.input) > 2 else np.zeros(1, np.uint8)
    scale, zero_point = constants[node.input[1]].reshape(()), zero_point.reshape(())
    limits = np.iinfo(zero_point.dtype)
    least, most = (
        np.asarray(np.float32(int(end) - int(zero_point)) * scale) for end in (limits.min, limits.max)
    )
    return least, most


def _dequantized(node: onnx.NodeProto, constants: dict[str, Array]) -> Array:
    data, scale = constants[node.input[0]], constants[node.input[1]]
    zero_point = (
        constants[node.input[2]]
        if len(node.input) > 2 and node.input[2]
        else np.zeros(scale.shape, data.dtype)
    )
    axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
    if scale.size > 1:
        shape = [-1 if i == axis % data.ndim else 1 for i in range(data.ndim)]
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    else:
        scale, zero_point = scale.reshape(()), zero_point.reshape(())
    return np.asarray((data.astype(np.int64) - zero_point.astype(np.int64)).astype(np.float32) * scale)
