"""The packed form of a convolution: four channels of x and of the weights to a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ...arithmetic import wrap_i32
from ...budgets import ROW_TAPS, require_within
from ...ir.graph import Tensors, Value
from ...ir.layout import lanes_of_channels, physical_channels, pixel_shape
from ...ir.types import Array, Quantization, TensorType
from ...lowering.scheduling import Scheduler
from ..base import FamilyOp, quantized_byte_problems
from ..sums import ELEMENTS, result_of_sums
from .kernel import ConvKernel
from .tile import choose_tile
from .window import IntegerWindow, as_image
from .winograd import of_upsampled


@dataclass(eq=False)
class PackedConv(IntegerWindow, FamilyOp):
    """`qconv` on packed s8: acc = bias + sum x*w (padding reads zx), zx being folded into the bias.

    weight: u32 [OW, KH, CW, KW, 4], four int8 input channels of output channel 4*OW + lane in each
    word; bias i32 [4*OW], multiplier f32 [4*OW]. With `weight_zero_point` i32 [4*OW], acc also
    loses weight_zero_point * sum (x - zx) over the window. A result i32 is acc itself.

    With `group`, CW are the words of one group's channels; where every channel is a group, weight
    is i32 [OW, KH, 1, KW, 4], one integer for each lane of the result, which lies as x does.
    With `x_zero_point`, a byte, acc also loses it times `weight_sums` i32 [4*OW].
    """

    kind = "packed_conv"
    x: Value
    weight: Value
    bias: Value
    multiplier: Value = field(kw_only=True)
    weight_zero_point: Value | None = field(default=None, kw_only=True)
    x_zero_point: Value | None = field(default=None, kw_only=True)
    weight_sums: Value | None = field(default=None, kw_only=True)

    @property
    def depthwise(self) -> bool:
        """Whether every channel is convolved by itself."""
        return self.weight.type.dtype == "i32"

    def evaluate(self, tensors: Tensors) -> Array:
        x, zero_point = as_image(tensors[self.x].astype(np.int64)), input_zero_point(self, tensors)
        channels = self.result.type.shape[1]
        lanes = lanes_of(self.result.type, channels)
        weight = self._logical_weights(channels, lanes)
        sums = self.sums(x, weight, zero_point).astype(np.int64)
        sums += self.bias.array[lanes].reshape(-1, 1, 1)
        if self.weight_sums is not None:
            sums -= zero_point * self.weight_sums.array[lanes].astype(np.int64).reshape(-1, 1, 1)
        if self.weight_zero_point is not None:
            ones = np.ones((self.group, *weight.shape[1:]), np.int64)
            window = self.sums(x - zero_point, ones)
            window = window.repeat(channels // self.group, 1).astype(np.int64)
            sums -= window * self.weight_zero_point.array[lanes].reshape(-1, 1, 1)
        multiplier = self.multiplier.array[lanes].reshape(-1, 1, 1)
        result = result_of_sums(wrap_i32(sums), multiplier, self.result.type)
        return result.reshape(self.result.type.shape)

    def _logical_weights(self, channels: int, lanes: Array) -> Array:
        """i32 [O, C/group, KH, KW]."""
        segments = self.x.type.segments
        assert segments is not None
        if self.depthwise:
            weight = np.moveaxis(self.weight.array[:, :, 0], -1, 1)
            return weight.reshape(-1, 1, *weight.shape[2:])[lanes]
        of_group = segments if self.group == 1 else (self.x.type.channels // self.group,)
        return unpack_weights(self.weight.array, of_group, channels)

    def expected_shape(self) -> tuple[int, ...] | None:
        _, kernel_h, _, kernel_w, _ = self.weight.type.shape
        return self.result_shape(self.x.type.shape, (kernel_h, kernel_w), self.result.type.shape[1])

    def problems(self) -> Iterator[str]:
        if self.result.type.dtype != "i32":  # the sums themselves
            yield from quantized_byte_problems(self.result.type)
        if self.x.type.quantization is None and self.x_zero_point is None:
            yield f"the operand {self.x.type} has no quantization"
        if self.x.type.segments is None or (self.result.type.is_byte and self.result.type.segments is None):
            yield "operand and result must be packed"

    def schedule(self, scheduler: Scheduler) -> None:
        scheduler.kernel(self._kernel(scheduler))

    def _kernel(self, scheduler: Scheduler) -> ConvKernel:
        type_, zero_point = self.result.type, self.weight_zero_point
        window = f"the window of Conv %{self.result.name}"
        require_within(window, self.weight.type.shape[3], ROW_TAPS, "taps in a row")
        name, shape, words, stores = scheduler.frame(self, name_of=self.weight)
        if not type_.is_byte:
            shape = pixel_shape(replace(type_, segments=(type_.shape[1],)))
            words = len(self.weight.array)
        group_words = 1 if self.depthwise else words // self.group
        x_type, bias, x_zero_point = _image_type(self.x.type), self.bias.array, self.x_zero_point
        sums = None if self.weight_sums is None else self.weight_sums.array
        if x_zero_point is not None and x_zero_point.data is not None:
            assert sums is not None
            zero = int(x_zero_point.array.reshape(-1)[0])
            bias = wrap_i32(bias.astype(np.int64) - zero * sums.astype(np.int64))
            sums = None
            x_type = replace(x_type, quantization=Quantization(1.0, zero))
        elif x_zero_point is not None:
            x_type = replace(x_type, quantization=Quantization(1.0, 0))
        kernel = ConvKernel(
            name,
            shape,
            words,
            stores,
            source=scheduler.view(self.x),
            zero_source=None if x_zero_point is None or sums is None else scheduler.view(x_zero_point),
            weight_sums=sums,
            x_type=x_type,
            weight=self.weight.array,
            bias=bias,
            multiplier=self.multiplier.array,
            weight_zero_point=None if zero_point is None else zero_point.array,
            zero_point=0 if type_.quantization is None else type_.quantization.zero_point,
            out_channels=type_.channels,
            elements=ELEMENTS[type_.dtype],
            depthwise=self.depthwise,
            tile=choose_tile(shape, group_words, self.upsample[1]),
            **self.window,
        )
        return of_upsampled(kernel)


class HasZeroPoint(Protocol):
    """A convolution, packed or not."""

    x: Value
    x_zero_point: Value | None


def input_zero_point(op: HasZeroPoint, tensors: Tensors) -> int:
    """The zero point of x, of its type or computed."""
    if op.x_zero_point is not None:
        return int(tensors[op.x_zero_point].reshape(-1)[0])
    assert op.x.type.quantization is not None
    return op.x.type.quantization.zero_point


def _image_type(type_: TensorType) -> TensorType:
    """The type of [N,C,W] as the picture of one row [N,C,1,W]."""
    if len(type_.shape) == 4:
        return type_
    batch, channels, width = type_.shape
    return replace(type_, shape=(batch, channels, 1, width))


def lanes_of(type_: TensorType, channels: int) -> Array:
    """Lane of each channel of a convolution's result; i32 results are in order."""
    if type_.segments is None:
        return np.arange(channels)
    return lanes_of_channels(type_)


def lane_weights(weight: Array, lanes: Array, words: int) -> Array:
    """i32 [OW, KH, 1, KW, 4] from weights [C, 1, KH, KW] of a depthwise convolution."""
    padded = np.zeros((words * 4, *weight.shape[2:]), np.int32)
    padded[lanes] = weight[:, 0]
    of_words = np.moveaxis(padded.reshape(words, 4, *weight.shape[2:]), 1, -1)
    return np.ascontiguousarray(of_words)[:, :, None]


def pack_weights(weight: Array, segments: tuple[int, ...], out_words: int) -> Array:
    """u32 [OW, KH, CW, KW, 4] from weights [O, C, KH, KW]; byte k of a word is input channel 4 * CW
    + k.

    >>> hex(pack_weights(np.array([[[[1]], [[2]], [[3]]]]), (3,), 1)[0, 0, 0, 0, 0])
    '0x30201'
    """
    out_channels, _, kernel_h, kernel_w = weight.shape
    physical = np.array(physical_channels(segments))
    lanes = np.zeros((out_words * 4, len(physical), kernel_h, kernel_w), np.int8)
    lanes[:out_channels, physical >= 0] = weight[:, physical[physical >= 0]]
    bytes_last = lanes.reshape(out_words, 4, -1, 4, kernel_h, kernel_w).transpose(0, 4, 2, 5, 1, 3)
    return np.ascontiguousarray(bytes_last).view("<u4")[..., 0].astype(np.uint32)


def unpack_weights(words: Array, segments: tuple[int, ...], out_channels: int) -> Array:
    """The inverse of `pack_weights`: i32 [O, C, KH, KW]."""
    physical = np.array(physical_channels(segments))
    lanes = np.ascontiguousarray(words.astype("<u4"))[..., None].view(np.int8)
    out_words, kernel_h, in_words, kernel_w = words.shape[:4]
    weight = lanes.transpose(0, 4, 2, 5, 1, 3).reshape(out_words * 4, in_words * 4, kernel_h, kernel_w)
    order = np.argsort(np.where(physical < 0, len(physical), physical), kind="stable")
    return weight[:out_channels, order[: (physical >= 0).sum()]].astype(np.int32)
