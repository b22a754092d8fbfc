"""Named models of one convolution, each a claim about one thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from .qdq import PAD, S8, QuantParams, convolution, weights

RNG = np.random.default_rng(1)
SCALES = RNG.uniform(0.001, 0.01, 6).astype(np.float32)
FLOAT_BIAS = RNG.normal(size=6).astype(np.float32)
INT_BIAS = RNG.integers(-10000, 10000, 6).astype(np.int32)
CONVOLUTIONS: dict[str, Callable[[], onnx.ModelProto]] = {
    "u8_s8": lambda: convolution(weights(), pads=PAD),
    "u8_u8": lambda: convolution(weights(dtype=np.uint8, zero_point=131), pads=PAD),
    "u8_u8_zero_point_0": lambda: convolution(weights(dtype=np.uint8), pads=PAD),
    "s8_s8": lambda: convolution(weights(), S8, S8, pads=PAD),
    "s8_s8_zero_point": lambda: convolution(weights(zero_point=5), S8, S8, pads=PAD),
    "per_channel": lambda: convolution(weights(scale=SCALES), pads=PAD),
    "per_channel_zero_points": lambda: convolution(
        weights(scale=SCALES, zero_point=[0, 3, -9, 127, -128, 1]), pads=PAD
    ),
    "per_channel_u8_zero_points": lambda: convolution(
        weights(dtype=np.uint8, scale=SCALES, zero_point=[0, 128, 255, 100, 7, 1]), pads=PAD
    ),
    "float_bias": lambda: convolution(weights(scale=SCALES), bias=FLOAT_BIAS),
    "float_bias_s8": lambda: convolution(weights(scale=SCALES), S8, S8, bias=FLOAT_BIAS),
    "int32_bias": lambda: convolution(weights(), bias=INT_BIAS),
    "int32_bias_per_channel": lambda: convolution(weights(scale=SCALES), bias=INT_BIAS),
    "bias_scale_half_a_percent_off": lambda: convolution(
        weights(), bias=INT_BIAS, bias_scale=0.05 * 0.004 * 1.005
    ),
    "bias_scale_within_1e-6": lambda: convolution(
        weights(scale=1e-3),
        QuantParams(1e-4, 100),
        QuantParams(1e-4, 10),
        bias=INT_BIAS,
        bias_scale=3e-7,
    ),
    "dilation": lambda: convolution(weights(), dilations=(2, 3), pads=(2, 3, 2, 3)),
    "stride": lambda: convolution(weights(), strides=(2, 3), pads=(0, 1, 2, 1)),
    "kernel_4x2_uneven_pads": lambda: convolution(weights(kernel=(4, 2)), pads=(0, 1, 3, 0)),
    "kernel_larger_than_input": lambda: convolution(weights(kernel=(8, 9)), pads=(2, 3, 1, 2)),
    "kernel_1x1": lambda: convolution(weights(kernel=(1, 1))),
    "group": lambda: convolution(weights(inputs=2), shape=(1, 4, 7, 7), group=2, pads=PAD),
    "group_zero_point": lambda: convolution(
        weights(inputs=2, dtype=np.uint8, zero_point=99), shape=(1, 6, 7, 7), group=3, pads=PAD
    ),
    "depthwise": lambda: convolution(
        weights(inputs=1, dtype=np.uint8, zero_point=128, scale=SCALES),
        shape=(1, 6, 5, 5),
        group=6,
        pads=PAD,
    ),
    "relu": lambda: convolution(weights(), y=QuantParams(0.05), relu=True),
    "one_pixel_one_channel": lambda: convolution(weights(1, 1, (1, 1)), shape=(1, 1, 1, 1)),
    "batch_2": lambda: convolution(weights(), shape=(2, 5, 6, 6), pads=PAD),
    "saturation": lambda: convolution(weights(scale=1.0), y=QuantParams(1e-3, 255)),
    "all_rounded_away": lambda: convolution(weights(scale=1e-9), y=QuantParams(10.0, 3)),
    "power_of_two_scales": lambda: convolution(
        weights(scale=2.0**-7), QuantParams(0.125, 7), QuantParams(0.25, 9), pads=PAD
    ),
}
