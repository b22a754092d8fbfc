"""Where: each element from one of two tensors, as a condition says.

Rules: a choice moves past quantize and dequantize like any move (passes/fuse_moves.py), each branch
requantized by a table where its scale is another; ONNX Runtime's QLinearWhere computes the same.

The condition is row-major, one word an element, whatever the branches are; all three are broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..ir.graph import Tensors, Value
from ..ir.layout import channels_of_lanes
from ..ir.program import Source
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp
from .broadcast import Broadcast, broadcast_strides, emit_axes, lower_broadcast, places


@dataclass(eq=False)
class Select(FamilyOp):
    """ONNX Where: of `xs` the first where `condition` holds, else the second."""

    kind = "select"
    moves_values = True
    xs: tuple[Value, ...]
    condition: Value

    def evaluate(self, tensors: Tensors) -> Array:
        a, b = (tensors[x] for x in self.xs)
        result = np.where(np.asarray(tensors[self.condition], bool), a, b)
        return np.asarray(np.broadcast_to(result, self.result.type.shape))

    def expected_shape(self) -> tuple[int, ...] | None:
        return np.broadcast_shapes(*(x.type.shape for x in (self.condition, *self.xs)))

    def lower(self, lowering: Lowering) -> None:
        if not lowering.is_packable(self.result):
            lowering.add(self)
            return
        result, operands = lower_broadcast(self, self.xs, lowering)
        lowering.add(replace(self, result=result, xs=operands, flip=lowering.flip_of(self)))

    def schedule(self, scheduler: Scheduler) -> None:
        type_ = self.result.type
        packed = type_.segments is not None
        tensors = (self.condition,) if packed else (self.condition, *self.xs)
        scheduler.kernel(
            SelectKernel(
                *scheduler.frame(self),
                sources=tuple(scheduler.source(x) for x in (self.condition, *self.xs)),
                operands=tuple(Broadcast.of(x, self.result) for x in self.xs if packed),
                tensors=tuple(RowMajor.of(x.type, type_) for x in tensors),
                channels=channels_of_lanes(type_) if packed else (),
            )
        )


@dataclass(frozen=True)
class RowMajor:
    """Where the elements of a row-major tensor lie for those of a result that it is broadcast to:
    (size, stride) for each pixel axis of the result, and the stride along its packed axis, if any.
    """

    axes: tuple[tuple[int, int], ...]
    channel: int = 0

    @classmethod
    def of(cls, x: TensorType, result: TensorType) -> RowMajor:
        """The addressing of a tensor of type `x`.

        >>> RowMajor.of(TensorType("bool", (4, 1)), TensorType("f32", (2, 4, 5)))
        RowMajor(axes=((2, 0), (4, 1), (5, 0)), channel=0)
        """
        axes = list(zip(result.shape, broadcast_strides(x.shape, result.shape), strict=True))
        packed = result.segments is not None and result.axis < len(axes)
        _, channel = axes.pop(result.axis) if packed else (1, 0)
        return cls(tuple(axis for axis in axes if axis[0] > 1), channel)

    def indices(self) -> Array:
        """The element that meets each pixel of the result, of its channel 0: i64 [pixels]."""
        return places(self.axes)

    def emit(self, shader: Shader, name: str, source: Source) -> Json:
        """What `select.wgsl` needs to read it."""
        array, start = shader.operand(source)
        shader.constant(f"{name}_at", start)
        axes = emit_axes(shader, name, self.axes)
        if self.channel:
            shader.constant(f"{name}_channel", self.channel)
        return {"name": name, "array": array, "axes": axes, "channel": self.channel > 0}


@dataclass(eq=False)
class SelectKernel(FamilyKernel):
    """A choice between packed bytes, or between row-major words."""

    kind = "select"
    sources: tuple[Source, ...] = field(kw_only=True)
    operands: tuple[Broadcast, ...] = ()
    tensors: tuple[RowMajor, ...] = ()
    channels: tuple[int, ...] = ()

    def title(self) -> str:
        return "select: one of two, as a condition says"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        words = [memory.row_major(s, inputs) for s in self.sources[: len(self.tensors)]]
        rows = [w[t.indices()] for w, t in zip(words, self.tensors, strict=True)]
        if not self.operands:
            return np.where(rows[0] != 0, rows[1], rows[2])
        channel = np.maximum(np.array(self.channels), 0)
        at = self.tensors[0].indices()[:, None] + channel * self.tensors[0].channel
        a, b = (
            operand.words_of(source, memory, self.pixels, self.words)
            for operand, source in zip(self.operands, self.sources[1:], strict=True)
        )
        return np.where(words[0][at] != 0, a, b)

    def emit(self, shader: Shader) -> Json:
        names = ("condition", "a", "b")
        structure: Json = {
            "tensors": [
                tensor.emit(shader, name, source)
                for name, tensor, source in zip(names, self.tensors, self.sources, strict=False)
            ],
            "operands": [
                operand.emit(shader, name, source)
                for name, operand, source in zip("ab", self.operands, self.sources[1:], strict=False)
            ],
            "lanes": "",
        }
        if self.operands and self.tensors[0].channel:
            channels = np.maximum(np.array(self.channels, np.int32), 0)
            plain = bool((channels == np.arange(len(channels))).all())
            structure["lanes"] = "plain" if plain else "table"
            if not plain:
                shader.define(channels_at=shader.table(channels))
        return structure
