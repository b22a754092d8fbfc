"""Lowers the integer graph to packed s8: four channels to a u32 word, channels last, zero points
out of the inner loop.

Rules:
1. Every u8 activation becomes s8 by XOR 0x80 (zero point - 128); tables, pads and weights follow.
2. Every byte tensor is packed along one axis: the one that its producer or a reader wants (the
   channels of a convolution, the last of a matrix product), else the channels of four dimensions
   and the last axis of others. Where a reader wants another, a `move` changes the layout.
3. It gets channel segments: each part of a concatenation starts on a word, so that its producer
   can write it in place whatever its channel count. No op depends on what padding lanes hold.
4. `quantize` of floats becomes `quantize_by_thresholds`: comparisons, never a division on the
   device.
5. `qconv` becomes `packed_conv`: weights as words [OW, KH, CW, KW, 4], and bias - zx * sum(w) as
   the bias. Groups of whole words of channels stay groups; where every channel is one, weights are
   integers, four channels to a vector. Any other grouped convolution becomes a dense one whose
   foreign weights equal the weight zero point, so that they contribute nothing.
6. Byte graph inputs are packed and byte graph outputs unpacked, at the border; those of bool and
   int64 are turned into words, and back.
7. The other ops say themselves what they become (`operators.base.FamilyOp.lower`).

Floats, integers and booleans stay row-major, one word an element.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import quantize_thresholds, requantize_multiplier, wrap_i32
from ..errors import CompileError
from ..ir.graph import Concat, Conv, Graph, Lookup, OnnxOp, Op, Pad, QConv, Quantize, Resize, Stage, Value
from ..ir.layout import lanes_of_channels, physical_channels
from ..ir.types import Array, Quantization, TensorType
from ..operators.base import FamilyOp
from ..operators.borders import NARROW, Load, Unload
from ..operators.float import nodes as floats
from ..operators.moves.op import Move, lower_move
from ..operators.packed_ops import Pack, PackedConv, QuantizeByThresholds, Unpack


@dataclass(frozen=True)
class PackInt8:
    """Packed s8 everywhere."""

    name: ClassVar[str] = "pack_int8"

    def apply(self, graph: Graph) -> bool:
        if any(isinstance(op, PackedConv | QuantizeByThresholds | Pack) for op in graph.ops):
            return False
        loads = [Load(Value(f"{x.name}.words", x.type), x) for x in graph.inputs if _narrow(x)]
        for load in loads:
            graph.replace_value(load.x, load.result)
        lowering = Lowering(graph)
        lowering.ops += loads
        for value in graph.inputs:
            if lowering.is_packable(value):
                lowering.add(Pack(lowering.packed(value), value))
        for op in graph.ops:
            lowering.lower(op)
        plain: dict[Value, Value] = {}
        for value in dict.fromkeys(graph.outputs):  # one value may be several outputs
            plain[value] = value
            if lowering.is_packable(value):
                plain[value] = Value(f"{value.name}.unpacked", value.type)
                lowering.add(Unpack(plain[value], lowering.values[value]))
            elif _narrow(value):
                plain[value] = Value(f"{value.name}.unloaded", value.type)
                lowering.add(Unload(plain[value], value))
        graph.outputs = [plain[value] for value in graph.outputs]
        graph.ops = lowering.ops
        graph.stage = Stage.PACKED
        return True


def _narrow(value: Value) -> bool:
    """Whether an element in memory is no word, unlike inside the program."""
    return value.type.dtype in NARROW


class Lowering:
    """The packed graph in the making: byte values and their packed forms, and the ops so far."""

    def __init__(self, graph: Graph) -> None:
        self.users = graph.users()
        self.values: dict[Value, Value] = {}
        self.ops: list[Op] = []
        self._forms: dict[tuple[Value, int, tuple[int, ...]], Value] = {}

    def add(self, op: Op) -> None:
        self.ops.append(op)

    @staticmethod
    def is_packable(value: Value) -> bool:
        """Whether a value is of bytes, which are packed; all others stay row-major."""
        return value.type.is_byte

    @staticmethod
    def flip_of(op: Op) -> int:
        """0x80 where the bytes that `op` works on are u8, and so XORed when packed."""
        held = [op.result, *op.operands]
        return 0x80 if any(value.type.dtype == "u8" for value in held) else 0

    def demand(self, value: Value, depth: int = 8) -> int | None:
        """The axis that a reader of `value` wants packed, also behind ops that keep the layout."""
        for user in self.users.get(value, []):
            wanted = wanted_axis(user, value)
            if wanted is not None:
                return wanted
        for user in self.users.get(value, []):
            keeps = user.result.type.is_byte and user.result.type.shape == value.type.shape
            if depth and keeps and not isinstance(user, Move):
                wanted = self.demand(user.result, depth - 1)
                if wanted is not None:
                    return wanted
        return None

    def packed(self, value: Value, segments: tuple[int, ...] | None = None, axis: int | None = None) -> Value:
        """The packed s8 form of a byte value, which some op makes; along the demanded axis, or that
        of its rank, unless one is given.
        """
        old = value.type.quantization
        quantization = None
        if old is not None:
            offset = 128 if value.type.dtype == "u8" else 0
            quantization = Quantization(old.scale, old.zero_point - offset)
        if axis is None:
            axis = self.demand(value)
        if axis is None:
            axis = default_axis(value.type.shape)
        channels = value.type.shape[axis] if value.type.shape else 1
        type_ = TensorType("s8", value.type.shape, quantization, segments or (channels,), axis)
        self.values[value] = Value(f"{value.name}.packed", type_)
        return self.values[value]

    def like(self, value: Value, source: Value) -> Value:
        """The packed form of `value` in the layout of `source`, which has its shape."""
        return self.packed(value, source.type.segments, source.type.axis)

    def operand(self, value: Value, axis: int | None = None, like: Value | None = None) -> Value:
        """The packed form of an operand, along `axis` or in the layout of `like` if given.

        A constant is packed as such; a computed value is moved where it lies otherwise.
        """
        if value.data is not None and value not in self.values:
            self._constant(value, axis if like is None else like.type.axis, like)
        packed = self.values[value]
        segments, wanted = packed.type.segments, packed.type.axis if axis is None else axis
        if like is not None:
            segments, wanted = like.type.segments, like.type.axis
        if wanted != packed.type.axis and like is None:
            segments = (value.type.shape[wanted],)
        if (wanted, segments) == (packed.type.axis, packed.type.segments):
            return packed
        assert segments is not None
        key = (value, wanted, segments)
        if key not in self._forms:
            type_ = replace(packed.type, segments=segments, axis=wanted)
            name = f"{packed.name}.{len(self._forms)}"
            if packed.data is not None:
                self._forms[key] = Value(name, type_, packed.data)
            else:
                self._forms[key] = Value(name, type_)
                self.add(Move(self._forms[key], packed, "layout"))
        return self._forms[key]

    def _constant(self, value: Value, axis: int | None, like: Value | None) -> None:
        """A constant of bytes as s8, its data in the logical shape."""
        segments = like.type.segments if like is not None else None
        packed = self.packed(value, segments, axis)
        data = value.array.view(np.uint8) ^ np.uint8(0x80 if value.type.dtype == "u8" else 0)
        packed.data = data.view(np.int8)

    def lower(self, op: Op) -> None:
        match op:
            case FamilyOp():
                op.lower(self)
            case Quantize():
                self.add(_by_thresholds(op, self.packed(op.result)))
            case QConv():
                x = self.operand(op.x, 1)
                self.add(lower_convolution(op, x, self))
            case Lookup():
                x = self.operand(op.x)
                table = Value.constant(f"{op.table.name}.packed", _packed_table(op))
                result = self.like(op.result, x) if op.result.type.is_byte else op.result
                self.add(Lookup(result, x, table))
            case Resize() | Pad():
                lower_move(op, self)
            case Concat() if not op.result.type.is_byte:
                self.add(op)
            case Concat():
                xs = tuple(self.operand(x, op.axis) for x in op.xs)
                segments = tuple(s for x in xs for s in x.type.segments or ())
                self.add(Concat(self.packed(op.result, segments, op.axis), xs, op.axis))
            case Conv() | OnnxOp():
                floats.lower(op, self)
            case _:
                raise CompileError(f"internal error: {op.kind} %{op.result.name} can't be packed")


def default_axis(shape: tuple[int, ...]) -> int:
    """The axis to pack where nobody wants one: channels of pictures, else the last."""
    return 1 if len(shape) == 4 else max(len(shape) - 1, 0)


def wanted_axis(op: Op, operand: Value) -> int | None:
    """The axis that `op` wants packed in its operand; None where any will do."""
    match op:
        case QConv():
            return 1
        case Concat():
            return op.axis
        case FamilyOp():
            return op.wanted_axis(operand)
    return None


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


def lower_convolution(op: QConv, x: Value, to: Lowering) -> PackedConv:
    """The packed form of a convolution of packed `x`."""
    weight, zero_point = _signed_weights(op)
    assert x.type.segments is not None
    form = _group_form(op, x)
    result, segments = op.result, x.type.segments
    if result.type.is_byte:
        result = to.packed(result, segments if form == "depthwise" else None, 1)
    if form == "dense":
        weight = _dense(weight, zero_point, op.group)
    elif form == "depthwise":
        weight, zero_point = weight - zero_point.reshape(-1, 1, 1, 1), zero_point * 0
    else:
        segments = (weight.shape[1],)
    lanes = lanes_of(result.type, len(weight))
    words = (lanes.max() // 4 + 1).item()
    bias, sums = np.zeros((2, words * 4), np.int64)
    sums[lanes] = weight.sum((1, 2, 3))
    if op.bias is not None:
        bias[lanes] = op.bias.array
    x_zero_point = None
    if op.x_zero_point is not None:
        x_zero_point = to.operand(op.x_zero_point)
    else:
        assert x.type.quantization is not None
        bias -= x.type.quantization.zero_point * sums
    if form == "depthwise":
        packed = _lane_weights(weight, lanes, words)
    else:
        packed = pack_weights(weight, segments, words)
    name = op.weight.name
    return PackedConv(
        result,
        x,
        Value.constant(f"{name}.packed", packed),
        Value.constant(f"{name}.bias", wrap_i32(bias)),
        op.strides,
        op.pads,
        op.dilations,
        multiplier=Value.constant(f"{name}.multiplier", _multiplier(op, lanes, words)),
        weight_zero_point=_packed_zero_point(name, zero_point, lanes, words),
        upsample=op.upsample,
        group=1 if form == "dense" else op.group,
        x_zero_point=x_zero_point,
        float_reference=op.float_reference,
        weight_sums=None if x_zero_point is None else Value.constant(f"{name}.sums", sums.astype(np.int32)),
    )


def lanes_of(type_: TensorType, channels: int) -> Array:
    """Lane of each channel of a convolution's result; i32 results are in order."""
    if type_.segments is None:
        return np.arange(channels)
    return lanes_of_channels(type_)


def _group_form(op: QConv, x: Value) -> str:
    """How groups are computed: "depthwise", "words" (whole words of channels) or "dense"."""
    out_channels, group_channels = op.weight.type.shape[:2]
    segments = x.type.segments or ()
    in_order = all(channels % 4 == 0 for channels in segments[:-1])
    if op.group == 1:
        return "dense"
    if group_channels == 1 and out_channels == op.group and (op.result.type.is_byte or in_order):
        return "depthwise"
    whole = group_channels % 4 == 0 and out_channels // op.group % 4 == 0
    return "words" if whole and in_order else "dense"


def _multiplier(op: QConv, lanes: Array, words: int) -> Array:
    """RN(RN(sx * sw) / sy) for each lane, f32 [4 * words]; 1 where sums are the result."""
    multiplier = np.ones(words * 4, np.float32)
    before, after = op.x.type.quantization, op.result.type.quantization
    if after is not None:
        assert before is not None
        multiplier[lanes] = requantize_multiplier(before.scale, op.weight_scale.array, after.scale)
    return multiplier


def _packed_zero_point(name: str, zero_point: Array, lanes: Array, words: int) -> Value | None:
    if not zero_point.any():
        return None
    padded = np.zeros(words * 4, np.int32)
    padded[lanes] = zero_point
    return Value.constant(f"{name}.zero_point", padded)


def _signed_weights(op: QConv) -> tuple[Array, Array]:
    """Weights i64 [O, C/group, KH, KW] in -128..127, and their zero points i64 [O]."""
    offset = 128 if op.weight.type.dtype == "u8" else 0
    weight = op.weight.array.astype(np.int64) - offset
    given = np.zeros(1, np.int64)
    if op.weight_zero_point is not None:
        given = op.weight_zero_point.array.astype(np.int64).reshape(-1)
    return weight, np.broadcast_to(given - offset, len(weight)).copy()


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


def _lane_weights(weight: Array, lanes: Array, words: int) -> Array:
    """i32 [OW, KH, 1, KW, 4] from weights [C, 1, KH, KW] of a depthwise convolution."""
    padded = np.zeros((words * 4, *weight.shape[2:]), np.int32)
    padded[lanes] = weight[:, 0]
    return np.ascontiguousarray(np.moveaxis(padded.reshape(words, 4, *weight.shape[2:]), 1, -1))[:, :, None]


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
    weight = lanes.transpose(0, 4, 2, 5, 1, 3).reshape(out_words * 4, in_words * 4, kernel_h, kernel_w)
    order = np.argsort(np.where(physical < 0, len(physical), physical), kind="stable")
    return weight[:out_channels, order[: (physical >= 0).sum()]].astype(np.int32)
