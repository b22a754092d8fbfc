"""Transposed convolution in integers, where ONNX Runtime computes in float.

Rule: `quantize(act?(conv_transpose(dequantize(x), dequantize(w), bias)))` becomes
`qconv_transpose` under the conditions of a convolution (fusion.py); scales and zero points of
w: one, or one for each output channel of a group (axis 1).

ONNX Runtime has no integer kernel here: it adds floats up in an order of its own, so that its
result differs by one step where a sum lies next to a rounding boundary. This op's own formula is
exact on every device. `float_reference` of the kernel says so.

On the device: output rows o = q * stride + p of one phase p meet the same taps, so each phase is a
convolution with stride 1, all phases are the channels of one convolution, and one `interleave` move
puts them in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...arithmetic import convolve, requantize_multiplier
from ...ir.graph import Op, Tensors, Value
from ...ir.types import Array
from ...lowering.packing import Lowering
from ..base import FamilyOp
from ..float.reductions import transposed_pads
from ..fusion import Group, NoIntegerForm, Surroundings
from ..moves.op import Move
from ..onnx_op import FloatOp
from ..quantize import Dequantize
from ..sums import refusal_of_multiplier, result_of_sums
from .fusion import quantized_bias, requantization
from .op import QConv
from .window import as_image


@dataclass(eq=False)
class QConvTranspose(FamilyOp):
    """acc[o] = bias + sum over i * stride + k * dilation - pad = o of (x[i] - zx)(w[k] - zw), then
    as `qconv`; x [N,C,...], weight [C, O/group, ...], pads those of the beginnings.
    """

    kind = "qconv_transpose"
    x: Value
    weight: Value
    bias: Value | None = None
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0)
    dilations: tuple[int, ...] = (1, 1)
    group: int = 1
    weight_scale: Value = field(kw_only=True)
    weight_zero_point: Value | None = None

    @property
    def channels(self) -> int:
        return self.result.type.shape[1]

    def wanted_axis(self, operand: Value) -> int | None:
        return 1 if operand is self.x else None

    def per_channel(self, values: Array) -> Array:
        """Values of one group's channels for all of them; one for all stays so."""
        return values if values.size == 1 else np.tile(values, self.group)

    def centred_weight(self) -> Array:
        """Weights less their zero points, i64 [C, O/group, ...]."""
        zero = np.zeros(1, np.int64)
        if self.weight_zero_point is not None:
            zero = self.weight_zero_point.array.astype(np.int64).reshape(-1)
        weight = self.weight.array.astype(np.int64)
        return weight - zero.reshape(-1, *(1,) * (weight.ndim - 2))

    def evaluate(self, tensors: Tensors) -> Array:
        before = self.x.type.quantization
        assert before is not None
        x = tensors[self.x].astype(np.int32) - before.zero_point
        sums = self._sums(x, self.centred_weight())
        ones = (1,) * len(self.strides)
        if self.bias is not None:
            sums += self.bias.array.reshape(-1, *ones)
        return result_of_sums(sums, self.multiplier().reshape(-1, *ones), self.result.type)

    def multiplier(self) -> Array:
        """RN(RN(sx * sw) / sy), f32 [1] or [O]."""
        before, after = self.x.type.quantization, self.result.type.quantization
        assert before is not None
        assert after is not None
        scale = self.per_channel(self.weight_scale.array.reshape(-1))
        return requantize_multiplier(before.scale, scale, after.scale)

    def refusal(self) -> str | None:
        return refusal_of_multiplier(self.multiplier(), self.result.type)

    def _sums(self, x: Array, weight: Array) -> Array:
        """i32 that wrap: x, with zeros between its elements, convolved with the taps in reverse."""
        own, kernel, out = weight.shape[1], weight.shape[2:], self.result.type.shape[2:]
        reach = [(k - 1) * d for k, d in zip(kernel, self.dilations, strict=True)]
        spread = np.zeros((*x.shape[:2], *(o + r for o, r in zip(out, reach, strict=True))), np.int32)
        places = spread
        for number, (stride, pad) in enumerate(zip(self.strides, self.pads, strict=True)):
            first = max(0, -((reach[number] - pad) // stride))  # element of x that is in reach
            start = reach[number] - pad + first * stride
            places, x = (np.moveaxis(array, 2 + number, 0) for array in (places, x))
            places, x = places[start::stride], x[first:]
            count = min(len(places), len(x))
            places, x = (np.moveaxis(array[:count], 0, 2 + number) for array in (places, x))
        places[:] = x
        grouped = weight.reshape(self.group, -1, own, *kernel).swapaxes(1, 2)
        taps = np.flip(grouped, tuple(range(3, grouped.ndim))).reshape(self.channels, -1, *kernel)
        dilations = (1, *self.dilations)[-2:]
        sums = convolve(as_image(spread), as_image(taps), (1, 1), (dilations[0], dilations[1]), self.group)
        return sums.reshape(self.result.type.shape)

    # ------------------------------------------------------------------------------ lowering

    def lower(self, lowering: Lowering) -> None:
        axes = [self._axis(n) for n in range(len(self.strides))]
        strides = int(np.prod(self.strides))
        pads = [axis.pads for axis in axes]
        sizes = tuple(
            n + sum(axis.pads) - axis.taps + 1 for n, axis in zip(self.x.type.shape[2:], axes, strict=True)
        )
        shape = (self.x.type.shape[0], self.channels * strides, *sizes)
        phases = Value(f"{self.result.name}.phases", replace(self.result.type, shape=shape))
        kernel = self._phase_weights(axes)
        if kernel.ndim == 3:
            pads.insert(0, (0, 0))
            kernel = kernel[:, :, None]
        conv = QConv(
            phases,
            self.x,
            Value.constant(f"{self.weight.name}.phases", kernel),
            self._repeat(self.bias),
            pads=(pads[0][0], pads[1][0], pads[0][1], pads[1][1]),
            weight_scale=self._repeat(self.weight_scale, True) or self.weight_scale,
            weight_zero_point=self._repeat(self.weight_zero_point, True),
            group=self.group,
            float_reference=True,
        )
        lowering.lower(conv)
        starts = tuple(axis.start for axis in axes)
        attributes = {"group": self.group, "strides": self.strides, "starts": starts}
        Move(self.result, phases, "interleave", attributes).lower(lowering)

    def _axis(self, number: int) -> _PhaseAxis:
        stride, pad = self.strides[number], self.pads[number]
        size, out = self.x.type.shape[2 + number], self.result.type.shape[2 + number]
        reach = (self.weight.type.shape[2 + number] - 1) * self.dilations[number]
        taps = reach // stride + 1
        first = min(pad // stride, taps - 1)
        last = -(-(pad + out) // stride)
        return _PhaseAxis(taps, (taps - 1 - first, max(0, last - size)), pad - first * stride)

    def _phase_weights(self, axes: list[_PhaseAxis]) -> Array:
        """Weights [phases * O, C/group, taps...]; output channels by group, phase and channel.

        Stride 2 has two phases: taps 0 and 2 make the even elements of the full result, tap 1 the odd ones.

        >>> x, y = (Value(name, TensorType("s8", (1, 1, size))) for name, size in (("x", 3), ("y", 7)))
        >>> w = Value.constant("w", np.array([[[1, 2, 3]]], np.int8))
        >>> op = QConvTranspose(y, x, w, strides=(2,), pads=(0,), dilations=(1,), weight_scale=w)
        >>> op._phase_weights([op._axis(0)]).tolist()
        [[[3, 1]], [[0, 2]]]
        """
        weight = self.weight.array
        channels, own, *kernel = weight.shape
        zero = np.zeros(1, weight.dtype)
        if self.weight_zero_point is not None:
            zero = self.weight_zero_point.array.astype(weight.dtype).reshape(-1)
        grouped = weight.reshape(self.group, channels // self.group, own, *kernel)
        shape = (self.group, *self.strides, own, channels // self.group, *(a.taps for a in axes))
        phases = np.empty(shape, weight.dtype)
        phases[:] = zero.reshape(-1, *(1,) * (1 + len(axes)))
        at = [np.arange(k) * d for k, d in zip(kernel, self.dilations, strict=True)]
        phase = np.ix_(*(a % s for a, s in zip(at, self.strides, strict=True)))
        back = np.ix_(*(x.taps - 1 - a // s for a, s, x in zip(at, self.strides, axes, strict=True)))
        taps_first = np.moveaxis(grouped.swapaxes(1, 2), range(3, grouped.ndim), range(len(axes)))
        place: tuple[Any, ...] = (slice(None), *phase, slice(None), slice(None), *back)
        phases[place] = taps_first
        return phases.reshape(-1, *shape[-1 - len(axes) :])

    def _repeat(self, value: Value | None, of_group: bool = False) -> Value | None:
        """A constant of each channel for the channels of all phases."""
        if value is None or value.array.size == 1:
            return value
        each = np.tile(value.array, self.group) if of_group else value.array
        phases = int(np.prod(self.strides))
        spread = np.repeat(each.reshape(self.group, 1, -1), phases, 1).reshape(-1)
        return Value.constant(f"{value.name}.phases", np.ascontiguousarray(spread))


@dataclass(frozen=True)
class _PhaseAxis:
    """One axis of the phases' convolution: taps, pads, and where the result begins among the
    interleaved rows.
    """

    taps: int
    pads: tuple[int, int]
    start: int


# ------------------------------------------------------------------------------------ fusion


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a ConvTranspose."""
    if not isinstance(op, FloatOp) or op.op_type != "ConvTranspose":
        return None
    x, weight = around.stored(op.xs[0]), around.producers.get(op.xs[1])
    axes = len(x.type.shape) - 2
    if x.data is not None or axes not in (1, 2):
        raise NoIntegerForm(f"its input is a constant, or has {axes + 2} dimensions")
    if not isinstance(weight, Dequantize) or weight.x.data is None or not weight.x.type.is_byte:
        raise NoIntegerForm("its weights are not an int8 constant behind DequantizeLinear")
    quantize = requantization(around, op)
    assert x.type.quantization is not None
    assert quantize.result.type.quantization is not None
    if quantize.result.type.dtype != x.type.dtype:
        raise NoIntegerForm(f"it takes {x.type.dtype} and gives {quantize.result.type.dtype}")
    scale = weight.scale.array.astype(np.float32).reshape(-1)
    if scale.size > 1 and weight.axis != 1:
        raise NoIntegerForm(f"its weights have {scale.size} scales along axis {weight.axis}")
    group = int(op.attributes.get("group", 1))
    strides, dilations = (tuple(op.attributes.get(name, (1,) * axes)) for name in ("strides", "dilations"))
    bias = op.xs[2] if len(op.xs) > 2 and op.xs[2].type.size else None
    spread = scale if scale.size == 1 else np.tile(scale, group)
    size, out = x.type.shape[2:], op.result.type.shape[2:]
    kernel = tuple(weight.x.type.shape[2:])
    convolution = QConvTranspose(
        quantize.result,
        x,
        weight.x,
        quantized_bias(around.producers, bias, x.type.quantization.scale, spread),
        strides,
        tuple(transposed_pads(op.attributes, size, out, kernel, strides, dilations)),
        dilations,
        group,
        weight_scale=Value.constant(f"{weight.x.name}.scale", scale),
        weight_zero_point=weight.zero_point,
    )
    if min(convolution.pads) < 0:
        raise NoIntegerForm(f"its pads {list(convolution.pads)} are negative")
    return Group(quantize, convolution)
