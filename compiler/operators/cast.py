"""Cast to bytes of what is none: on the device, row-major words to packed bytes.

ONNX leaves open what becomes of a float beyond the bytes. ONNX Runtime on x86 cuts it off to an int32, and
takes that one's low byte; NaN and what int32 can't hold give 0 (`low_bytes`; measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..arithmetic import low_bytes
from ..ir.graph import Tensors, Value
from ..ir.layout import channels_of_lanes, to_planar_lanes
from ..ir.program import Source
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel, FamilyOp
from .float.map import source_of


@dataclass(eq=False)
class CastToByte(FamilyOp):
    """ONNX Cast of floats, integers or booleans to u8 or s8."""

    kind = "cast_to_byte"
    onnx = "Cast"
    x: Value

    def evaluate(self, tensors: Tensors) -> Array:
        levels = low_bytes(tensors[self.x])
        if self.flip:
            return (levels ^ np.uint8(self.flip)).view(np.int8)
        return levels.view(NUMPY_DTYPES[self.result.type.dtype])

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    def lower(self, lowering: Lowering) -> None:
        lowering.add(replace(self, result=lowering.packed(self.result), flip=self.result.type.flip))

    def schedule(self, scheduler: Scheduler) -> None:
        scheduler.kernel(
            CastKernel(
                *scheduler.frame(self),
                source=source_of(self.x, scheduler),
                dtype=self.x.type.dtype,
                channels=channels_of_lanes(self.result.type),
                flip=self.flip,
            )
        )

    def title(self) -> str:
        return "Cast"


@dataclass(eq=False)
class CastKernel(FamilyKernel):
    """Row-major words of `dtype` to packed bytes; `flip` is 0x80 for u8."""

    kind = "cast"
    source: Source = field(kw_only=True)
    dtype: str = field(kw_only=True)
    channels: tuple[int, ...] = ()
    flip: int = 0

    def title(self) -> str:
        return f"cast: row-major {self.dtype} to packed bytes"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        words = memory.row_major(self.source, inputs)
        levels = low_bytes(words.view(np.float32 if self.dtype == "f32" else np.int32))
        return to_planar_lanes(levels ^ np.uint8(self.flip), self.shape, self.channels, 0)

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        real = sum(channel >= 0 for channel in self.channels)
        shader.define_planes(self.shape, real)
        shader.define(source=start, channels=real, flip=self.flip)
        return {"source_name": name, "float": self.dtype == "f32"}
