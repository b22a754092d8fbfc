"""QDQ graphs by hand, with every scale and zero point explicit.

    b = QDQBuilder(opset=17)
    x = b.input((1, 3, 8, 8), QuantParams(0.02, 128))
    y = b.conv(x, Weights(w, scale=0.01), QuantParams(0.05), bias=bias, pads=(1, 1, 1, 1))
    b.output(b.resize(y, (2, 2)))
    model = b.build()

Every method takes tensors and returns one. One given `QuantParams` quantizes its result, as a
quantizer would; without them the result stays float, and the next node takes it as it is. One
DequantizeLinear serves all readers of a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arithmetic.array import Array
from .graph_builder import GraphBuilder, Ints, QuantParams, Tensor

__all__ = ["QDQBuilder", "QuantParams", "Tensor", "Weights"]


@dataclass(frozen=True)
class Weights:
    """Stored conv weights [O, I/group, kH, kW], uint8 or int8.

    Scale and zero point: a scalar, or [O] for weights quantized per channel.
    """

    values: Array
    scale: ArrayLike
    zero_point: ArrayLike = 0


class QDQBuilder(GraphBuilder):
    """Builds one model, node by node, with the operators that have arguments of their own."""

    def conv(
        self,
        x: Tensor,
        weights: Weights,
        params: QuantParams | None,
        *,
        bias: Array | None = None,
        bias_scale: ArrayLike | None = None,
        strides: Ints = (1, 1),
        pads: Ints = (0, 0, 0, 0),
        dilations: Ints = (1, 1),
        group: int = 1,
        relu: bool = False,
    ) -> Tensor:
        """Conv, with a Relu behind it where `relu`; pads: top, left, bottom, right.

        `bias`: int32 (its scale is f32(sx * sw) unless `bias_scale`), a float32 constant, or none.
        """
        kernel = weights.values.shape[2:]
        inputs = [self.float_name(x), self._weights(weights)]
        if bias is not None:
            inputs.append(self._bias(x, weights, bias, bias_scale))
        result = self._node(
            "Conv", inputs, kernel_shape=kernel, strides=list(strides), pads=list(pads),
            dilations=list(dilations), group=group,
        )  # fmt: skip
        size = [
            (x.shape[2 + i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
            for i in range(2)
        ]
        if relu:
            result = self._node("Relu", [result])
        return self._finish(result, (x.shape[0], weights.values.shape[0], *size), params)

    def concat(self, xs: Sequence[Tensor], params: QuantParams | None, *, axis: int = 1) -> Tensor:
        """Concat of tensors that agree in all dimensions but `axis`."""
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        result = self._node("Concat", [self.float_name(x) for x in xs], axis=axis)
        return self._finish(result, tuple(shape), params)

    def resize(
        self,
        x: Tensor,
        factors: Sequence[float] | None = None,
        *,
        sizes: Ints | None = None,
        roi: Sequence[float] | None = None,
        params: QuantParams | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Resize of H and W by `factors` or to `sizes`; nearest, asymmetric, floor unless told.

        `roi`: starts of H and W, then their ends. Keeps x's parameters by default.
        """
        settings = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        } | attributes
        region = "" if roi is None else self.constant(np.array([0, 0, *roi[:2], 1, 1, *roi[2:]], np.float32))
        inputs = [self.float_name(x), region]
        if sizes is not None:
            shape = (*x.shape[:2], *sizes)
            inputs += ["", self.constant(np.array(shape, np.int64))]
        else:
            scales = np.array([1, 1, *(factors or (2, 2))], np.float32)
            shape = tuple(
                int(np.floor(scale * np.float32(length)))
                for scale, length in zip(scales, x.shape, strict=True)
            )
            inputs.append(self.constant(scales))
        return self._finish(self._node("Resize", inputs, **settings), shape, params or x.params)

    def pad(
        self,
        x: Tensor,
        pads: Ints,
        *,
        mode: str = "constant",
        value: float | None = None,
        params: QuantParams | None = None,
    ) -> Tensor:
        """Pad of H and W: top, left, bottom, right. Keeps x's parameters by default."""
        top, left, bottom, right = pads
        inputs = [
            self.float_name(x),
            self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)),
        ]
        if value is not None:
            inputs.append(self.constant(np.float32(value)))
        shape = (*x.shape[:2], x.shape[2] + top + bottom, x.shape[3] + left + right)
        return self._finish(self._node("Pad", inputs, mode=mode), shape, params or x.params)

    def unary(
        self,
        x: Tensor,
        op_type: str,
        params: QuantParams | None = None,
        *constants: ArrayLike,
        **attributes: Any,
    ) -> Tensor:
        """One element by element float operator; `constants` are its further inputs (f32).

        Without `params` the result stays float.
        """
        inputs = [
            self.float_name(x),
            *(self.constant(np.asarray(c, np.float32)) for c in constants),
        ]
        return self._finish(self._node(op_type, inputs, **attributes), x.shape, params)

    def _weights(self, weights: Weights) -> str:
        scale = np.asarray(weights.scale, np.float32)
        zero_point = np.asarray(weights.zero_point, weights.values.dtype)
        zero_point = np.broadcast_to(zero_point, scale.shape)
        return self._dequantized_constant(weights.values, scale, zero_point)

    def _bias(self, x: Tensor, weights: Weights, bias: Array, scale: ArrayLike | None) -> str:
        if bias.dtype != np.int32:
            return self.constant(bias.astype(np.float32))
        if scale is None:
            assert x.params is not None, "an int32 bias needs a quantized input"
            scale = np.float32(x.params.scale) * np.asarray(weights.scale, np.float32)
        scale = np.asarray(scale, np.float32)
        return self._dequantized_constant(bias, scale, np.zeros(scale.shape, np.int32))
