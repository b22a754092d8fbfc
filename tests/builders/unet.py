"""A small UNet as the project ships one, written by hand: strided convolutions down, nearest
upsampling and 3x3 convolutions up, skip concatenations, Tanh. No torch, no calibration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .edit import rename, save
from .qdq import PAD, QDQBuilder, QuantParams, Tensor, Weights

WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8)
"""Channels of each level, in the first one's."""
IN, BODY, HEAD = 1 / 127.5, 0.02, 0.012
"""Scales: of the input, of all that goes down and up, of the last sums. A concatenation has that of
its parts, as trainer/export/equalize.py brings them to one.
"""


@dataclass(frozen=True)
class Form:
    """How the UNet is quantized; zero points: of values on both sides of zero, and of positive ones.

    `relu`: Relu has a pair of its own, as where ranges are symmetric.
    """

    dtype: str = "u8"
    weights: type = np.int8
    per_channel: bool = True
    middle: int = 128
    positive: int = 0
    relu: bool = False

    def params(self, scale: float, *, positive: bool = True) -> QuantParams:
        return QuantParams(scale, self.positive if positive else self.middle, self.dtype)


FORMS = {
    "u8s8_per_channel": Form(),
    "u8u8_per_tensor": Form(weights=np.uint8, per_channel=False),
    "s8s8_asymmetric": Form("s8", per_channel=False, middle=-3, positive=-128),
    "s8s8_symmetric": Form("s8", middle=0, relu=True),
}
"""By the names of the styles of tests/zoo/quantization.py."""


def unet(size: int = 32, channels: int = 4, form: str = "u8s8_per_channel") -> onnx.ModelProto:
    """From `input` to `output`, f32[1, 3, size, size] each; log2(size) levels, at most 8."""
    layers = _Layers(FORMS[form])
    x = layers.b.input((1, 3, size, size), layers.form.params(IN, positive=False))
    skips = []
    for width in WIDTHS[: int(math.log2(size))]:
        x = layers.conv(x, channels * width, BODY, kernel=4, strides=(2, 2))
        skips.append(x)
    for skip in skips[-2::-1]:
        x = layers.conv(layers.b.resize(x), skip.shape[1], BODY)
        x = layers.b.concat([x, skip], layers.form.params(BODY))
    x = layers.conv(layers.b.resize(x), 3, HEAD, positive=False)
    output = layers.b.output(layers.b.unary(x, "Tanh"))
    return rename(layers.b.build(), x0="input", **{output: "output"})


def unet_file(folder: Path, size: int = 32, channels: int = 4, form: str = "u8s8_per_channel") -> Path:
    """The model, in a file of the folder."""
    return save(unet(size, channels, form), folder)


class _Layers:
    """The network in the making."""

    def __init__(self, form: Form) -> None:
        self.form, self.b = form, QDQBuilder()
        self._random = np.random.default_rng(0)

    def conv(
        self,
        x: Tensor,
        channels: int,
        scale: float,
        *,
        kernel: int = 3,
        positive: bool = True,
        **options: Any,
    ) -> Tensor:
        """A convolution whose sums fill the range of its result, for inputs that fill theirs."""
        info = np.iinfo(self.form.weights)
        shape = (channels, x.shape[1], kernel, kernel)
        values = self._random.integers(info.min + 1, info.max + 1, shape).astype(self.form.weights)
        steps = 74 * math.sqrt(math.prod(shape[1:]))  # deviation of a sum, in those of the input
        assert x.params is not None
        scales = np.full(channels, scale / x.params.scale / steps) * self._random.uniform(0.7, 1.3, channels)
        middle = (info.min + info.max + 1) // 2
        weights = Weights(values, scales, np.full(channels, middle, values.dtype))
        if not self.form.per_channel:
            weights = Weights(values, scales[0], middle)
        bias = self._random.normal(0, 50 * steps, channels).astype(np.int32)
        params = self.form.params(scale, positive=positive)
        y = self.b.conv(x, weights, params, bias=bias, pads=PAD, **options)
        return self.b.unary(y, "Relu", params) if self.form.relu and positive else y
