"""Softmax between dequantize and quantize, in the table form of ONNX Runtime's QLinearSoftmax.

Rule: `quantize(softmax(dequantize(x)))` becomes `qsoftmax` where both are of one dtype. Before
opset 13 Softmax takes all axes from its own on as one.

Refusals: the result has another reader or is a graph output; anything but quantize follows; the
dtypes differ. A scale of the result below 2^-23 is refused with the model.

Each term is an f32 from a table by the distance from the row's maximum; they are added from the
first to the last, and one quotient an element is rounded. The device does both in software.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..arithmetic import (
    F32,
    OPSET_OF_ONE_AXIS,
    qlinear_softmax,
    softmax_levels,
    softmax_numerators,
    softmax_table,
)
from ..ir.graph import Op, Tensors, Value
from ..ir.layout import from_lanes, lanes_of_channels, to_lanes
from ..ir.program import View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp
from .fusion import Group, NotRun, Surroundings
from .moves.op import Move
from .onnx_op import FloatOp

LEAST_SCALE = 2.0**-23
"""Below it a quotient is no longer less than 2^24."""


@dataclass(eq=False)
class QSoftmax(FamilyOp):
    """QLinearSoftmax along `axis`; `flat`: over all axes from there on."""

    kind = "qsoftmax"
    x: Value
    axis: int = -1
    flat: bool = False

    def evaluate(self, tensors: Tensors) -> Array:
        x, shape = self.stored(tensors[self.x]), self.x.type.shape
        (sx, _, _), (sy, zy, limits) = self.model_type(self.x), self.model_type(self.result)
        axis = self.axis
        if self.flat:
            x, axis = x.reshape(math.prod(shape[: self.axis]), -1), 1
        return self.packed(qlinear_softmax(x, sx, (sy, zy), limits, axis).reshape(shape))

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def lower(self, lowering: Lowering) -> None:
        shape = self.x.type.shape
        if not self.flat or self.axis == len(shape) - 1:
            x = lowering.operand(self.x)
            result = lowering.like(self.result, x)
            lowering.add(replace(self, result=result, x=x, flat=False, flip=lowering.flip_of(self)))
            return
        rows = (math.prod(shape[: self.axis]), math.prod(shape[self.axis :]))
        x = Value(f"{self.result.name}.rows", replace(self.x.type, shape=rows))
        result = Value(f"{self.result.name}.flat", replace(self.result.type, shape=rows))
        Move(x, self.x).lower(lowering)
        replace(self, result=result, x=x, axis=1).lower(lowering)
        Move(self.result, result).lower(lowering)

    def schedule(self, scheduler: Scheduler) -> None:
        type_ = self.x.type
        source = scheduler.source(self.x)
        assert isinstance(source, View)
        (sx, _, _), (sy, zy, limits) = self.model_type(self.x), self.model_type(self.result)
        terms = softmax_table(sx, type_.shape[self.axis])
        scheduler.kernel(
            SoftmaxKernel(
                *scheduler.frame(self),
                source=source,
                type=type_,
                axis=self.axis,
                terms=terms,
                numerators=softmax_numerators(terms, sy),
                zero_point=zy + (-128 if self.flip else 0),
                beyond=int(softmax_levels(np.array([np.inf], F32), zy, limits)[0])
                - (128 if self.flip else 0),
            )
        )


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a Softmax."""
    if not isinstance(op, FloatOp) or op.op_type != "Softmax":
        return None
    x, quantize = around.requantized(op)
    result = quantize.result
    quantization = result.type.quantization
    assert quantization is not None
    if quantization.scale < LEAST_SCALE:
        raise NotRun(f"the scale {quantization.scale} of its result is below 2^-23: quantize anew")
    opset = int(op.attributes.get("opset", around.graph.opset))
    flat = opset < OPSET_OF_ONE_AXIS
    axis = int(op.attributes.get("axis", 1 if flat else -1)) % len(x.type.shape)
    return Group(quantize, QSoftmax(result, x, axis, flat))


@dataclass(eq=False)
class SoftmaxKernel(FamilyKernel):
    """One invocation a row, or four rows where the axis is not the packed one.

    `terms`, `numerators`: f32 [256] by x - maximum + 255; `zero_point` of the packed result, and
    the level `beyond` of an infinite numerator.
    """

    kind = "softmax"
    source: View = field(kw_only=True)
    type: TensorType = field(kw_only=True)
    axis: int = 0
    terms: Array = field(kw_only=True)
    numerators: Array = field(kw_only=True)
    zero_point: int = 0
    beyond: int = 0

    def title(self) -> str:
        return f"softmax: rows of {self.type.shape[self.axis]}, by tables and sums of f32 in order"

    @property
    def across(self) -> bool:
        """Whether a row lies in the lanes of a pixel."""
        return self.axis == self.type.axis

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        lanes = memory.read(self.source).view(np.int8)
        if self.across:
            x, at = from_lanes(lanes, self.type), self.axis
        else:  # padding lanes are rows like any other
            sides = [n for axis, n in enumerate(self.type.shape) if axis != self.type.axis]
            x = lanes.reshape(*sides, -1)
            at = self.axis - (self.type.axis < self.axis)
        x = x.astype(np.int64)
        index = np.moveaxis(x - x.max(at, keepdims=True) + 255, at, 0)
        total = np.zeros(index.shape[1:], F32)
        for one in index:
            total = total + self.terms[one]
        levels = np.moveaxis(self._levels(index, total), 0, at)
        if self.across:
            return to_lanes(levels, self.type)
        return levels.reshape(lanes.shape).astype(np.uint8)

    def _levels(self, index: Array, total: Array) -> Array:
        """Packed bytes, i64, of terms and the sums of their rows."""
        numerators = self.numerators[index]
        infinite = np.isinf(numerators)
        quotient = np.rint(np.where(infinite, F32(0), numerators) / total)
        levels = np.minimum(quotient + self.zero_point, 127)
        return np.where(infinite, self.beyond, levels).astype(np.int64)

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        type_ = self.type
        length = type_.shape[self.axis]
        shader.define(source=start, source_pitch=self.source.pitch, row_elements=length)
        shader.define(terms=shader.table(self.terms), numerators=shader.table(self.numerators))
        shader.define("i32", zero_point=self.zero_point)
        infinite = bool(np.isinf(self.numerators).any())
        if infinite:
            shader.define(beyond=self.beyond & 0xFF)
        lanes = lanes_of_channels(type_)
        plain = bool((lanes == np.arange(len(lanes))).all())
        if self.across and not plain:
            shader.define(lanes_at=shader.table(lanes.astype(np.int32)))
        count = self.pixels
        if not self.across:
            pitch = math.prod(size for n, size in enumerate(type_.shape) if n > self.axis and n != type_.axis)
            shader.define(row_pitch=pitch)
            count = self.pixels // length * self.words
        shader.define(rows=count)
        return {
            "source_name": name,
            "across": self.across,
            "plain": plain,
            "infinite": infinite,
            "invocations": count,
        }
