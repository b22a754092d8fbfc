"""The ops of the packed stage: s8 in and out, one axis four to a word (`ir.TensorType`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ir.graph import ConvolutionOp, Op, Value


@dataclass(eq=False)
class QuantizeByThresholds(Op):
    """f32 row-major -> packed s8: -128 + how many of the 255 thresholds are <= key(x); NaN gives
    -128.

    `key` orders the bits of f32 as i32: bits ^ ((bits >> 31) & 0x7fffffff).
    """

    kind = "quantize_by_thresholds"
    x: Value
    thresholds: Value


@dataclass(eq=False)
class Pack(Op):
    """u8 or s8 row-major -> packed s8 (u8 by XOR 0x80)."""

    kind = "pack"
    x: Value


@dataclass(eq=False)
class Unpack(Op):
    """packed s8 -> u8 or s8 row-major (u8 by XOR 0x80)."""

    kind = "unpack"
    x: Value


@dataclass(eq=False)
class PackedConv(ConvolutionOp):
    """`qconv` on packed s8: acc = bias + sum x*w (padding reads zx), zx being folded into the bias.

    weight: u32 [OW, KH, CW, KW, 4], four int8 input channels of output channel 4*OW + lane in each
    word; bias i32 [4*OW], multiplier f32 [4*OW]. With `weight_zero_point` i32 [4*OW], acc also
    loses weight_zero_point * sum (x - zx) over the window. A result i32 is acc itself.

    With `group`, CW are the words of one group's channels; where every channel is a group, weight
    is i32 [OW, KH, 1, KW, 4], one integer for each lane of the result, which lies as x does.
    With `x_zero_point`, a byte, acc also loses it times `weight_sums` i32 [4*OW].
    """

    kind = "packed_conv"
    multiplier: Value = field(kw_only=True)
    weight_zero_point: Value | None = None
    upsample: tuple[int, int] = (1, 1)
    group: int = 1
    x_zero_point: Value | None = None
    weight_sums: Value | None = None
    float_reference: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether every channel is convolved by itself."""
        return self.weight.type.dtype == "i32"


OPS = (QuantizeByThresholds, Pack, Unpack, PackedConv)
"""The ops of this stage that belong to no family (`operators/`)."""
