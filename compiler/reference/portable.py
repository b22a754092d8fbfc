"""A model whose bits onnxruntime-web computes as onnxruntime does, as far as that is possible.

onnxruntime-web rounds functions of floats otherwise (`facts.WEB_FUNCTIONS`). Where one follows a
DequantizeLinear it has 256 results at most: they become a table, made by onnxruntime, and the function a
Gather from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..arithmetic.array import Array
from .facts import PURE_UNARY, WEB_FUNCTIONS, name_of_operator
from .node import run_node

_TABULATED = PURE_UNARY & WEB_FUNCTIONS
_BYTES = {TensorProto.UINT8: np.uint8, TensorProto.INT8: np.int8}


def with_tables(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with tables f32[256] in the place of such functions; itself where it has none."""
    graph = model.graph
    constants = _constants(graph)
    producers = {name: node for node in graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    tables: list[onnx.TensorProto] = []
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    for node in graph.node:
        source = producers.get(node.input[0]) if len(node.input) == 1 else None
        levels = None if source is None else _levels(source, producers, constants, opset)
        if levels is None or name_of_operator(node.domain, node.op_type) not in _TABULATED:
            nodes.append(node)
            continue
        assert source is not None
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        values = run_node(name_of_operator(node.domain, node.op_type), attributes, [levels], opset)
        name = f"{node.output[0]}_table"
        tables.append(numpy_helper.from_array(values, name))
        signed = _kind(source, producers, constants) == TensorProto.INT8
        nodes += _lookup(source.input[0], name, node.output[0], tables if signed else None)
    if not tables:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    result.graph.node.extend(_used(nodes, {output.name for output in graph.output}))
    result.graph.initializer.extend(tables)
    return result


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                constants[node.output[0]] = attribute.t
    return constants


def _levels(
    node: onnx.NodeProto,
    producers: Mapping[str, onnx.NodeProto],
    constants: Mapping[str, onnx.TensorProto],
    opset: int,
) -> Array | None:
    """What a DequantizeLinear of one scale makes of each byte, the least first; None of any other node."""
    if node.op_type != "DequantizeLinear" or node.input[1] not in constants:
        return None
    scale = numpy_helper.to_array(constants[node.input[1]])
    kind = _kind(node, producers, constants)
    if kind not in _BYTES or scale.size != 1 or scale.dtype != np.float32:
        return None
    dtype = np.dtype(_BYTES[kind])
    zero = np.zeros((), dtype)
    if len(node.input) > 2 and node.input[2]:
        zero = numpy_helper.to_array(constants[node.input[2]]).reshape(())
    least = np.iinfo(dtype).min
    levels = np.arange(least, least + 256).astype(dtype)
    return run_node("DequantizeLinear", {}, [levels, scale.reshape(()), zero], opset)


def _kind(
    node: onnx.NodeProto,
    producers: Mapping[str, onnx.NodeProto],
    constants: Mapping[str, onnx.TensorProto],
) -> int | None:
    """The element type of what a DequantizeLinear takes, where its constants or a QuantizeLinear say it."""
    name = node.input[2] if len(node.input) > 2 and node.input[2] else node.input[0]
    if name in constants:
        return int(constants[name].data_type)
    maker = producers.get(node.input[0])
    is_plain = maker is not None and maker.op_type == "QuantizeLinear" and not maker.attribute
    if name != node.input[0] or maker is None or not is_plain:
        return None
    zero_point = constants.get(maker.input[2]) if len(maker.input) > 2 else None
    if len(maker.input) > 2 and zero_point is None:
        return None
    return int(TensorProto.UINT8 if zero_point is None else zero_point.data_type)


def _lookup(
    source: str, table: str, result: str, shifts: list[onnx.TensorProto] | None
) -> list[onnx.NodeProto]:
    """The nodes that look bytes up; `shifts` gets what signed ones are moved by."""
    index = f"{result}_index"
    nodes = [helper.make_node("Cast", [source], [index], to=TensorProto.INT32)]
    if shifts is not None:
        shifts.append(numpy_helper.from_array(np.array(128, np.int32), f"{result}_shift"))
        nodes.append(helper.make_node("Add", [index, f"{result}_shift"], [f"{index}_moved"]))
        index = f"{index}_moved"
    return [*nodes, helper.make_node("Gather", [table, index], [result], axis=0)]


def _used(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Without the DequantizeLinears that nothing reads any more."""
    reads = Counter(name for node in nodes for name in node.input)
    return [
        node
        for node in nodes
        if node.op_type != "DequantizeLinear" or node.output[0] in outputs or reads[node.output[0]]
    ]
