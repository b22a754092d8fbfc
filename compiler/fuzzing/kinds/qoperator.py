"""The QOperator form: ops on stored bytes with their parameters as inputs, also com.microsoft's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ...arithmetic.array import Array
from ..builder import QuantParams, Tensor
from ..models import Builder
from ..nodes import ANY_SHAPES, IMAGES, MATRICES, STACKS, Kind, Node, Operands, axis_of, several
from ..values import F32, LEVELS, MULTIPLIERS, NUMPY, SCALES, Level, tuples
from .binary import SHAPES, broadcasts
from .conv import bias_values, result_scale
from .matmul import WEIGHTS, Weights
from .pool import averaged

MICROSOFT = "com.microsoft"
Numbers = tuple[int, ...]
Inputs = list[Any]


@dataclass(frozen=True)
class QOperatorNode(Node):
    """An operator by its name in OPERATORS; numbers mean something for every shape."""

    op_type: str
    other: int
    scale: float
    zero_point: Level
    multiplier: float
    numbers: Numbers
    weights: Weights

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        return None if x.params is None else OPERATORS[self.op_type](b, x, self)

    def result(self, b: Builder) -> QuantParams:
        return b.params(self.scale, self.zero_point)

    def product(self, b: Builder, x: Tensor, scale: float) -> QuantParams:
        """Parameters for sums of products with that scale, near the wanted multiplier."""
        assert x.params is not None
        y_scale = result_scale(x.params.scale, scale, self.multiplier, self.weights.how, 0)
        return b.params(y_scale, self.zero_point)


def stored(b: Builder, x: Tensor) -> Inputs:
    """Bytes, scale and zero point of a tensor, as inputs."""
    assert x.params is not None
    return [b.q.stored_name(x), *parameters(x.params)]


def parameters(params: QuantParams) -> Inputs:
    """Scale and zero point."""
    return [F32(params.scale), NUMPY[params.dtype].type(params.zero_point)]


def _weights(
    values: Array, scale: Any, zero_point: Any
) -> tuple[Array, Any, Array]:  # with a zero point of the scale's shape
    shape = np.shape(scale)
    return (
        values,
        F32(scale) if not shape else scale,
        np.broadcast_to(np.asarray(zero_point, values.dtype), shape),
    )


def conv(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    if len(x.shape) != 4:
        return None
    kernel = [min(1 + n % 3, side) for n, side in zip(node.numbers, x.shape[2:], strict=False)]
    flat, scale, zero = node.weights.make(b, x.shape[1] * kernel[0] * kernel[1])
    w = np.ascontiguousarray(flat.T).reshape(-1, x.shape[1], *kernel)
    attributes: dict[str, Any] = {
        "strides": [1 + node.numbers[2] % 2, 1 + node.numbers[3] % 3],
        "pads": [node.numbers[4] % 3, node.numbers[5] % 2, 0, node.numbers[0] % 2],
        "kernel_shape": kernel,
    }
    params = node.product(b, x, node.weights.scale)
    inputs = [*stored(b, x), *_weights(w, scale, zero), *parameters(params)]
    kind = ("none", "int32", "large int32")[node.numbers[1] % 3]
    bias = bias_values(kind, node.weights.how, len(w), 1.0, np.random.default_rng(len(flat)))
    shape = b.q.shape_of("Conv", [x.shape, w.shape], **attributes)
    result = Tensor(shape, params=params)
    return b.q.integer_node("QLinearConv", [*inputs, *([] if bias is None else [bias])], result, **attributes)


def matmul(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    if len(x.shape) < 2:
        return None
    values, scale, zero = node.weights.make(b, x.shape[-1])
    params = node.product(b, x, node.weights.scale)
    inputs = [*stored(b, x), *_weights(values, scale, zero), *parameters(params)]
    result = Tensor((*x.shape[:-1], values.shape[1]), params=params)
    return b.q.integer_node("QLinearMatMul", inputs, result)


def gemm(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    """With and without a bias; the result bytes, or floats without the last two inputs."""
    if len(x.shape) != 2:
        return None
    trans_a, trans_b = node.numbers[0] % 2, node.numbers[1] % 2
    values, scale, zero = _weights(*node.weights.make(b, x.shape[0 if trans_a else 1]))
    rows = x.shape[1 if trans_a else 0]
    kind = ("none", "int32", "large int32")[node.numbers[2] % 3]
    random = np.random.default_rng(node.numbers[3])
    bias = bias_values(kind, node.weights.how, values.shape[1], 1.0, random)
    params = node.product(b, x, node.weights.scale) if node.numbers[4] % 3 else None
    w = np.ascontiguousarray(values.T) if trans_b else values
    inputs = [*stored(b, x), w, scale, zero, "" if bias is None else bias]
    inputs += parameters(params) if params else []
    while isinstance(inputs[-1], str) and not inputs[-1]:
        inputs.pop()
    alpha = 1.0 if bias is not None else (1.0, 0.5, 1.0 if params else -1.7)[node.numbers[5] % 3]
    result = Tensor((rows, values.shape[1]), params=params)
    return b.q.integer_node("QGemm", inputs, result, MICROSOFT, transA=trans_a, transB=trans_b, alpha=alpha)


def binary(op_type: str) -> Operator:
    def make(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
        y = b.find(node.other, lambda other: broadcasts(x, other))
        if y is None:
            return None
        params = node.result(b)
        result = Tensor(np.broadcast_shapes(x.shape, y.shape), params=params)
        inputs = [*stored(b, x), *stored(b, y), *parameters(params)]
        return b.q.integer_node(op_type, inputs, result, MICROSOFT)

    return make


def concat(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    y = b.find(node.other, lambda other: other.shape == x.shape)
    axis = node.numbers[0] % len(x.shape)
    params = node.result(b)
    shape = [side * (1 + (i == axis)) for i, side in enumerate(x.shape)]
    inputs = [*parameters(params), *stored(b, x), *stored(b, y or x)]
    result = Tensor(tuple(shape), params=params)
    return b.q.integer_node("QLinearConcat", inputs, result, MICROSOFT, axis=axis)


def average_pool(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    if len(x.shape) != 4:
        return None
    kernel = [min(1 + n % 3, side) for n, side in zip(node.numbers, x.shape[2:], strict=False)]
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": [1 + node.numbers[2] % 2, 1 + node.numbers[3] % 3],
        "pads": [node.numbers[4] % k for k in kernel * 2],
        "count_include_pad": node.numbers[5] % 2,
    }
    params = averaged(x, node.result(b))
    result = Tensor(b.q.shape_of("AveragePool", [x.shape], **attributes), params=params)
    inputs = [*stored(b, x), *parameters(params)]
    return b.q.integer_node("QLinearAveragePool", inputs, result, MICROSOFT, **attributes)


def global_average_pool(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
    if len(x.shape) != 4:
        return None
    params = averaged(x, node.result(b))
    inputs = [*stored(b, x), *parameters(params)]
    result = Tensor((*x.shape[:2], 1, 1), params=params)
    return b.q.integer_node("QLinearGlobalAveragePool", inputs, result, MICROSOFT, channels_last=0)


def unary(op_type: str) -> Operator:
    def make(b: Builder, x: Tensor, node: QOperatorNode) -> Tensor | None:
        params = node.result(b)
        attributes: dict[str, Any] = {}
        if op_type == "QLinearLeakyRelu":
            attributes["alpha"] = (0.1, 0.01, 0.3)[node.numbers[0] % 3]
        if op_type == "QLinearSoftmax":
            attributes |= {"axis": axis_of(node.numbers[0], len(x.shape)), "opset": b.net.opset}
        inputs = [*stored(b, x), *parameters(params)]
        return b.q.integer_node(op_type, inputs, Tensor(x.shape, params=params), MICROSOFT, **attributes)

    return make


Operator = Callable[[Builder, Tensor, QOperatorNode], Tensor | None]
OPERATORS: dict[str, Operator] = {
    "qlinear_conv": conv,
    "qlinear_matmul": matmul,
    "qgemm": gemm,
    "qlinear_add": binary("QLinearAdd"),
    "qlinear_mul": binary("QLinearMul"),
    "qlinear_concat": concat,
    "qlinear_averagepool": average_pool,
    "qlinear_globalaveragepool": global_average_pool,
    "qlinear_leakyrelu": unary("QLinearLeakyRelu"),
    "qlinear_sigmoid": unary("QLinearSigmoid"),
    "qlinear_softmax": unary("QLinearSoftmax"),
}


def nodes_of(op_type: str) -> Callable[[Operands], st.SearchStrategy[Node]]:
    """Strategies of nodes of one operator."""
    return lambda x: st.builds(
        QOperatorNode, x, st.booleans(), st.just(op_type), x, SCALES, LEVELS, MULTIPLIERS,
        tuples(st.integers(0, 9), 6, 6), WEIGHTS,
    )  # fmt: skip


_SHAPES = {
    "qlinear_conv": several(IMAGES),
    "qlinear_matmul": several(STACKS),
    "qgemm": several(MATRICES),
    "qlinear_add": SHAPES,
    "qlinear_mul": SHAPES,
    "qlinear_averagepool": several(IMAGES),
    "qlinear_globalaveragepool": several(IMAGES),
}
KINDS = tuple(Kind(name, nodes_of(name), _SHAPES.get(name, several(ANY_SHAPES))) for name in OPERATORS)
