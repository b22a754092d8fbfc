"""The byte tables of the com.microsoft unary ops that have no float form in the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..ir.types import Array
from .binary import stored_bytes
from .quantization import F32, dequantize_linear, quantize_linear


def unary_table(
    fn: Callable[[Array], Array],
    x_q: tuple[float, int],
    y_q: tuple[float, int],
    limits: tuple[int, int],
) -> Array:
    """Q(fn(DQ(x))) of each byte, u8 [256], index and entries by their stored bits.

    `fn` takes the f32 [256] of all bytes, in the order 0 ... 255 of their bits, at once.
    """
    real = dequantize_linear(stored_bytes(limits), x_q[0], x_q[1])
    return quantize_linear(fn(real), y_q[0], y_q[1], limits).astype(np.uint8)


def logistic(x: Array) -> Array:
    """onnxruntime's Sigmoid of f32 values; pure, so its place in an array does not matter."""
    from ..reference.oracle import Oracle

    node = helper.make_node("Sigmoid", ["x"], ["y"])
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    graph = helper.make_graph([node], "sigmoid", [value], [onnx.ValueInfoProto(name="y")])
    imports = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return Oracle(model).run({"x": x})["y"]


def leaky_relu(x: Array, alpha: float) -> Array:
    """x where x >= 0, else RN(alpha * x)."""
    with np.errstate(over="ignore", under="ignore"):
        return np.where(x >= 0, x, F32(alpha) * x)


def qlinear_leaky_relu_table(
    x_q: tuple[float, int], y_q: tuple[float, int], limits: tuple[int, int], alpha: float
) -> Array:
    """QLinearLeakyRelu's byte table, u8 [256] (`unary_table`)."""
    return unary_table(lambda x: leaky_relu(x, alpha), x_q, y_q, limits)


def qlinear_sigmoid_table(x_q: tuple[float, int], y_q: tuple[float, int], limits: tuple[int, int]) -> Array:
    """QLinearSigmoid's byte table, u8 [256] (`unary_table`), by onnxruntime's own logistic."""
    return unary_table(logistic, x_q, y_q, limits)
