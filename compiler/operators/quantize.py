"""QuantizeLinear and DequantizeLinear; on the device, floats to packed bytes.

A device never divides: the level of an f32 is the number of thresholds that are not above it, the
floats being compared in the order of their bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..arithmetic import blockwise, dequantize_linear, float_order, quantize_linear, quantize_thresholds
from ..ir.graph import Tensors, Value
from ..ir.layout import channels_of_lanes, to_planar_lanes
from ..ir.program import View
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp, quantized_byte_problems
from .picture import PictureKernel


@dataclass(eq=False)
class Quantize(FamilyOp):
    """ONNX QuantizeLinear, per tensor, or for a constant per slice of `axis`.

    An absent zero point is 0, and the result's dtype tells u8 from s8.
    """

    kind = "quantize"
    x: Value
    scale: Value
    zero_point: Value | None = None
    axis: int = 0

    def evaluate(self, tensors: Tensors) -> Array:
        if self.x.data is not None:
            return quantized(self)
        quantization, type_ = self.result.type.quantization, self.result.type
        assert quantization is not None
        levels = quantize_linear(tensors[self.x], quantization.scale, quantization.zero_point, type_.limits)
        return levels.astype(NUMPY_DTYPES[type_.dtype]).reshape(type_.shape)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def problems(self) -> Iterator[str]:
        if self.x.data is None:
            yield from quantized_byte_problems(self.result.type)
        elif not self.result.type.is_byte:
            yield f"the result {self.result.type} must be a byte type"

    def lower(self, lowering: Lowering) -> None:
        quantization, limits = self.result.type.quantization, self.result.type.limits
        assert quantization is not None
        result = lowering.packed(self.result)
        keys = quantize_thresholds(quantization.scale, quantization.zero_point, limits)
        thresholds = Value.constant(f"{result.name}.thresholds", keys)
        lowering.add(QuantizeByThresholds(result, self.x, thresholds))


@dataclass(eq=False)
class Dequantize(FamilyOp):
    """ONNX DequantizeLinear, per tensor or per slice of `axis`."""

    kind = "dequantize"
    x: Value
    scale: Value
    zero_point: Value | None = None
    axis: int = 0

    def evaluate(self, tensors: Tensors) -> Array:
        return dequantize_linear(tensors[self.x], *axis_parameters(self))

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def refusal(self) -> str | None:
        if self.x.data is not None:
            return "a dequantized constant is left over"
        return "it has a scale for each slice of a computed tensor; one scale is taken"


def axis_parameters(op: Quantize | Dequantize) -> tuple[Array, Array]:
    """Scale and zero point of an op, shaped to broadcast against its operand."""
    scale = op.scale.array
    zero_point = np.zeros((), np.int32) if op.zero_point is None else op.zero_point.array
    shape = [1] * len(op.x.type.shape)
    if scale.size > 1:
        shape[op.axis] = scale.size
        return scale.reshape(shape), np.broadcast_to(zero_point, scale.shape).reshape(shape)
    return scale.reshape(shape), zero_point.reshape(shape) if zero_point.size == 1 else zero_point


def dequantized(op: Dequantize) -> Array:
    """What `op` makes of a constant, f32."""
    scale, zero_point = axis_parameters(op)
    return dequantize_linear(op.x.array, scale, zero_point)


def quantized(op: Quantize) -> Array:
    """What `op` makes of a constant, bytes."""
    scale, zero_point = axis_parameters(op)
    data = np.empty(op.x.type.shape, NUMPY_DTYPES[op.result.type.dtype])
    x = np.broadcast_to(op.x.array, data.shape)
    scales, zero_points = np.broadcast_to(scale, x.shape), np.broadcast_to(zero_point, x.shape)
    for pair in {(s, z) for s, z in zip(scales.flat, zero_points.flat, strict=True)}:
        where = (scales == pair[0]) & (zero_points == pair[1])
        data[where] = quantize_linear(x[where], pair[0], int(pair[1]), op.result.type.limits)
    return data


# ---------------------------------------------------------------------------------- packed stage


@dataclass(eq=False)
class QuantizeByThresholds(FamilyOp):
    """f32 row-major -> packed s8: -128 + how many of the 255 thresholds are <= key(x); NaN gives
    -128.

    `key` orders the bits of f32 as i32: bits ^ ((bits >> 31) & 0x7fffffff).
    """

    kind = "quantize_by_thresholds"
    x: Value
    thresholds: Value

    def evaluate(self, tensors: Tensors) -> Array:
        return levels_of(tensors[self.x], self.thresholds.array)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def problems(self) -> Iterator[str]:
        yield from quantized_byte_problems(self.result.type)

    def schedule(self, scheduler: Scheduler) -> None:
        quantization = self.result.type.quantization
        assert quantization is not None
        scheduler.kernel(
            QuantizeKernel(
                *scheduler.frame(self),
                source=scheduler.view(self.x) if scheduler.holds(self.x) else self.x.name,
                channels=channels_of_lanes(self.result.type),
                thresholds=self.thresholds.array,
                scale=quantization.scale,
                zero_point=quantization.zero_point,
                result=self.result.model_name,
            )
        )


def levels_of(x: Array, thresholds: Array) -> Array:
    """Level -128..127 of each f32 by the keys of the thresholds, s8; NaN gives the lowest.

    >>> keys = float_order(np.linspace(-127, 127, 255).astype(np.float32))
    >>> levels_of(np.array([-500, 0, 2.5, np.nan], np.float32), keys).tolist()
    [-128, 0, 2, -128]
    """

    def levels(some: Array) -> Array:
        result = np.searchsorted(thresholds, float_order(some), side="right") - 128
        return np.where(np.isnan(some), -128, result)

    return blockwise(levels, np.int8, x)


@dataclass(eq=False)
class QuantizeKernel(FamilyKernel):
    """Row-major f32, a graph input or words of the arena, to packed s8 by thresholds (i32 [255]
    keys); scale and zero point only seed the search. `result`: the model's name for the tensor.
    """

    kind = "quantize"
    quantizes = True
    source: View | str = field(kw_only=True)
    channels: tuple[int, ...] = ()
    thresholds: Array = field(default_factory=lambda: np.zeros(255, np.int32))
    scale: float = 1.0
    zero_point: int = 0
    result: str = ""

    @property
    def input(self) -> str:
        """The graph input that it reads; "" where it reads the arena."""
        return self.source if isinstance(self.source, str) else ""

    def title(self) -> str:
        return "quantize: row-major floats to packed int8, by thresholds"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        reals = memory.row_major(self.source, inputs).view(np.float32)
        return self._lanes(levels_of(reals, self.thresholds))

    def _lanes(self, levels: Array) -> Array:
        return to_planar_lanes(levels, self.shape, self.channels, self.zero_point)

    def substitute(self, tensors: Mapping[str, Array]) -> Array | None:
        tensor = tensors.get(self.result)
        if tensor is None:
            return None
        flip = np.uint8(0x80 if tensor.dtype == np.uint8 else 0)
        levels = (np.ascontiguousarray(tensor).view(np.uint8) ^ flip).view(np.int8)
        return self._lanes(levels)

    def emit(self, shader: Shader) -> Json:
        name, base = shader.operand(self.source)
        real = sum(channel >= 0 for channel in self.channels)
        shader.define_planes(self.shape, real)
        shader.define(thresholds=shader.table(self.thresholds), padding=self.zero_point & 0xFF)
        guess = 1e-30 < self.scale < 1e30
        if guess:
            inverse = float(np.float32(1 / self.scale))
            shader.define("f32", inverse_scale=inverse, level_offset=self.zero_point + 128.5)
        if base:
            shader.define(base=base)
        return {
            "input": name,
            "based": bool(base),
            "guess": guess,
            "real_lanes": real - (self.words - 1) * 4,
            "single_word": self.words == 1,
        }

    @property
    def picture_input(self) -> str:
        return self.input

    def of_picture(
        self, image: str, values: Array, order: tuple[int, ...], channels_last: bool
    ) -> PictureKernel:
        tables = levels_of(values, self.thresholds).astype(np.int8)
        return PictureKernel.of(self, image, tables, order, channels_last, self.zero_point)
