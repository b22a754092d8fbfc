"""Linear Resize of two axes of a quantized tensor, in f32 as ONNX Runtime computes it.

Rule: `resize(dequantize(x))` of mode linear becomes `resize_linear`, whose result is f32; with a
quantize directly after it, bytes. ONNX Runtime leaves it in float, but each value is a sum of four
products in a known order, so that the device has the same bits by arithmetic in software.

Refusals: fewer or more than four dimensions; other axes scaled than the last two or the middle two;
antialias, keep_aspect_ratio_policy, tf_crop_and_resize; opset 10; nothing scaled.

A Resize of stored bytes themselves (`resize_bytes`, of models in the QOperator format) is cut off
towards zero. Where the channels are last when it runs, which ONNX Runtime's optimizer decides, its
weights are whole 1024ths; so that is read off the graph that it made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arithmetic import (
    F32,
    LinearTaps,
    dequantize_linear,
    float_order,
    linear_taps,
    quantize_linear,
    quantize_thresholds,
    resize_bytes,
    resize_linear,
    scaled_taps,
)
from ..errors import CompileError
from ..ir.graph import Op, Tensors, Value
from ..ir.layout import lanes_of_channels
from ..ir.program import View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader, start_of
from ..reference.layout import CHANNELS_LAST, OptimizedGraph
from .base import FamilyKernel, FamilyOp, Settlement
from .fusion import Group, NoIntegerForm, Surroundings
from .onnx_op import FloatOp

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "asymmetric",
    "align_corners",
)
PACKED_BYTES = np.arange(256, dtype=np.uint8).view(np.int8)
"""All of them, by their bits."""


@dataclass(eq=False)
class ResizeLinear(FamilyOp):
    """Linear Resize of stored bytes [A, B, C, D] along axes `first` and `first` + 1, to f32 or, by
    the result's quantization, to bytes. `scales`: the f32 that ONNX Runtime divides by.
    """

    kind = "resize_linear"
    x: Value
    first: int = 2
    scales: tuple[float, ...] = (1.0, 1.0)
    coordinates: str = "half_pixel"

    def taps(self) -> tuple[LinearTaps, LinearTaps]:
        """Sources and weights along both axes."""
        before, after = self.x.type.shape, self.result.type.shape
        y, x = (
            linear_taps(before[self.first + n], after[self.first + n], self.scales[n], self.coordinates)
            for n in range(2)
        )
        return y, x

    def evaluate(self, tensors: Tensors) -> Array:
        scale, zero_point, _ = self.model_type(self.x)
        values = dequantize_linear(self.stored(tensors[self.x]), scale, zero_point)
        image = np.moveaxis(values, (self.first, self.first + 1), (2, 3))
        result = resize_linear(image, *self.taps())
        result = np.ascontiguousarray(np.moveaxis(result, (2, 3), (self.first, self.first + 1)))
        if not self.result.type.is_byte:
            return result
        scale, zero_point, limits = self.model_type(self.result)
        return self.packed(quantize_linear(result, scale, zero_point, limits))

    def wanted_axis(self, operand: Value) -> int | None:
        del operand
        return 1 if self.first == 2 else 3

    def lower(self, lowering: Lowering) -> None:
        x = lowering.operand(self.x, self.wanted_axis(self.x))
        result = self.result
        if lowering.is_packable(result):
            result = lowering.packed(result, x.type.segments, x.type.axis)
        lowering.add(replace(self, result=result, x=x, flip=lowering.flip_of(self)))

    def schedule(self, scheduler: Scheduler) -> None:
        source = scheduler.source(self.x)
        assert isinstance(source, View)
        scale, zero_point, _ = self.model_type(self.x)
        thresholds = None
        if self.result.type.is_byte:
            thresholds = quantize_thresholds(*self.model_type(self.result))
        scheduler.kernel(
            InterpolationKernel(
                *scheduler.frame(self),
                source=source,
                x_type=self.x.type,
                result_type=self.result.type,
                first=self.first,
                taps=self.taps(),
                values=dequantize_linear(self.stored(PACKED_BYTES), scale, zero_point),
                thresholds=thresholds,
            )
        )


@dataclass(eq=False)
class ResizeBytes(ResizeLinear):
    """Linear Resize of bytes as they are, towards zero; `last`: with weights in 1024ths, as where
    ONNX Runtime has the channels last.
    """

    kind = "resize_bytes"
    last: bool = False

    def taps(self) -> tuple[LinearTaps, LinearTaps]:
        if not self.last:
            return super().taps()
        before, after = self.x.type.shape, self.result.type.shape
        y, x = (
            scaled_taps(before[axis], after[axis], self.scales[n], self.coordinates)
            for n, axis in enumerate((self.first, self.first + 1))
        )
        return y, x

    def evaluate(self, tensors: Tensors) -> Array:
        axes = (self.first, self.first + 1)
        image = np.moveaxis(self.stored(tensors[self.x]), axes, (2, 3))
        result = resize_bytes(image, *self.taps())
        return self.packed(np.ascontiguousarray(np.moveaxis(result, (2, 3), axes)))

    def schedule(self, scheduler: Scheduler) -> None:
        source = scheduler.source(self.x)
        assert isinstance(source, View)
        scheduler.kernel(
            InterpolationKernel(
                *scheduler.frame(self),
                source=source,
                x_type=self.x.type,
                result_type=self.result.type,
                first=self.first,
                taps=self.taps(),
                values=self.stored(PACKED_BYTES).astype(np.int32 if self.last else F32),
                thresholds=None if self.last else _cut_off(bool(self.flip)),
                flip=self.flip,
            )
        )


def _cut_off(unsigned: bool) -> Array:
    """Keys of the least f32 that is cut off to each byte but the first, i32 [255]."""
    levels = np.arange(1, 256) if unsigned else np.arange(-127, 128)
    above = np.nextafter((levels - 1).astype(F32), F32(np.inf))
    return float_order(np.where(levels > 0, levels.astype(F32), above).astype(F32))


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a linear Resize."""
    if not isinstance(op, FloatOp) or op.op_type != "Resize":
        return None
    if op.attributes.get("mode", "nearest") != "linear":
        return None
    x = around.stored(op.xs[0])
    if x.data is not None or x.type.quantization is None:
        raise NoIntegerForm("its operand is a constant")
    first, scales = _scaled_axes(op, around.graph.opset)
    coordinates = _coordinates(op)
    try:
        quantize = around.quantize_after(op)
        if quantize.result.type.dtype != x.type.dtype:
            raise NoIntegerForm(f"it takes {x.type.dtype} and gives {quantize.result.type.dtype}")
        last: Op = quantize
    except NoIntegerForm:
        last = op
    return Group(last, ResizeLinear(last.result, x, first, scales, coordinates))


def interpolated_bytes(op: FloatOp, opset: int) -> ResizeBytes:
    """A Resize of stored bytes, whose result has their scale. Raises NoIntegerForm."""
    x = op.xs[0]
    if op.attributes.get("mode") != "linear":
        raise NoIntegerForm(f"it is of mode {op.attributes.get('mode')} on bytes")
    first, scales = _scaled_axes(op, opset)
    if 1 in scales:
        raise NoIntegerForm("it scales one axis only, of bytes")
    coordinates = _coordinates(op)
    op.result.type = replace(op.result.type, dtype=x.type.dtype, quantization=x.type.quantization)
    return ResizeBytes(op.result, x, first, scales, coordinates)


def by_layout(op: Op) -> Settlement | None:
    """Settles `last` of a Resize of bytes, by the axes that it scales in the optimized graph."""
    if not isinstance(op, ResizeBytes):
        return None

    def settle(optimized: OptimizedGraph) -> None:
        node, after = optimized.node(op.result.name), op.result.type.shape
        constants = [] if node is None else optimized.constants(node)
        target = tuple(after[axis] for axis in CHANNELS_LAST) if op.first == 2 else after
        if constants and constants[-1].dtype == np.float32:
            op.last = bool(constants[-1][3] == 1)
        elif constants and (target != after or op.first == 1):
            op.last = tuple(constants[-1]) == target
        else:
            raise CompileError(
                f"Resize %{op.result.name}: the layout that ONNX Runtime computes it in can't be "
                "told; put it between DequantizeLinear and QuantizeLinear"
            )

    return settle


def _coordinates(op: FloatOp) -> str:
    coordinates = str(op.attributes.get("coordinate_transformation_mode", "half_pixel"))
    if coordinates not in COORDINATES:
        raise NoIntegerForm(f"its coordinate_transformation_mode is {coordinates}")
    return coordinates


def _scaled_axes(op: FloatOp, opset: int) -> tuple[int, tuple[float, ...]]:
    """The first of the two axes that are scaled, and their scales."""
    a, before, after = op.attributes, op.xs[0].type.shape, op.result.type.shape
    if opset < 11 or len(before) != 4:
        raise NoIntegerForm(f"it is of opset {opset} on {len(before)} dimensions")
    if a.get("antialias", 0) or a.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise NoIntegerForm("it has antialias or keep_aspect_ratio_policy")
    if before == after:
        raise NoIntegerForm("it scales nothing")
    axes = [int(axis) % 4 for axis in a.get("axes", range(4))]
    factors = op.xs[2].data if len(op.xs) > 2 else None
    scales = [1.0] * 4
    for index, axis in enumerate(axes):
        scales[axis] = float(F32(after[axis]) / F32(before[axis]))
        if factors is not None and factors.size:
            scales[axis] = float(factors[index])
    first = 2 if scales[0] == scales[1] == 1 else 1
    if scales[0] != 1 or scales[1 if first == 2 else 3] != 1:
        raise NoIntegerForm("it scales other axes than the last two or the middle two")
    return first, (scales[first], scales[first + 1])


@dataclass(eq=False)
class InterpolationKernel(FamilyKernel):
    """Linear interpolation of packed bytes along two pixel axes, to packed bytes or f32 words.

    `values`: f32 [256] of each packed byte; `thresholds`: keys of the result's bytes. Or i32 [256],
    and weights in 1024ths: then the result's bytes are whole values, xor `flip`.
    """

    kind = "interpolate"
    source: View = field(kw_only=True)
    x_type: TensorType = field(kw_only=True)
    result_type: TensorType = field(kw_only=True)
    first: int = 2
    taps: tuple[LinearTaps, LinearTaps] = field(kw_only=True)
    values: Array = field(kw_only=True)
    thresholds: Array | None = None
    flip: int = 0

    @property
    def is_integer(self) -> bool:
        """Whether sums are of integers in 2^-20, cut off towards zero."""
        return self.values.dtype == np.int32

    def title(self) -> str:
        elements = "bytes" if self.is_integer or self.thresholds is not None else "f32"
        return f"interpolate: linear along two axes, to {elements}, exactly"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        batch = self.x_type.shape[0]
        height, width = self.x_type.shape[self.first : self.first + 2]
        lanes = memory.read(self.source).reshape(batch, height, width, -1)
        values = np.moveaxis(self.values[lanes], -1, 1)
        if self.is_integer:
            whole = np.moveaxis(resize_bytes(values, *self.taps), 1, -1).astype(np.uint8)
            return (whole ^ np.uint8(self.flip)).reshape(self.pixels, -1)
        result = resize_linear(values, *self.taps)
        if self.thresholds is None:
            result = result[:, lanes_of_channels(self.x_type)]
            result = result if self.first == 2 else np.moveaxis(result, 1, -1)
            return np.ascontiguousarray(result).view(np.uint32).reshape(-1)
        levels = np.searchsorted(self.thresholds, float_order(result), side="right") - 128
        return np.moveaxis(levels, 1, -1).astype(np.uint8).reshape(self.pixels, -1)

    def emit(self, shader: Shader) -> Json:
        shader.arena()
        y, x = self.taps
        height, width = self.x_type.shape[self.first : self.first + 2]
        shader.define(
            source=start_of(self.source),
            source_pitch=self.source.pitch,
            source_picture=height * width,
            width=len(x.first),
            height=len(y.first),
            columns=shader.table(_axis_table(x, 1)),
            lines=shader.table(_axis_table(y, width)),
            values=shader.table(self.values),
        )
        structure: dict[str, Any] = {"bytes": self.thresholds is not None, "last": self.first == 1}
        structure["integer"] = self.is_integer
        if self.is_integer:
            shader.define(flip=self.flip)
            return structure | {"bytes": True}
        if self.thresholds is not None:
            shader.define(thresholds=shader.table(self.thresholds))
            return structure
        lanes = lanes_of_channels(self.x_type)
        structure["plain"] = bool((lanes == np.arange(len(lanes))).all())
        shader.define(channels=self.x_type.channels)
        if not structure["plain"]:
            shader.define(lanes_at=shader.table(lanes.astype(np.int32)))
        return structure


def _axis_table(taps: LinearTaps, pitch: int) -> Array:
    """Words [result, 4]: pixel offsets of both sources, and the bits of their weights."""
    weights = [taps.second_distance, taps.first_distance]
    if weights[0].dtype == F32:
        weights = [weight.view(np.int32) for weight in weights]
    offsets = [(i * pitch).astype(np.int32) for i in (taps.first, taps.second)]
    return np.stack([*offsets, *(w.astype(np.int32) for w in weights)], axis=1)
