"""An ONNX model looked at by tensor names: who makes what, who reads it, what is constant."""

from __future__ import annotations

import re

import onnx
from onnx import TensorProto, numpy_helper

from ..arithmetic.array import Array
from .facts import ACTIVATIONS, PRODUCTS

_ADDED_SUFFIX = re.compile(r"(_token_\d+|_nhwc|_nchwc)+$")  # what onnxruntime appends to names


def label(node: onnx.NodeProto) -> str:
    """How a message names a node: its name, or where it has none, its op and output."""
    return node.name or f"{node.op_type} -> {node.output[0]}"


class SourceModel:
    """Producers, consumers and constants of a model's main graph, by tensor name."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.inputs = {value.name: value.type.tensor_type.elem_type for value in graph.input}
        self.outputs = {value.name for value in graph.output}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.producer: dict[str, onnx.NodeProto] = {}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        self._by_name: dict[str, onnx.NodeProto] = {node.name: node for node in graph.node if node.name}
        for node in graph.node:
            self.producer.update(dict.fromkeys(node.output, node))
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
            if node.op_type == "Constant":
                self._add_constant(node)

    def origin(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """The source of a node of the optimized graph: by its name, its weights, or its output."""
        name = _ADDED_SUFFIX.sub("", node.name)
        for alias in (node.name, name):
            if alias in self._by_name:
                return self._by_name[alias]
        # onnxruntime renames what it fuses, but passes constants on under their names.
        for weights in node.input:
            if weights in self.constants:
                for user in self._users_of_weights(weights):
                    return user
        producer = self.producer.get(node.output[0])
        if producer and producer.op_type == "QuantizeLinear":
            return self.before(producer.input[0])
        return producer

    def before(self, name: str) -> onnx.NodeProto | None:
        """The producer of a tensor, looking through activations."""
        node = self.producer.get(name)
        while node is not None and node.op_type in ACTIVATIONS:
            node = self.producer.get(node.input[0])
        return node

    def value(self, name: str) -> Array | None:
        """The value of a constant, or None."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def stored_type(self, dequantize: onnx.NodeProto) -> int:
        """ONNX element type of what a DequantizeLinear reads."""
        name = dequantize.input[0]
        if name in self.constants:
            return int(self.constants[name].data_type)
        if name in self.inputs:
            return int(self.inputs[name])
        quantize = self.producer.get(name)
        return int(TensorProto.UNDEFINED) if quantize is None else self.quantized_type(quantize)

    def quantized_type(self, quantize: onnx.NodeProto) -> int:
        """ONNX element type of what a QuantizeLinear makes."""
        if len(quantize.input) > 2 and quantize.input[2] in self.constants:
            return int(self.constants[quantize.input[2]].data_type)
        for attribute in quantize.attribute:
            if attribute.name == "output_dtype" and attribute.i:
                return int(attribute.i)
        return int(TensorProto.UINT8)

    def readers(self, name: str) -> int:
        """How many ops read a stored tensor, each through a DequantizeLinear of its own."""
        count = 0
        for node in self.consumers.get(name, []):
            # No reader itself: onnxruntime gives each reader one of its own (EnsureUniqueDQForNodeUnit).
            if node.op_type == "DequantizeLinear":
                count += len(self.consumers.get(node.output[0], []))
                count += node.output[0] in self.outputs
            else:
                count += 1
        return count

    def _add_constant(self, node: onnx.NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.constants[node.output[0]] = attribute.t

    def _users_of_weights(self, name: str) -> list[onnx.NodeProto]:
        """The one product whose weights these are, also behind a DequantizeLinear; else none."""
        # Scales, zero points and biases are often shared, and tell no node.
        if len(self.constants[name].dims) < 2:
            return []
        users = []
        for node in self.consumers.get(name, []):
            behind = node.op_type == "DequantizeLinear"
            readers = self.consumers.get(node.output[0], []) if behind else [node]
            users += [user for user in readers if user.op_type in PRODUCTS]
        return users if len(users) == 1 else []
