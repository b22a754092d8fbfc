"""Conv on sequences [N, C, L]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import SEQUENCES, Kind, Node, Operands, several
from ..values import F32, LEVELS, LIMITS, MULTIPLIERS, NUMPY, SCALES, SEEDS, Dtype, Level, pairs
from .conv import bias_values, result_scale, stored_weights


@dataclass(frozen=True)
class Conv1DNode(Node):
    """Conv, with a zero point of the weights that may be per channel."""

    channels: int
    kernel: int
    stride: int
    pads: tuple[int, int]
    dilation: int
    depthwise: bool
    weights: str
    weight_dtype: Dtype
    weight_scale: float
    weight_zero_point: bool
    per_channel: bool
    multiplier: float
    ulps: int
    zero_point: Level
    bias: Literal["none", "int32", "large int32", "float"]
    seed: int

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 3 or x.params is None:
            return None
        random = np.random.default_rng(self.seed)
        groups = x.shape[1] if self.depthwise else 1
        channels = -(-self.channels // groups) * groups
        room = x.shape[2] + sum(self.pads)
        kernel = min(self.kernel, room)
        dilation = self.dilation if (kernel - 1) * self.dilation < room else 1
        dtype: Dtype = "u8" if (b.net.dtype, self.weight_dtype) == ("u8", "u8") else "s8"
        shape = (channels, x.shape[1] // groups, kernel)
        values = stored_weights(self.weights, dtype, shape, random)
        scale = np.full(channels, self.weight_scale, F32) if self.per_channel else F32(self.weight_scale)
        low, high = LIMITS[dtype]
        zero = random.integers(low, high + 1, scale.shape) if self.weight_zero_point else 0
        w = b.q.constant_tensor(values, scale, np.asarray(zero).astype(NUMPY[dtype]))
        unit = F32(x.params.scale) * scale
        bias = bias_values(self.bias, self.weights, channels, float(np.max(unit)), random)
        operands = [x, w]
        if bias is not None and bias.dtype == np.int32 and x.stored not in b.merged:
            operands.append(b.q.constant_tensor(bias, unit))
        result = result_scale(x.params.scale, self.weight_scale, self.multiplier, self.weights, self.ulps)
        return b.q.node(
            "Conv", operands, b.params(result, self.zero_point), kernel_shape=[kernel],
            strides=[self.stride], pads=list(self.pads), dilations=[dilation], group=groups,
        )  # fmt: skip


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        Conv1DNode,
        x=x,
        bytes_out=st.booleans(),
        channels=st.integers(1, 9),
        kernel=st.integers(1, 5),
        stride=st.integers(1, 3),
        pads=pairs(st.integers(0, 3)),
        dilation=st.integers(1, 3),
        depthwise=st.booleans(),
        weights=st.sampled_from(["random", "coarse", "coarse", "extreme", "small"]),
        weight_dtype=st.sampled_from(["s8", "s8", "u8"]),
        weight_scale=SCALES,
        weight_zero_point=st.booleans(),
        per_channel=st.booleans(),
        multiplier=MULTIPLIERS,
        ulps=st.integers(-1, 1),
        zero_point=LEVELS,
        bias=st.sampled_from(["none", "int32", "large int32"]),
        seed=SEEDS,
    )


KIND = Kind("conv1d", nodes, several(SEQUENCES))
