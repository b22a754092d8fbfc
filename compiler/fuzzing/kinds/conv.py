"""Conv on images: every kernel, stride, padding, dilation, group, weight type and bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from ...arithmetic.array import Array
from ..builder import QuantParams, Tensor, Weights
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import (
    F32,
    LEVELS,
    LIMITS,
    MULTIPLIERS,
    NUMPY,
    SCALES,
    SEEDS,
    Dtype,
    Level,
    pad_widths,
    pairs,
)


@dataclass(frozen=True)
class ConvNode(Node):
    """Conv and QuantizeLinear, with requantization multipliers near `multiplier`.

    `coarse` weights are multiples of 64 with a multiplier near 1/128: half the sums are on a tie
    of the rounding, or next to one where `ulps` moves the scale.
    """

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    group: Literal["one", "two", "depthwise"]
    weights: Literal["random", "coarse", "extreme", "small"]
    weight_dtype: Dtype
    weight_scale: float
    weight_zero_point: Literal["none", "one", "per channel"]
    per_channel: bool
    multiplier: float
    ulps: int
    zero_point: Level
    bias: Literal["none", "int32", "large int32", "float"]
    relu: bool
    seed: int
    quantized: bool = True

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        sx = 1.0 if x.params is None else x.params.scale
        random = np.random.default_rng(self.seed)
        groups = {"one": 1, "two": 2, "depthwise": x.shape[1]}[self.group]
        groups = groups if x.shape[1] % groups == 0 else 1
        channels = -(-self.channels // groups) * groups
        pads = self.pads
        room = (x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3])
        kernel = [min(k, side) for k, side in zip(self.kernel, room, strict=True)]
        dilations = [
            d if (k - 1) * d < side else 1 for d, k, side in zip(self.dilations, kernel, room, strict=True)
        ]
        kind: Dtype = "u8" if (b.net.dtype, self.weight_dtype) == ("u8", "u8") else "s8"
        shape = (channels, x.shape[1] // groups, *kernel)
        values = stored_weights(self.weights, kind, shape, random)
        weights = _parameters(self, values, random)
        scale = result_scale(sx, self.weight_scale, self.multiplier, self.weights, self.ulps)
        params: QuantParams | None = b.params(scale, self.zero_point)
        unit = sx * float(np.max(weights.scale))
        bias = bias_values(self.bias, self.weights, channels, unit, random)
        if (x.stored is None or x.stored in b.merged) and bias is not None:
            # ONNX Runtime gives x another scale, and an int32 bias no longer fits it: a float one,
            # small enough for any scale that it may get.
            bias = (bias % 20 * unit).astype(F32)
        if not self.quantized:
            params = None
        elif self.relu and not b.net.wild:
            # Another zero point makes ONNX Runtime compute Conv and Relu in float.
            params = b.params(scale, Level(0))
        return b.q.conv(
            x, weights, params, bias=bias, strides=self.strides, pads=pads,
            dilations=dilations, group=groups, relu=self.relu,
        )  # fmt: skip


def stored_weights(how: str, dtype: Dtype, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Stored weights; u8 ones only for u8 activations, the others stay float in ONNX Runtime."""
    low, high = LIMITS[dtype]
    match how:
        case "random":
            values = random.integers(low, high + 1, shape)
        case "coarse":
            values = random.integers(-2, 2, shape) * 64 + (low + high + 1) // 2
        case "extreme":
            values = random.choice([low, high, low, high, (low + high + 1) // 2], shape)
        case _:
            values = random.integers(-2, 3, shape) + (low + high + 1) // 2
    return values.astype(NUMPY[dtype])


def _parameters(node: ConvNode, values: Array, random: np.random.Generator) -> Weights:
    scale: Any = F32(node.weight_scale)
    channels = len(values)
    low, high = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
    if node.per_channel:
        scale = scale * random.choice(np.array([1, 1, 0.5, 0.3, 1.7, 4], F32), channels)
    match node.weight_zero_point:
        case "none":
            zero_point: Any = 0
        case "one":
            zero_point = int(random.choice([low, high, 3]))
        case _:
            zero_point = random.integers(low, high + 1, channels if node.per_channel else ())
    return Weights(values, scale, zero_point)


def result_scale(x_scale: float, weight_scale: float, multiplier: float, weights: str, ulps: int) -> float:
    """The result's scale for the wanted multiplier, or an ulp beside; x's where it is extreme."""
    multiplier = 2.0**-7 if weights == "coarse" else multiplier
    scale = F32(F32(x_scale) * F32(weight_scale)) / F32(multiplier)
    if ulps:
        scale = np.nextafter(scale, F32(np.inf * ulps))
    return float(scale) if 2.0**-24 < scale < 2.0**24 else x_scale


def bias_values(
    how: str, weights: str, channels: int, unit: float, random: np.random.Generator
) -> Array | None:
    """int32 in units of `unit`, float32, or None."""
    match how:
        case "none":
            return None
        case "int32" if weights == "coarse":
            return (random.integers(-100, 100, channels) * 64).astype(np.int32)
        case "int32":
            return random.integers(-20000, 20000, channels).astype(np.int32)
        case "large int32":
            extremes = [2**31 - 1, -(2**31), 2**24 + 1, -(2**24) - 3, 2**30, 0]
            return random.choice(np.array(extremes, np.int32), channels)
    return (random.uniform(-20000, 20000, channels) * unit).astype(F32)


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    """Convolutions of all kinds that stay integer."""
    return st.builds(
        ConvNode,
        x=x,
        bytes_out=st.booleans(),
        channels=st.integers(1, 9),
        kernel=pairs(st.integers(1, 4)),
        strides=pairs(st.integers(1, 3)),
        pads=pad_widths(3),
        dilations=pairs(st.integers(1, 3)),
        group=st.sampled_from(["one", "one", "two", "depthwise"]),
        weights=st.sampled_from(["random", "coarse", "coarse", "extreme", "small"]),
        weight_dtype=st.sampled_from(["s8", "s8", "u8"]),
        weight_scale=SCALES,
        weight_zero_point=st.sampled_from(["none", "none", "one", "per channel"]),
        per_channel=st.booleans(),
        multiplier=MULTIPLIERS,
        ulps=st.integers(-1, 1),
        zero_point=LEVELS,
        bias=st.sampled_from(["none", "int32", "large int32", "float"]),
        relu=st.booleans(),
        seed=SEEDS,
    )


KIND = Kind("conv", nodes)
