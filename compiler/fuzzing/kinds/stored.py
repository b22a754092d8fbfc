"""What models do with stored bytes beside quantizing them: casts, functions of bytes, other scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st

from ..builder import Tensor, Weights
from ..models import Builder
from ..nodes import ANY_SHAPES, Kind, Node, Operands, several
from ..values import F32, LEVELS, NUMPY, SCALES, Level, pairs

CODES = {"u8": onnx.TensorProto.UINT8, "s8": onnx.TensorProto.INT8}


@dataclass(frozen=True)
class CastNode(Node):
    """Bytes as floats, moved where `moved`, in other units; quantized, cast back to bytes, or left so."""

    scale: float
    zero_point: Level
    factor: float
    offsets: int
    moved: bool
    end: str

    def make(self, b: Builder) -> Tensor:
        x = b.pick(self.x)
        stored = b.q.stored_name(x)
        y = b.q.integer_node("Cast", [stored], Tensor(x.shape), to=onnx.TensorProto.FLOAT)
        if self.moved:
            y = b.q.node("Transpose", [y], None)
        y = b.q.node("Mul", [y, np.array(self.factor, F32)], None)
        params = b.params(self.scale, self.zero_point)
        if self.end == "quantized":  # an offset for each column is a table then, and a float op else
            offsets = np.arange(y.shape[-1], dtype=F32) * F32(self.offsets)
            return b.q.node("Sub", [y, offsets], params)
        if self.end == "floats":
            return y
        result = Tensor(y.shape, params=params)
        return b.q.integer_node("Cast", [b.q.float_name(y)], result, to=CODES[b.net.dtype])


@dataclass(frozen=True)
class ByteNode(Node):
    """A function of stored bytes between their QuantizeLinear and DequantizeLinear."""

    op_type: str
    bounds: tuple[Level, Level]

    def make(self, b: Builder) -> Tensor:
        x = b.pick(self.x)
        assert x.params is not None
        dtype = x.params.dtype
        bounds = sorted(level.of(dtype) for level in self.bounds)
        count = {"Clip": 2, "Max": 1, "Min": 1}.get(self.op_type, 0)
        inputs: list[Any] = [b.q.stored_name(x), *(NUMPY[dtype].type(n) for n in bounds[:count])]
        return b.q.integer_node(self.op_type, inputs, Tensor(x.shape, params=x.params))


@dataclass(frozen=True)
class OtherScaleNode(Node):
    """Bytes that are read with another scale than they were made with."""

    scale: float
    zero_point: Level
    result_scale: float
    end: str

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if x.stored in b.merged or (self.end == "conv" and len(x.shape) != 4):
            return None
        params, result = (b.params(s, self.zero_point) for s in (self.scale, self.result_scale))
        read: list[Any] = [b.q.stored_name(x), F32(params.scale), NUMPY[params.dtype].type(params.zero_point)]
        y = b.q.integer_node("DequantizeLinear", read, Tensor(x.shape))
        if self.end == "added":
            return b.q.node("Add", [x, y], result)
        if self.end == "conv":
            values = np.arange(-8, 8, dtype=np.int8).repeat(x.shape[1]).reshape(16, -1, 1, 1)
            return b.q.conv(y, Weights(values, 0.02), result)
        return b.q.node("Sigmoid", [y], result)


def casts(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        CastNode, x, st.booleans(), SCALES, LEVELS, st.sampled_from([1.0, 1 / 255, 0.5, -3.7, 1e9]),
        st.sampled_from([0, 0, 3, 100]), st.booleans(), st.sampled_from(["quantized", "bytes", "floats"]),
    )  # fmt: skip


def functions(x: Operands) -> st.SearchStrategy[Node]:
    names = st.sampled_from(["Clip", "Clip", "Max", "Min", "Abs", "Sign"])
    return st.builds(ByteNode, x, st.booleans(), names, pairs(LEVELS))


def other_scales(x: Operands) -> st.SearchStrategy[Node]:
    ends = st.sampled_from(["added", "conv", "sigmoid"])
    return st.builds(OtherScaleNode, x, st.booleans(), SCALES, LEVELS, SCALES, ends)


KINDS = (
    Kind("cast", casts, several(ANY_SHAPES)),
    Kind("byte_function", functions, several(ANY_SHAPES)),
    Kind("other_scale", other_scales),
)
