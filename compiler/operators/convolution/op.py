"""Convolutions of floats, and of bytes with requantization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...arithmetic import requantize_multiplier, wrap_i32
from ...budgets import SPREAD_WEIGHTS, require_within
from ...ir.graph import Tensors, Value
from ...ir.types import Array
from ...lowering.packing import Lowering
from ...lowering.scheduling import Scheduler
from ...reference.node import run_node
from ..base import FamilyOp, quantized_byte_problems
from ..onnx_op import FloatOp
from ..sums import refusal_of_multiplier, result_of_sums
from .packed import PackedConv, input_zero_point, lane_weights, lanes_of, pack_weights
from .window import IntegerWindow, Window, as_image


@dataclass(eq=False)
class Conv(Window, FamilyOp):
    """Float convolution of x [N,C,H,W] or [N,C,W]; weight [O,C/group,KH,KW], bias [O]."""

    kind = "conv"
    onnx = "Conv"
    x: Value
    weight: Value
    bias: Value | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """Those of the ONNX node; over one axis, a Conv holds a picture of one row."""
        one_axis = len(self.x.type.shape) == 3
        return {
            "strides": list(self.strides[1:] if one_axis else self.strides),
            "dilations": list(self.dilations[1:] if one_axis else self.dilations),
            "pads": [self.pads[1], self.pads[3]] if one_axis else list(self.pads),
            "group": self.group,
        }

    def node(self) -> FloatOp:
        """The ONNX node, as the other operators that stay in float are."""
        xs = tuple(x for x in (self.x, self.weight, self.bias) if x is not None)
        return FloatOp(self.result, xs, "Conv", self.attributes)

    def evaluate(self, tensors: Tensors) -> Array:
        xs = [tensors[x] for x in (self.x, self.weight, self.bias) if x is not None]
        return run_node("Conv", self.attributes, xs, tensors.opset)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.result_shape(self.x.type.shape, kernel_of(self.weight), self.weight.type.shape[0])

    def lower(self, lowering: Lowering) -> None:
        """Row-major words are what float ops work on: the op stays as it is."""
        lowering.add(self)

    def schedule(self, scheduler: Scheduler) -> None:
        self.node().schedule(scheduler)

    def refusal(self) -> str | None:
        return self.node().refusal()


def kernel_of(weight: Value) -> tuple[int, int]:
    """Height and width of weights [O, C, KH, KW] or [O, C, KW]."""
    kernel = weight.type.shape[2:]
    return (kernel[0], kernel[1]) if len(kernel) == 2 else (1, kernel[0])


@dataclass(eq=False)
class QConv(IntegerWindow, FamilyOp):
    """Integer convolution of x [N,C,H,W] or [N,C,W] with requantization.

    acc = bias + sum (x - zx)(w - zw) in int32 that wraps; multiplier[c] = RN(RN(sx * sw[c]) / sy);
    result = rne(clamp(RN(RN(acc) * multiplier[c]))) + zy; a result i32 is acc (ConvInteger).
    `x_zero_point`: a byte, constant or computed, in the place of that of x's type.
    """

    kind = "qconv"
    x: Value
    weight: Value
    bias: Value | None = None
    weight_scale: Value = field(kw_only=True)
    weight_zero_point: Value | None = field(default=None, kw_only=True)
    x_zero_point: Value | None = field(default=None, kw_only=True)

    def evaluate(self, tensors: Tensors) -> Array:
        zero_points = np.zeros(1, np.int64)
        if self.weight_zero_point is not None:
            zero_points = self.weight_zero_point.array.astype(np.int64).reshape(-1)
        weight = as_image(self.weight.array.astype(np.int64)) - zero_points.reshape(-1, 1, 1, 1)
        x = as_image(tensors[self.x].astype(np.int64)) - input_zero_point(self, tensors)
        sums = self.sums(x, weight)
        if self.bias is not None:
            sums = wrap_i32(sums.astype(np.int64) + self.bias.array.reshape(-1, 1, 1))
        multiplier = self.multiplier().reshape(-1, 1, 1)
        return result_of_sums(sums, multiplier, self.result.type).reshape(self.result.type.shape)

    def multiplier(self) -> Array:
        """RN(RN(sx * sw) / sy), f32 [1] or [O]; 1 where sums are the result."""
        before, after = self.x.type.quantization, self.result.type.quantization
        if after is None:
            return np.ones(1, np.float32)
        assert before is not None
        return requantize_multiplier(before.scale, self.weight_scale.array, after.scale)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.result_shape(self.x.type.shape, kernel_of(self.weight), self.weight.type.shape[0])

    def problems(self) -> Iterator[str]:
        if self.result.type.dtype != "i32":  # the sums themselves
            yield from quantized_byte_problems(self.result.type)
        if self.x.type.quantization is None and self.x_zero_point is None:
            yield f"the operand {self.x.type} has no quantization"

    def wanted_axis(self, operand: Value) -> int | None:
        del operand
        return 1

    def refusal(self) -> str | None:
        return refusal_of_multiplier(self.multiplier(), self.result.type)

    # ------------------------------------------------------------------------------ lowering

    def lower(self, lowering: Lowering) -> None:
        """Weights as words, the zero point of x folded into the bias.

        Groups of whole words of channels stay groups; where every channel is one, weights are
        integers, four channels to a vector. Any other grouped convolution becomes a dense one whose
        foreign weights equal the weight zero point, so that they contribute nothing.
        """
        x, result = lowering.operand(self.x, 1), self.result
        form = self._group_form(x)
        if result.type.is_byte:
            result = lowering.packed(result, x.type.segments if form == "depthwise" else None, 1)
        weight, zero_point = self._weights_in(form)
        lanes = lanes_of(result.type, len(weight))
        words = (lanes.max() // 4 + 1).item()
        sums = np.zeros(words * 4, np.int64)
        sums[lanes] = weight.sum((1, 2, 3))
        of_x = None if self.x_zero_point is None else lowering.operand(self.x_zero_point)
        name = self.weight.name
        weight_words = _weight_words(form, weight, x, lanes, words)
        lowering.add(
            PackedConv(
                result,
                x,
                Value.constant(f"{name}.packed", weight_words, self.weight),
                Value.constant(f"{name}.bias", self._lane_bias(x, sums, lanes)),
                multiplier=Value.constant(f"{name}.multiplier", self._lane_multiplier(lanes, words)),
                weight_zero_point=_lane_zero_point(name, zero_point, lanes, words),
                x_zero_point=of_x,
                weight_sums=None if of_x is None else Value.constant(f"{name}.sums", sums.astype(np.int32)),
                **self.window | ({"group": 1} if form == "dense" else {}),
            )
        )

    def _group_form(self, x: Value) -> str:
        """How groups are computed: "depthwise", "words" (whole words of channels) or "dense"."""
        out_channels, group_channels = self.weight.type.shape[:2]
        segments = x.type.segments or ()
        in_order = all(channels % 4 == 0 for channels in segments[:-1])
        if self.group == 1:
            return "dense"
        of_one = group_channels == 1 and out_channels == self.group
        if of_one and (self.result.type.is_byte or in_order):
            return "depthwise"
        whole = group_channels % 4 == 0 and out_channels // self.group % 4 == 0
        return "words" if whole and in_order else "dense"

    def _weights_in(self, form: str) -> tuple[Array, Array]:
        """Weights i64 [O, C or C/group, KH, KW] and their zero points i64 [O], as a form has them."""
        weight, zero_point = self._signed_weights()
        if form == "dense":
            spread = weight.size * self.group
            what = f"Conv %{self.result.name}, with zeros between its {self.group} groups,"
            require_within(what, spread if self.group > 1 else 0, SPREAD_WEIGHTS, "weights")
            return _dense(weight, zero_point, self.group), zero_point
        if form == "depthwise":
            return weight - zero_point.reshape(-1, 1, 1, 1), zero_point * 0
        return weight, zero_point

    def _lane_bias(self, x: Value, sums: Array, lanes: Array) -> Array:
        """The bias of each lane, i32 [4 * words], less what a constant zero point of x adds to the sums."""
        bias = np.zeros(len(sums), np.int64)
        if self.bias is not None:
            bias[lanes] = self.bias.array
        if self.x_zero_point is None:
            assert x.type.quantization is not None
            bias -= x.type.quantization.zero_point * sums
        return wrap_i32(bias)

    def _lane_multiplier(self, lanes: Array, words: int) -> Array:
        """The multiplier of each lane, f32 [4 * words]."""
        multiplier = np.ones(words * 4, np.float32)
        multiplier[lanes] = self.multiplier()
        return multiplier

    def _signed_weights(self) -> tuple[Array, Array]:
        """Weights i64 [O, C/group, KH, KW] in -128..127, and their zero points i64 [O]."""
        offset = self.weight.type.flip
        weight = self.weight.array.astype(np.int64) - offset
        zero_point = np.zeros(1, np.int64)
        if self.weight_zero_point is not None:
            zero_point = self.weight_zero_point.array.astype(np.int64).reshape(-1)
        return weight, np.broadcast_to(zero_point - offset, len(weight)).copy()


def _weight_words(form: str, weight: Array, x: Value, lanes: Array, words: int) -> Array:
    """The weights as the packed form has them."""
    assert x.type.segments is not None
    if form == "depthwise":
        return lane_weights(weight, lanes, words)
    return pack_weights(weight, x.type.segments if form == "dense" else (weight.shape[1],), words)


def _lane_zero_point(name: str, zero_point: Array, lanes: Array, words: int) -> Value | None:
    """The weights' zero point of each lane, i32 [4 * words]; None where all are 0."""
    if not zero_point.any():
        return None
    lane_zero_point = np.zeros(words * 4, np.int32)
    lane_zero_point[lanes] = zero_point
    return Value.constant(f"{name}.zero_point", lane_zero_point)


def _dense(grouped: Array, zero_point: Array, group: int) -> Array:
    """Weights [O, C, KH, KW] without groups."""
    if group == 1:
        return grouped
    out_channels, group_channels = grouped.shape[:2]
    dense = np.empty((out_channels, group_channels * group, *grouped.shape[2:]), np.int64)
    dense[:] = zero_point[:, None, None, None]
    for channel in range(out_channels):
        first = channel // (out_channels // group) * group_channels
        dense[channel, first : first + group_channels] = grouped[channel]
    return dense
