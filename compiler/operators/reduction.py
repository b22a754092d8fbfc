"""ReduceMax, ReduceMin, ArgMax and ArgMin over any axes.

Rules: the greatest or least byte is that of the greatest or least real value, so that ReduceMax and
ReduceMin move past quantize and dequantize like moves (passes/fuse_moves.py), and ArgMax and ArgMin
read the bytes that are dequantized for them.

An index is i64 in the model and one i32 word an element on the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..arithmetic import float_from_order, float_order
from ..ir.graph import Tensors, Value
from ..ir.layout import from_lanes, lanes_of_channels
from ..ir.program import Source, View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp
from .moves.op import Move
from .windows import WindowKernel, reduced_axes


@dataclass(eq=False)
class Extreme(FamilyOp):
    """ONNX ReduceMax or ReduceMin (`extreme` max or min), or a global MaxPool."""

    kind = "extreme"
    picks_extremes = True
    x: Value
    extreme: str = "max"
    axes: tuple[int, ...] = ()
    keepdims: bool = True

    def evaluate(self, tensors: Tensors) -> Array:
        x = tensors[self.x]
        keys = float_order(x) if x.dtype == np.float32 else x
        found = (keys.max if self.extreme == "max" else keys.min)(self.axes, keepdims=self.keepdims)
        return float_from_order(found) if x.dtype == np.float32 else np.asarray(found)

    def expected_shape(self) -> tuple[int, ...] | None:
        shape = self.x.type.shape
        kept = tuple(1 if n in self.axes else size for n, size in enumerate(shape))
        if self.keepdims:
            return kept
        return tuple(size for n, size in enumerate(kept) if n not in self.axes)

    def lower(self, lowering: Lowering) -> None:
        if not lowering.is_packable(self.x):
            lowering.add(self)
            return
        if not self.keepdims:
            shape = replace(self, keepdims=True).expected_shape()
            assert shape is not None
            whole = Value(f"{self.result.name}.whole", replace(self.result.type, shape=shape))
            replace(self, result=whole, keepdims=True).lower(lowering)
            Move(self.result, whole).lower(lowering)
            return
        x = lowering.operand(self.x)
        axis = x.type.axis
        segments = None if axis in self.axes else x.type.segments
        lowering.add(replace(self, result=lowering.packed(self.result, segments, axis), x=x))

    def schedule(self, scheduler: Scheduler) -> None:
        type_ = self.x.type
        lanes = None
        if type_.segments is not None and type_.axis in self.axes and type_.channels > 1:
            lanes = np.zeros(type_.words * 4, bool)
            lanes[lanes_of_channels(type_)] = True
        scheduler.kernel(
            WindowKernel(
                *scheduler.frame(self),
                source=scheduler.source(self.x),
                axes=reduced_axes(type_, self.axes),
                reduce=self.extreme,
                elements="bytes" if type_.segments is not None else type_.dtype,
                in_words=type_.words if type_.segments is not None else 1,
                lanes=lanes,
            )
        )


@dataclass(eq=False)
class ArgExtreme(FamilyOp):
    """ONNX ArgMax or ArgMin (`extreme` max or min) along one axis; the first index, or the `last`."""

    kind = "arg_extreme"
    reads_order = True
    x: Value
    extreme: str = "max"
    axis: int = 0
    keepdims: bool = True
    last: bool = False

    def evaluate(self, tensors: Tensors) -> Array:
        x = tensors[self.x]
        if self.last:
            x = np.flip(x, self.axis)
        found = (np.argmax if self.extreme == "max" else np.argmin)(x, self.axis, keepdims=self.keepdims)
        found = np.asarray(found, np.int64)
        return x.shape[self.axis] - 1 - found if self.last else found

    def expected_shape(self) -> tuple[int, ...] | None:
        shape = list(self.x.type.shape)
        shape[self.axis : self.axis + 1] = [1] if self.keepdims else []
        return tuple(shape)

    def lower(self, lowering: Lowering) -> None:
        x = lowering.operand(self.x) if lowering.is_packable(self.x) else self.x
        lowering.add(replace(self, x=x))

    def schedule(self, scheduler: Scheduler) -> None:
        type_ = self.x.type
        scheduler.kernel(
            ArgKernel(
                *scheduler.frame(self),
                source=scheduler.source(self.x),
                type=type_,
                axis=self.axis,
                best=self.extreme,
                last=self.last,
            )
        )


@dataclass(eq=False)
class ArgKernel(FamilyKernel):
    """The index of the best element along an axis, one i32 word each, of packed bytes or of
    row-major words.
    """

    kind = "arg"
    source: Source = field(kw_only=True)
    type: TensorType = field(kw_only=True)
    axis: int = 0
    best: str = "max"
    last: bool = False

    def title(self) -> str:
        return f"arg: which element is the {self.best} along axis {self.axis}"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if self.type.segments is None:
            words = memory.row_major(self.source, inputs)
            values = words.view(np.float32 if self.type.dtype == "f32" else np.int32)
            x = values.reshape(self.type.shape)
        else:
            x = from_lanes(memory.lanes(self.source, self.type.words).view(np.int8), self.type)
        operand = Value("", self.type)
        op = ArgExtreme(Value("", self.type), operand, self.best, self.axis, True, self.last)
        return op.evaluate(Tensors({operand: x})).astype(np.int32).reshape(-1)

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        type_, packed = self.type, self.type.segments is not None
        shader.define(source=start, length=type_.shape[self.axis])
        if packed:
            pitch = self.source.pitch if isinstance(self.source, View) else type_.words
            shader.define(source_pitch=pitch)
        axes, pitch = [], 1
        lanes = lanes_of_channels(type_) if packed else np.zeros(0, np.int64)
        plain = bool((lanes == np.arange(len(lanes))).all())
        for number in reversed(range(len(type_.shape))):
            size, in_lanes = type_.shape[number], packed and number == type_.axis
            if number == self.axis:
                along = "lane" if in_lanes else "pixel"
                if not in_lanes:
                    shader.define(along_pitch=pitch)
            elif size > 1:
                shader.define(suffix=str(number), size=size)
                if not in_lanes:
                    shader.define(suffix=str(number), axis_pitch=pitch)
                axes.append({"number": number, "lane": in_lanes})
            if not in_lanes:
                pitch *= size
        if not plain:
            shader.define(lanes_at=shader.table(lanes.astype(np.int32)))
        better = {"max": ">=" if self.last else ">", "min": "<=" if self.last else "<"}[self.best]
        return {
            "source_name": name,
            "packed": packed,
            "float": type_.dtype == "f32",
            "along": along,
            "axes": axes,
            "plain": plain,
            "better": better,
        }
