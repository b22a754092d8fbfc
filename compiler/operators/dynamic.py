"""DynamicQuantizeLinear: u8 bytes, scale and zero point of floats, all of them computed.

The least and greatest element (`extreme`) give the scale, they and it the zero point, and those two
the bytes. Sums and quotients of f32 are made in u32 arithmetic, exactly (soft_float.wgsl).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..arithmetic import dynamic_parameters, quantize_linear
from ..ir.graph import Tensors, Value
from ..ir.layout import channels_of_lanes, to_lanes
from ..ir.program import Source
from ..ir.types import Array
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp


@dataclass(eq=False)
class DynamicScale(FamilyOp):
    """The scale f32 [] for values of `low`..`high`: RN(RN(max - min) / 255), both with 0."""

    kind = "dynamic_scale"
    low: Value
    high: Value

    def evaluate(self, tensors: Tensors) -> Array:
        scale, _ = dynamic_parameters(np.array([tensors[self.low], tensors[self.high]]))
        return np.asarray(scale)

    def expected_shape(self) -> tuple[int, ...] | None:
        return ()

    def lower(self, lowering: Lowering) -> None:
        lowering.add(self)

    def schedule(self, scheduler: Scheduler) -> None:
        sources = (scheduler.source(self.low), scheduler.source(self.high))
        scheduler.kernel(DynamicKernel(*scheduler.frame(self), form="scale", sources=sources))


@dataclass(eq=False)
class DynamicZeroPoint(FamilyOp):
    """The zero point u8 []: rne(clamp(RN(0 - RN(min / scale)), 0, 255))."""

    kind = "dynamic_zero_point"
    low: Value
    scale: Value

    def evaluate(self, tensors: Tensors) -> Array:
        with np.errstate(all="ignore"):
            start = np.float32(0) - np.minimum(tensors[self.low], np.float32(0)) / tensors[self.scale]
        return self.packed(np.asarray(np.rint(np.clip(start, 0, 255))))

    def expected_shape(self) -> tuple[int, ...] | None:
        return ()

    def lower(self, lowering: Lowering) -> None:
        lowering.add(replace(self, result=lowering.packed(self.result), flip=0x80))

    def schedule(self, scheduler: Scheduler) -> None:
        sources = (scheduler.source(self.low), scheduler.source(self.scale))
        scheduler.kernel(DynamicKernel(*scheduler.frame(self), form="zero_point", sources=sources))


@dataclass(eq=False)
class DynamicQuantize(FamilyOp):
    """QuantizeLinear to u8 with a computed scale f32 [] and zero point u8 []."""

    kind = "dynamic_quantize"
    x: Value
    scale: Value
    zero_point: Value

    def evaluate(self, tensors: Tensors) -> Array:
        zero_point = int(self.stored(tensors[self.zero_point]))
        levels = quantize_linear(tensors[self.x], float(tensors[self.scale]), zero_point, (0, 255))
        return self.packed(levels)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def lower(self, lowering: Lowering) -> None:
        zero_point = lowering.operand(self.zero_point)
        result = lowering.packed(self.result)
        lowering.add(replace(self, result=result, zero_point=zero_point, flip=0x80))

    def schedule(self, scheduler: Scheduler) -> None:
        sources = (scheduler.source(self.x), scheduler.source(self.scale), scheduler.source(self.zero_point))
        channels = channels_of_lanes(self.result.type)
        kernel = DynamicKernel(
            *scheduler.frame(self), form="quantize", sources=sources, op_of=self, channels=channels
        )
        scheduler.kernel(kernel)


@dataclass(eq=False)
class DynamicKernel(FamilyKernel):
    """One of the three, by `form`: "scale" and "zero_point" make one word."""

    kind = "dynamic"
    form: str = field(kw_only=True)
    sources: tuple[Source, ...] = field(kw_only=True)
    op_of: DynamicQuantize | None = None
    channels: tuple[int, ...] = ()

    def title(self) -> str:
        what = {"scale": "scale", "zero_point": "zero point", "quantize": "bytes"}[self.form]
        return f"dynamic: the {what} of DynamicQuantizeLinear"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        x, other = (memory.row_major(source, inputs).view(np.float32) for source in self.sources[:2])
        first, second = Value("", None), Value("", None)  # type: ignore[arg-type]
        operands = {first: x.reshape(-1)[:1].reshape(()), second: other.reshape(())}
        if self.form == "scale":
            scale = DynamicScale(Value("", None), first, second).evaluate(Tensors(operands))  # type: ignore[arg-type]
            return scale.reshape(1, 1).view(np.uint32)
        if self.form == "zero_point":
            zero = DynamicZeroPoint(Value("", None), first, second, flip=0x80)  # type: ignore[arg-type]
            return np.array([[int(zero.evaluate(Tensors(operands))) & 0xFF, 0, 0, 0]], np.uint8)
        assert self.op_of is not None
        op = self.op_of
        zero_point = memory.lanes(self.sources[2], 1)[0, 0].view(np.int8)
        tensors = {op.x: x.reshape(op.x.type.shape), op.scale: operands[second]}
        tensors[op.zero_point] = np.asarray(zero_point)
        return to_lanes(op.evaluate(Tensors(tensors)), op.result.type)

    def emit(self, shader: Shader) -> Json:
        names = []
        for letter, source in zip("abc", self.sources, strict=False):
            name, start = shader.operand(source)
            shader.define("u32", "", **{f"{letter}_at": start})
            names.append(name)
        if self.form == "quantize":
            real = sum(channel >= 0 for channel in self.channels)
            shader.define_planes(self.shape, real)
            shader.define(channels=real)
        return {"form": self.form, "names": names}
