"""Makes the float32 model that an int8 QDQ model came from, for runtimes that compute in float.

1. A DequantizeLinear of an initializer becomes a float initializer.
2. A QuantizeLinear whose zero point is its type's lowest value stands for the Relu that
   quantizers drop because saturation does its work: it becomes a Relu, unless what it quantizes
   is at least zero already.
3. Any other QuantizeLinear, and any DequantizeLinear of its result, goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]
Arrays = dict[str, Array]


def float_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns the float32 model; `model` is left as it is."""
    graph = model.graph
    arrays: Arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    names: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    positive: set[str] = set()  # values that are at least zero
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in arrays:
            arrays[node.output[0]] = _dequantize(node, arrays)
            continue
        inputs = [names.get(name, name) for name in node.input]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            names[node.output[0]] = inputs[0]
            if inputs[0] not in positive and _saturates_at_zero(node, arrays):
                names[node.output[0]] = relu = f"{node.output[0]}/relu"
                nodes.append(helper.make_node("Relu", inputs[:1], [relu]))
                positive.add(relu)
        else:
            nodes.append(_renamed(node, inputs))
            data = inputs if node.op_type == "Concat" else inputs[:1]
            if node.op_type in ("Concat", "Resize", "MaxPool") and positive.issuperset(data):
                positive.update(node.output)
    for output in graph.output:
        if output.name in names:
            nodes.append(helper.make_node("Identity", [names[output.name]], [output.name]))
    operands = {name for node in nodes for name in node.input}
    constants = [numpy_helper.from_array(a, n) for n, a in arrays.items() if n in operands]
    float_graph = helper.make_graph(nodes, graph.name, graph.input, graph.output, constants)
    result = helper.make_model(float_graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(result)
    return result


def _dequantize(node: onnx.NodeProto, arrays: Arrays) -> Array:
    """(q - zero point) * scale, per tensor or along the node's axis."""
    values = arrays[node.input[0]].astype(np.float32)
    scale = arrays[node.input[1]]
    zero = arrays[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale)
    if scale.ndim:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [1] * values.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((values - zero.astype(np.float32)) * scale, np.float32)


def _saturates_at_zero(node: onnx.NodeProto, arrays: Arrays) -> bool:
    """Whether the node is a QuantizeLinear that clips everything below zero."""
    if node.op_type != "QuantizeLinear":
        return False
    # Where a zero point is missing it is the uint8 0.
    zero = arrays[node.input[2]] if len(node.input) > 2 else np.zeros((), np.uint8)
    return bool(np.all(zero == np.iinfo(zero.dtype).min))


def _renamed(node: onnx.NodeProto, inputs: list[str]) -> onnx.NodeProto:
    """A copy of `node` with other inputs."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend(inputs)
    return copy
