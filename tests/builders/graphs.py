"""Named models of several operators, each a claim about one thing; a function builds each."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .qdq import PAD, S8, SHAPE, U8, QDQBuilder, QuantParams, Tensor, weights

UINT8 = onnx.TensorProto.UINT8
A, B, C = QuantParams(0.03, 10), QuantParams(0.07, 90), QuantParams(0.06, 80)


def concat_of_differing_scales(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    parts = [b.conv(x, weights(3), A, pads=PAD), b.conv(x, weights(6), B, pads=PAD), x]
    b.output(b.conv(b.concat(parts, C), weights(4, 14), U8))


def concat_of_a_repeated_operand(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    y = b.conv(x, weights(3), A, pads=PAD)
    b.output(b.conv(b.concat([y, y, x], C), weights(4, 11), U8))


def concat_of_concat(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    y = b.conv(x, weights(3), A, pads=PAD)
    inner = b.concat([y, x], C)
    b.output(b.conv(b.concat([inner, y, inner], C), weights(4, 19), U8))
    b.output(inner)


def concat_of_concat_with_other_scales(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    y = b.conv(x, weights(3), A, pads=PAD)
    inner = b.concat([y, x], C)
    b.output(b.conv(b.concat([x, inner], B), weights(4, 13), U8), as_float=False)


def concat_as_output(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    y = b.conv(x, weights(3), A, pads=PAD)
    both = b.concat([y, x], C)
    b.output(both, as_float=False)
    b.output(both)
    b.output(y, as_float=False)


def concat_of_byte_inputs(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8, as_float=False)
    y = b.input((1, 3, 6, 7), A, as_float=False)
    b.output(b.concat([y, x], C), as_float=False)


def concat_of_floats(b: QDQBuilder) -> None:
    b.output(b.concat([b.input(SHAPE, None), b.input((1, 3, 6, 7), None)], None))


def signed_concat_with_skip(b: QDQBuilder) -> None:
    x = b.input(SHAPE, S8)
    y = b.conv(x, weights(3), S8, pads=PAD)
    z = b.conv(y, weights(3, 3), QuantParams(0.02, 3, "s8"), pads=PAD)
    b.output(b.conv(b.concat([y, z], QuantParams(0.04, 3, "s8")), weights(2, 6), S8))


def resize_into_conv(b: QDQBuilder) -> None:
    resized = b.resize(b.input(SHAPE, U8), (2, 3))
    b.output(b.conv(resized, weights(3), U8, pads=PAD))


def resize_into_dilated_strided_conv(b: QDQBuilder) -> None:
    resized = b.resize(b.input(SHAPE, U8), (3, 2))
    b.output(b.conv(resized, weights(3), U8, pads=(2, 0, 1, 3), strides=(2, 3), dilations=(3, 2)))


def resize_then_pad_into_conv(b: QDQBuilder) -> None:
    padded = b.pad(b.resize(b.input(SHAPE, U8), (3, 2)), (1, 2, 0, 1))
    b.output(b.conv(padded, weights(3), U8))


def pad_then_resize_into_conv(b: QDQBuilder) -> None:
    resized = b.resize(b.pad(b.input(SHAPE, U8), (1, 2, 0, 1)), (3, 2))
    b.output(b.conv(resized, weights(3), U8))


def resize_by_a_fraction(b: QDQBuilder) -> None:
    modes = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor"}
    resized = b.resize(b.input(SHAPE, U8), sizes=(7, 11), **modes)
    b.output(b.conv(resized, weights(3), U8))


def resize_to_the_same_shape(b: QDQBuilder) -> None:
    resized = b.resize(b.input(SHAPE, U8), (1.15, 1.1))
    b.output(b.conv(resized, weights(3), U8))


def resize_to_the_same_height(b: QDQBuilder) -> None:
    resized = b.resize(b.input(SHAPE, U8), (1.15, 2))
    b.output(b.conv(resized, weights(3), U8))


def moves_that_move_nothing(b: QDQBuilder) -> None:
    x = b.pad(b.resize(b.input(SHAPE, U8), (1, 1)), (0, 0, 0, 0))
    b.output(b.conv(b.concat([x], U8), weights(3), U8))


def resize_to_other_parameters(b: QDQBuilder) -> None:
    resized = b.resize(b.input(SHAPE, U8), (2, 2), params=B)
    b.output(b.conv(resized, weights(3), U8))


def resize_of_a_concat(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    both = b.concat([x, b.conv(x, weights(6), A, pads=PAD)], C)
    b.output(b.conv(b.resize(both, (2, 2)), weights(3, 11), U8, pads=PAD))


def resize_as_output(b: QDQBuilder) -> None:
    b.output(b.resize(b.input((2, 3, 2, 3), U8), (2, 1)))


def pad_reflect(b: QDQBuilder) -> None:
    b.output(b.conv(b.pad(b.input(SHAPE, U8), (2, 1, 3, 4), mode="reflect"), weights(3), U8))


def pad_edge_signed(b: QDQBuilder) -> None:
    b.output(b.conv(b.pad(b.input(SHAPE, S8), (2, 1, 3, 4), mode="edge"), weights(3), S8))


def pad_by_a_value(b: QDQBuilder) -> None:
    b.output(b.conv(b.pad(b.input(SHAPE, U8), (2, 1, 3, 4), value=1.0), weights(3), U8))


def pad_of_a_batch(b: QDQBuilder) -> None:
    b.output(b.pad(b.input((3, 2, 3, 2), U8), (2, 0, 1, 1), mode="reflect"), as_float=False)


def chain_to_a_float_output(b: QDQBuilder) -> None:
    y = b.conv(b.input(SHAPE, U8), weights(3), U8)
    b.output(b.unary(b.unary(b.unary(y, "Tanh"), "Mul", None, 0.5), "Add", None, 0.5))


def table_between_convolutions(b: QDQBuilder) -> None:
    y = b.unary(b.conv(b.input(SHAPE, U8), weights(3), U8), "HardSwish", A)
    b.output(b.conv(y, weights(2, 3, (1, 1)), U8))
    b.output(y)


def relu_of_a_symmetric_tensor(b: QDQBuilder) -> None:
    zero = QuantParams(0.05, 0, "s8")
    y = b.unary(b.conv(b.input(SHAPE, zero), weights(3), zero), "Relu", zero)
    b.output(b.conv(y, weights(2, 3, (1, 1)), zero))


def several_inputs_and_outputs(b: QDQBuilder) -> None:
    x, z = b.input(SHAPE, U8), b.input((1, 2, 6, 7), A, as_float=False)
    y = b.conv(x, weights(3), U8, pads=PAD)
    both = b.concat([y, z], U8)
    b.output(b.unary(both, "Tanh"))
    b.output(y, as_float=False)
    b.output(b.conv(both, weights(1, 5), U8))
    b.output(z)


def one_value_at_two_outputs(b: QDQBuilder) -> None:
    y = b.conv(b.input(SHAPE, U8), weights(3), U8)
    for _ in range(2):
        b.output(y)
        b.output(y, as_float=False)


def requantization(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    y = b.conv(x, weights(3), U8, pads=PAD)
    b.output(b.conv(b.quantize(y, A), weights(2, 3, (1, 1)), U8))
    b.output(b.conv(y, weights(2, 3, (1, 1)), B))


def input_without_convolution(b: QDQBuilder) -> None:
    b.output(b.unary(b.input((2, 3, 4, 5), U8), "Tanh"))


def one_input_quantized_twice(b: QDQBuilder) -> None:
    x = b.input(SHAPE, None)
    for params in (U8, B):
        b.output(b.conv(b.quantize(x, params), weights(3), params))


def add_of_a_skip(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    b.output(b.node("Add", [x, b.conv(x, weights(5), A, pads=PAD)], C))


def multiply_by_a_gate(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    gate = b.unary(b.node("GlobalAveragePool", [x], A), "Sigmoid", QuantParams(1 / 256, 0))
    b.output(b.node("Mul", [x, gate], C))


def product_with_weights(b: QDQBuilder) -> None:
    x = b.input((3, 6), U8)
    b.output(b.node("MatMul", [x, b.constant_tensor(matrix(6, 5), 0.02, 0)], B))


def product_with_weights_to_floats(b: QDQBuilder) -> None:
    x = b.input((3, 6), U8)
    b.output(b.node("MatMul", [x, b.constant_tensor(matrix(6, 5), 0.02, 0)], None))


def product_of_two_activations(b: QDQBuilder) -> None:
    x, y = b.input((2, 3, 6), U8), b.input((2, 6, 5), A)
    b.output(b.node("MatMul", [x, y], QuantParams(0.2, 128)))


def pools(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    window: dict[str, Any] = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}
    b.output(b.node("MaxPool", [x], U8, **window))
    b.output(b.node("AveragePool", [x], A, **window))


def softmax_of_rows(b: QDQBuilder) -> None:
    b.output(b.node("Softmax", [b.input((3, 7), U8)], QuantParams(1 / 256, 0), axis=1))


def greatest_and_where(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    b.output(b.node("ReduceMax", [x], U8, axes=[1], keepdims=0))
    b.output(b.node("ArgMax", [x], None, axis=3))
    condition = np.random.default_rng(5).integers(0, 2, (1, 1, 6, 7)).astype(bool)
    b.output(b.node("Where", [condition, x, b.input(SHAPE, A)], U8))


def dynamic_quantization(b: QDQBuilder) -> None:
    x, scale, zero_point = b.nodes("DynamicQuantizeLinear", [b.input((3, 6), None)], [None] * 3)
    b.output(b.node("MatMulInteger", [x, matrix(6, 5), zero_point], None))
    b.output(scale)


def depthwise_and_groups(b: QDQBuilder) -> None:
    x = b.input((1, 8, 6, 7), U8)
    y = b.conv(x, weights(8, 1), A, pads=PAD, group=8)
    b.output(b.conv(y, weights(8, 4), U8, pads=PAD, group=2))


def transposed_convolution(b: QDQBuilder) -> None:
    w = b.constant_tensor(weights(5, 3).values, 0.02, 0)
    b.output(b.node("ConvTranspose", [b.input(SHAPE, U8), w], A, strides=[2, 2]))


def channel_shuffle(b: QDQBuilder) -> None:
    x = b.input((1, 6, 4, 5), U8)
    y = b.node("Reshape", [x, np.array([1, 2, 3, 4, 5])], U8)
    y = b.node("Transpose", [y], U8, perm=[0, 2, 1, 3, 4])
    b.output(b.node("Reshape", [y, np.array([1, 6, 4, 5])], U8), as_float=False)


def linear_resize(b: QDQBuilder) -> None:
    b.output(b.resize(b.input(SHAPE, U8), (2, 2), mode="linear", params=A))


def float_head(b: QDQBuilder) -> None:
    y = b.conv(b.input(SHAPE, U8), weights(4), A, pads=PAD)
    y = b.node("ReduceMean", [y], None, axes=[2, 3], keepdims=0)
    b.output(b.node("Sub", [y, np.arange(4, dtype=np.float32)], None))


def matrix(rows: int, columns: int) -> NDArray[np.int8]:
    return np.random.default_rng(4).integers(-128, 128, (rows, columns), np.int8)


def casts_to_bytes(b: QDQBuilder) -> None:
    x = b.input((1, 5, 3, 7), None)
    b.output(b.integer_node("Cast", [b.float_name(x)], Tensor(x.shape, params=U8), to=UINT8), as_float=False)
