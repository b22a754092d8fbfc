"""Exact integer sums in onnxruntime on x86 CPUs without VNNI instructions.

There onnxruntime multiplies u8 by s8 and adds pairs of the products in 16 bits, which saturate:
255 * 127 twice is beyond 32767. Its u8 * u8 kernels add in 32 bits on every CPU, and those of
s8 * s8 too. So the optimized graph, which is the same on both kinds of CPU, is run with the second
operand of every u8 * s8 product as u8, its zero point moved along (+ 128): the same sums by
arithmetic, which are then those of a CPU with VNNI.

The session entry `session.x64quantprecision=1` is not enough: it turns constant weights only, also
those of s8 activations (whose groups are then left in float), and onnxruntime 1.31.1 can't load a
model with it in which two nodes share weights.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..arithmetic.array import Array
from .facts import INTEGER_PRODUCTS
from .session import open_as_is, with_outputs

_SUFFIX = "_as_u8"


@cache
def sums_saturate() -> bool:
    """Whether onnxruntime's u8 * s8 kernels add pairs in 16 bits on this CPU: tried out."""
    # Each pair is 2 * 255 * 127, beyond 32767.
    exact = 4 * 255 * 127
    # One row takes MLAS's kernel for a matrix and a vector, several the one for matrices.
    return any((_product(rows) != exact).any() for rows in (1, 8))


def _product(rows: int) -> Array:
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    a = helper.make_tensor_value_info("a", TensorProto.UINT8, (rows, 4))
    b = numpy_helper.from_array(np.full((4, 16), 127, np.int8), "b")
    y = helper.make_tensor_value_info("y", TensorProto.INT32, None)
    graph = helper.make_graph([node], "probe", [a], [y], [b])
    imports = [helper.make_opsetid("", 13)]
    session = open_as_is(helper.make_model(graph, opset_imports=imports, ir_version=8))
    return np.asarray(session.run(None, {"a": np.full((rows, 4), 255, np.uint8)})[0])


def with_exact_sums(optimized: onnx.ModelProto) -> onnx.ModelProto | None:
    """The optimized graph with u8 * u8 in place of u8 * s8; None where there is no such product."""
    products = [node for node in optimized.graph.node if node.op_type in INTEGER_PRODUCTS]
    kinds = _types(
        optimized, {node.input[at] for node in products for at in INTEGER_PRODUCTS[node.op_type][:2]}
    )
    names = {
        node.output[0]
        for node in products
        if kinds[node.input[INTEGER_PRODUCTS[node.op_type][0]]] != "tensor(int8)"
        and kinds[node.input[INTEGER_PRODUCTS[node.op_type][1]]] == "tensor(int8)"
    }
    if not names:
        return None
    model = onnx.ModelProto()
    model.CopyFrom(optimized)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    unsigned = _Unsigned(model.graph)
    for node in nodes:
        if node.output[0] in names:
            _, second, zero_point = INTEGER_PRODUCTS[node.op_type]
            # A zero point that is left out is 0 for s8, and so 128 for u8.
            while len(node.input) <= zero_point:
                node.input.append("")
            node.input[second] = unsigned.of(node.input[second])
            node.input[zero_point] = unsigned.of(node.input[zero_point])
        model.graph.node.append(node)
    return model


class _Unsigned:
    """s8 tensors of a graph as u8, 128 higher; constants, or by nodes added as they are needed."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._names: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name of the u8 tensor; of no tensor ("", a zero point of 0): the scalar 128."""
        if name not in self._names:
            self._names[name] = f"{name}{_SUFFIX}"
            if not name:
                self._add_constant(name, np.zeros((), np.int8))
            elif name in self._constants:
                self._add_constant(name, numpy_helper.to_array(self._constants[name]))
            else:
                self._add_nodes(name)
        return self._names[name]

    def _add_constant(self, name: str, value: Array) -> None:
        # 128 more, modulo 256, is the top bit turned.
        levels = np.asarray(value).view(np.uint8) ^ np.uint8(0x80)
        self._graph.initializer.append(numpy_helper.from_array(levels, self._names[name]))

    def _add_nodes(self, name: str) -> None:
        # By way of int32, because onnxruntime's Add takes no int8.
        offset, wide, shifted = (f"{self._names[name]}_{part}" for part in ("128", "wide", "moved"))
        self._graph.initializer.append(numpy_helper.from_array(np.array([128], np.int32), offset))
        self._graph.node.extend(
            [
                helper.make_node("Cast", [name], [wide], to=TensorProto.INT32),
                helper.make_node("Add", [wide, offset], [shifted]),
                helper.make_node("Cast", [shifted], [self._names[name]], to=TensorProto.UINT8),
            ]
        )


def _types(optimized: onnx.ModelProto, names: set[str]) -> dict[str, str]:
    """onnxruntime's names of the types of tensors of its optimized graph."""
    types = {
        tensor.name: "tensor(int8)" if tensor.data_type == TensorProto.INT8 else "a constant"
        for tensor in optimized.graph.initializer
    }
    unknown = sorted(names - types.keys())
    if unknown:
        # onnx's own inference knows no operator of com.microsoft; a session types its outputs.
        session = open_as_is(with_outputs(optimized, unknown))
        types |= {value.name: value.type for value in session.get_outputs()}
    return types
