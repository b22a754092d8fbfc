"""Small models that between them meet every kernel, each a claim about one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.zoo import QDQBuilder, QuantParams, Weights

U8, S8 = QuantParams(0.05, 100), QuantParams(0.05, -7, "s8")
A, B, C = QuantParams(0.03, 10), QuantParams(0.07, 90), QuantParams(0.06, 80)
SHAPE = (1, 5, 6, 7)
RNG = np.random.default_rng(1)
SCALES = RNG.uniform(0.001, 0.01, 6).astype(np.float32)


def weights(
    outputs: int = 6,
    inputs: int = 5,
    kernel: tuple[int, int] = (3, 3),
    dtype: type = np.int8,
    scale: Any = 0.004,
    zero_point: Any = 0,
) -> Weights:
    info = np.iinfo(dtype)
    values = np.random.default_rng(2).integers(info.min, info.max + 1, (outputs, inputs, *kernel), dtype)
    return Weights(values, scale, zero_point)


def conv(
    w: Weights, x: QuantParams = U8, y: QuantParams = U8, shape: Any = SHAPE, **options: Any
) -> QDQBuilder:
    b = QDQBuilder()
    b.output(b.conv(b.input(shape, x), w, y, **options))
    return b


PAD = (1, 1, 1, 1)
FLOAT_BIAS = RNG.normal(size=6).astype(np.float32)
INT_BIAS = RNG.integers(-10000, 10000, 6).astype(np.int32)
UNSIGNED = {"dtype": np.uint8}
CONVOLUTIONS: dict[str, Callable[[], QDQBuilder]] = {
    "u8_s8": lambda: conv(weights(), pads=PAD),
    "u8_u8": lambda: conv(weights(dtype=np.uint8, zero_point=131), pads=PAD),
    "u8_u8_zero_point_0": lambda: conv(weights(dtype=np.uint8), pads=PAD),
    "s8_s8": lambda: conv(weights(), S8, S8, pads=PAD),
    "s8_s8_zero_point": lambda: conv(weights(zero_point=5), S8, S8, pads=PAD),
    "per_channel": lambda: conv(weights(scale=SCALES), pads=PAD),
    "per_channel_zero_points": lambda: conv(
        weights(scale=SCALES, zero_point=[0, 3, -9, 127, -128, 1]), pads=PAD
    ),
    "per_channel_u8_zero_points": lambda: conv(
        weights(dtype=np.uint8, scale=SCALES, zero_point=[0, 128, 255, 100, 7, 1]), pads=PAD
    ),
    "float_bias": lambda: conv(weights(scale=SCALES), bias=FLOAT_BIAS),
    "float_bias_s8": lambda: conv(weights(scale=SCALES), S8, S8, bias=FLOAT_BIAS),
    "int32_bias": lambda: conv(weights(), bias=INT_BIAS),
    "int32_bias_per_channel": lambda: conv(weights(scale=SCALES), bias=INT_BIAS),
    "bias_scale_half_a_percent_off": lambda: conv(weights(), bias=INT_BIAS, bias_scale=0.05 * 0.004 * 1.005),
    "bias_scale_within_1e-6": lambda: conv(
        weights(scale=1e-3),
        QuantParams(1e-4, 100),
        QuantParams(1e-4, 10),
        bias=INT_BIAS,
        bias_scale=3e-7,
    ),
    "dilation": lambda: conv(weights(), dilations=(2, 3), pads=(2, 3, 2, 3)),
    "stride": lambda: conv(weights(), strides=(2, 3), pads=(0, 1, 2, 1)),
    "kernel_4x2_uneven_pads": lambda: conv(weights(kernel=(4, 2)), pads=(0, 1, 3, 0)),
    "kernel_larger_than_input": lambda: conv(weights(kernel=(8, 9)), pads=(2, 3, 1, 2)),
    "kernel_1x1": lambda: conv(weights(kernel=(1, 1))),
    "group": lambda: conv(weights(inputs=2), shape=(1, 4, 7, 7), group=2, pads=PAD),
    "group_zero_point": lambda: conv(
        weights(inputs=2, dtype=np.uint8, zero_point=99), shape=(1, 6, 7, 7), group=3, pads=PAD
    ),
    "depthwise": lambda: conv(
        weights(inputs=1, dtype=np.uint8, zero_point=128, scale=SCALES),
        shape=(1, 6, 5, 5),
        group=6,
        pads=PAD,
    ),
    "relu": lambda: conv(weights(), y=QuantParams(0.05), relu=True),
    "one_pixel_one_channel": lambda: conv(weights(1, 1, (1, 1)), shape=(1, 1, 1, 1)),
    "batch_2": lambda: conv(weights(), shape=(2, 5, 6, 6), pads=PAD),
    "saturation": lambda: conv(weights(scale=1.0), y=QuantParams(1e-3, 255)),
    "all_rounded_away": lambda: conv(weights(scale=1e-9), y=QuantParams(10.0, 3)),
    "power_of_two_scales": lambda: conv(
        weights(scale=2.0**-7), QuantParams(0.125, 7), QuantParams(0.25, 9), pads=PAD
    ),
}


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
    b.output(b.op("Add", [x, b.conv(x, weights(5), A, pads=PAD)], C))


def multiply_by_a_gate(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    gate = b.unary(b.op("GlobalAveragePool", [x], A), "Sigmoid", QuantParams(1 / 256, 0))
    b.output(b.op("Mul", [x, gate], C))


def product_with_weights(b: QDQBuilder) -> None:
    x = b.input((3, 6), U8)
    b.output(b.op("MatMul", [x, b.constant_tensor(matrix(6, 5), 0.02, 0)], B))


def product_with_weights_to_floats(b: QDQBuilder) -> None:
    x = b.input((3, 6), U8)
    b.output(b.op("MatMul", [x, b.constant_tensor(matrix(6, 5), 0.02, 0)], None))


def product_of_two_activations(b: QDQBuilder) -> None:
    x, y = b.input((2, 3, 6), U8), b.input((2, 6, 5), A)
    b.output(b.op("MatMul", [x, y], QuantParams(0.2, 128)))


def pools(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    window: dict[str, Any] = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}
    b.output(b.op("MaxPool", [x], U8, **window))
    b.output(b.op("AveragePool", [x], A, **window))


def softmax_of_rows(b: QDQBuilder) -> None:
    b.output(b.op("Softmax", [b.input((3, 7), U8)], QuantParams(1 / 256, 0), axis=1))


def greatest_and_where(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    b.output(b.op("ReduceMax", [x], U8, axes=[1], keepdims=0))
    b.output(b.op("ArgMax", [x], None, axis=3))


def depthwise_and_groups(b: QDQBuilder) -> None:
    x = b.input((1, 8, 6, 7), U8)
    y = b.conv(x, weights(8, 1), A, pads=PAD, group=8)
    b.output(b.conv(y, weights(8, 4), U8, pads=PAD, group=2))


def transposed_convolution(b: QDQBuilder) -> None:
    w = b.constant_tensor(weights(5, 3).values, 0.02, 0)
    b.output(b.op("ConvTranspose", [b.input(SHAPE, U8), w], A, strides=[2, 2]))


def channel_shuffle(b: QDQBuilder) -> None:
    x = b.input((1, 6, 4, 5), U8)
    y = b.op("Reshape", [x, np.array([1, 2, 3, 4, 5])], U8)
    y = b.op("Transpose", [y], U8, perm=[0, 2, 1, 3, 4])
    b.output(b.op("Reshape", [y, np.array([1, 6, 4, 5])], U8), as_float=False)


def linear_resize(b: QDQBuilder) -> None:
    b.output(b.resize(b.input(SHAPE, U8), (2, 2), mode="linear", params=A))


def float_head(b: QDQBuilder) -> None:
    y = b.conv(b.input(SHAPE, U8), weights(4), A, pads=PAD)
    y = b.op("ReduceMean", [y], None, axes=[2, 3], keepdims=0)
    b.output(b.op("Sub", [y, np.arange(4, dtype=np.float32)], None))


def matrix(rows: int, columns: int) -> NDArray[np.int8]:
    return np.random.default_rng(4).integers(-128, 128, (rows, columns), np.int8)


_GRAPHS = [
    add_of_a_skip,
    multiply_by_a_gate,
    product_with_weights,
    product_with_weights_to_floats,
    product_of_two_activations,
    pools,
    softmax_of_rows,
    greatest_and_where,
    depthwise_and_groups,
    channel_shuffle,
    linear_resize,
    concat_of_differing_scales,
    concat_of_a_repeated_operand,
    concat_of_concat,
    concat_of_concat_with_other_scales,
    concat_as_output,
    concat_of_byte_inputs,
    signed_concat_with_skip,
    resize_into_conv,
    resize_into_dilated_strided_conv,
    resize_then_pad_into_conv,
    pad_then_resize_into_conv,
    resize_by_a_fraction,
    resize_to_the_same_shape,
    resize_to_the_same_height,
    moves_that_move_nothing,
    resize_to_other_parameters,
    resize_of_a_concat,
    resize_as_output,
    pad_reflect,
    pad_edge_signed,
    pad_by_a_value,
    pad_of_a_batch,
    chain_to_a_float_output,
    table_between_convolutions,
    relu_of_a_symmetric_tensor,
    several_inputs_and_outputs,
    one_value_at_two_outputs,
    requantization,
    input_without_convolution,
    one_input_quantized_twice,
]


def _built(make: Callable[[QDQBuilder], None]) -> QDQBuilder:
    b = QDQBuilder()
    make(b)
    return b


GRAPHS = {make.__name__: make for make in _GRAPHS}
INEXACT = {make.__name__: make for make in (transposed_convolution, float_head)}
"""Graphs of which ONNX Runtime computes a part in float."""


def model(name: str) -> onnx.ModelProto:
    """The model of that name, one of CONVOLUTIONS, GRAPHS or INEXACT."""
    if name in CONVOLUTIONS:
        return CONVOLUTIONS[name]().build()
    return _built((GRAPHS | INEXACT)[name]).build()
