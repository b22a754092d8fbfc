"""QDQ models op by op: the product's QDQBuilder, and the weights and parameters that tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx2wgsl.compiler.fuzzing.builder import QDQBuilder, QuantParams, Tensor, Weights

__all__ = ["PAD", "S8", "SHAPE", "U8", "QDQBuilder", "QuantParams", "Tensor", "Weights"]

U8, S8 = QuantParams(0.05, 100), QuantParams(0.05, -7, "s8")
SHAPE = (1, 5, 6, 7)
PAD = (1, 1, 1, 1)


def weights(
    outputs: int = 6,
    inputs: int = SHAPE[1],
    kernel: int | tuple[int, ...] = 3,
    dtype: type = np.int8,
    scale: Any = 0.004,
    zero_point: Any = 0,
) -> Weights:
    """Seeded weights of all values of `dtype`, for inputs of `inputs` channels (of a group)."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    values = np.random.default_rng(2).integers(low, high + 1, (outputs, inputs, *sides), dtype)
    return Weights(values, scale, zero_point)


def convolution(
    w: Weights | None = None,
    x: QuantParams = U8,
    y: QuantParams = U8,
    shape: tuple[int, ...] = SHAPE,
    opset: int = 17,
    **options: Any,
) -> onnx.ModelProto:
    """A model of one convolution, f32 to f32; `options` are those of QDQBuilder.conv."""
    b = QDQBuilder(opset)
    b.output(b.conv(b.input(shape, x), w or weights(inputs=shape[1]), y, **options))
    return b.build()
