"""Lowers the integer graph to packed s8: four channels to a u32 word, channels last, zero points
out of the inner loop.

Rules:
1. Every u8 activation becomes s8 by XOR 0x80 (zero point - 128); tables, pads and weights follow.
2. Every activation gets channel segments: each part of a concatenation starts on a word, so that
   its producer can write it in place whatever its channel count. Padding lanes have zero weights.
3. `quantize` of a float graph input becomes `quantize_by_thresholds`: comparisons, never a
   division on the device.
4. `qconv` becomes `packed_conv`: weights as words [OW, KH, CW, KW, 4], and bias - zx * sum(w) as
   the bias. A grouped convolution becomes a dense one whose foreign weights equal the weight zero
   point, so that they contribute nothing.
5. Byte graph inputs are packed and byte graph outputs unpacked, at the border.

Requires: no float op but `quantize` on graph inputs and `lookup` to graph outputs. Ensures: every
other value is packed s8.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..arithmetic import quantize_thresholds, requantize_multiplier, wrap_i32
from ..errors import CompileError
from ..ir import (
    Array,
    Concat,
    Graph,
    Lookup,
    Op,
    Pack,
    PackedConv,
    Pad,
    QConv,
    Quantization,
    Quantize,
    QuantizeByThresholds,
    Resize,
    TensorType,
    Unpack,
    Value,
    physical_channels,
)


@dataclass(frozen=True)
class PackInt8:
    """Packed s8 everywhere."""

    name: ClassVar[str] = "pack_int8"

    def apply(self, graph: Graph) -> bool:
        if any(isinstance(op, PackedConv | QuantizeByThresholds | Pack) for op in graph.ops):
            return False
        lowering = _Lowering()
        for value in graph.inputs:
            if value.type.is_byte:
                lowering.add(Pack(lowering.packed(value, (value.type.shape[1],)), value))
        for op in graph.ops:
            lowering.lower(op)
        plain: dict[Value, Value] = {}
        for value in dict.fromkeys(graph.outputs):  # one value may be several outputs
            plain[value] = value
            if value.type.is_byte:
                plain[value] = Value(f"{value.name}.unpacked", value.type)
                lowering.add(Unpack(plain[value], lowering.values[value]))
        graph.outputs = [plain[value] for value in graph.outputs]
        graph.ops = lowering.ops
        return True


@dataclass
class _Lowering:
    values: dict[Value, Value] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def add(self, op: Op) -> None:
        self.ops.append(op)

    def packed(self, value: Value, segments: tuple[int, ...]) -> Value:
        """The packed s8 form of a byte value."""
        old = value.type.quantization
        quantization = None
        if old is not None:
            offset = 128 if value.type.dtype == "u8" else 0
            quantization = Quantization(old.scale, old.zero_point - offset)
        type_ = TensorType("s8", value.type.shape, quantization, segments)
        self.values[value] = Value(f"{value.name}.packed", type_)
        return self.values[value]

    def like(self, value: Value, source: Value) -> Value:
        """The packed form of `value` with the segments of `source`."""
        segments = source.type.segments
        assert segments is not None
        return self.packed(value, segments)

    def lower(self, op: Op) -> None:
        match op:
            case Quantize():
                self.add(_by_thresholds(op, self.packed(op.result, (op.x.type.shape[1],))))
            case QConv():
                result = self.packed(op.result, (op.result.type.shape[1],))
                self.add(_packed_conv(op, self.values[op.x], result))
            case Lookup():
                x = self.values[op.x]
                table = Value.constant(f"{op.table.name}.packed", _packed_table(op))
                result = self.like(op.result, x) if op.result.type.is_byte else op.result
                self.add(Lookup(result, x, table))
            case Resize():
                x = self.values[op.x]
                result = self.like(op.result, x)
                self.add(Resize(result, x, op.scales, op.coordinates, op.rounding))
            case Pad():
                x = self.values[op.x]
                value = op.value - (128 if op.result.type.dtype == "u8" else 0)
                self.add(Pad(self.like(op.result, x), x, op.pads, op.mode, value))
            case Concat():
                xs = tuple(self.values[x] for x in op.xs)
                segments = tuple(s for x in xs for s in x.type.segments or ())
                self.add(Concat(self.packed(op.result, segments), xs, op.axis))
            case _:
                raise CompileError(f"internal error: {op.kind} %{op.result.name} can't be packed")


def _by_thresholds(op: Quantize, result: Value) -> QuantizeByThresholds:
    quantization = op.result.type.quantization
    assert quantization is not None
    keys = quantize_thresholds(quantization.scale, quantization.zero_point, op.result.type.limits)
    return QuantizeByThresholds(result, op.x, Value.constant(f"{result.name}.thresholds", keys))


def _packed_table(op: Lookup) -> Array:
    """The table indexed by the bits of the packed byte, with packed bytes as entries."""
    index = np.arange(256) ^ (0x80 if op.x.type.dtype == "u8" else 0)
    table: Array = op.table.array[index]
    return (table ^ np.uint8(0x80)).view(np.int8) if op.result.type.dtype == "u8" else table


def _packed_conv(op: QConv, x: Value, result: Value) -> PackedConv:
    weight, zero_point = _dense_signed_weights(op)
    channels = result.type.words * 4
    name = op.weight.name
    quantization, out = x.type.quantization, op.result.type.quantization
    assert x.type.segments is not None
    assert quantization is not None
    assert out is not None
    assert op.x.type.quantization is not None
    bias = np.zeros(channels, np.int64)
    if op.bias is not None:
        bias[: op.bias.array.size] = op.bias.array
    bias[: len(weight)] -= quantization.zero_point * weight.sum((1, 2, 3))
    multiplier = np.ones(channels, np.float32)
    multiplier[: len(weight)] = requantize_multiplier(
        op.x.type.quantization.scale, op.weight_scale.array, out.scale
    )
    packed_zero_point = None
    if zero_point.any():
        padded = np.zeros(channels, np.int32)
        padded[: len(weight)] = zero_point
        packed_zero_point = Value.constant(f"{name}.zero_point", padded)
    return PackedConv(
        result,
        x,
        Value.constant(f"{name}.packed", pack_weights(weight, x.type.segments, result.type.words)),
        Value.constant(f"{name}.bias", wrap_i32(bias)),
        op.strides,
        op.pads,
        op.dilations,
        multiplier=Value.constant(f"{name}.multiplier", multiplier),
        weight_zero_point=packed_zero_point,
        upsample=op.upsample,
    )


def _dense_signed_weights(op: QConv) -> tuple[Array, Array]:
    """Weights i64 [O, C, KH, KW] in -128..127 without groups, and their zero points i64 [O]."""
    offset = 128 if op.weight.type.dtype == "u8" else 0
    grouped = op.weight.array.astype(np.int64) - offset
    out_channels, group_channels = grouped.shape[:2]
    given = np.zeros(1, np.int64) if op.weight_zero_point is None else op.weight_zero_point.array
    zero_point = np.broadcast_to(given.reshape(-1).astype(np.int64) - offset, out_channels)
    if op.weight_zero_point is None and offset:
        zero_point = np.full(out_channels, -offset, np.int64)
    if op.group == 1:
        return grouped, zero_point
    dense = np.empty((out_channels, group_channels * op.group, *grouped.shape[2:]), np.int64)
    dense[:] = zero_point[:, None, None, None]
    for channel in range(out_channels):
        first = channel // (out_channels // op.group) * group_channels
        dense[channel, first : first + group_channels] = grouped[channel]
    return dense, zero_point


def pack_weights(weight: Array, segments: tuple[int, ...], out_words: int) -> Array:
    """u32 [OW, KH, CW, KW, 4] from weights [O, C, KH, KW]; byte k of a word is input channel 4 * CW
    + k.
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
    weight = lanes.transpose(0, 4, 2, 5, 1, 3).reshape(
        out_words * 4, in_words * 4, kernel_h, kernel_w
    )
    order = np.argsort(np.where(physical < 0, len(physical), physical), kind="stable")
    return weight[:out_channels, order[: (physical >= 0).sum()]].astype(np.int32)
