"""The kernel of a matrix product of two packed tensors (`QMatMul` in op.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...arithmetic import F32, requantize, wrap_i32
from ...ir.program import Source, View
from ...ir.types import Array
from ...lowering.memory import Memory
from ...lowering.shader import Json, Shader
from ..base import FamilyKernel

TILE_ROWS = 4


@dataclass(eq=False)
class MatMulKernel(FamilyKernel):
    """The product of two packed tensors, both packed along the axis that is summed over.

    `firsts`: first pixel of each batch in a and b, i64 [batches]; `size`: rows and columns of each;
    `mask`: 1 for the lanes that hold a value, u8; `zero_points`: of a, and of b i32 [4 * words];
    `zero_source`: a byte, the zero point of a where it is computed;
    `bias` i32 [1 or rows, 4 * words], `multiplier` f32 [4 * words]; `elements` as of ConvKernel.
    """

    kind = "matmul"
    sources: tuple[Source, ...] = field(kw_only=True)
    firsts: tuple[Array, Array] = field(kw_only=True)
    size: tuple[int, int] = field(kw_only=True)
    mask: Array = field(kw_only=True)
    zero_points: tuple[int, Array] = field(kw_only=True)
    bias: Array = field(kw_only=True)
    multiplier: Array = field(kw_only=True)
    zero_point: int = field(kw_only=True)
    elements: str = field(kw_only=True)
    zero_source: View | None = None

    @property
    def uses(self) -> list[str]:
        return ["dot", "requantize"] if self.elements == "bytes" else ["dot"]

    @property
    def macs(self) -> int:
        return len(self.firsts[0]) * self.size[0] * self.size[1] * int(self.mask.sum())

    def title(self) -> str:
        return f"matmul: two packed operands, tiles of {self.tile_rows} rows x 4 columns"

    @property
    def tile_rows(self) -> int:
        return min(TILE_ROWS, self.size[0])

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        words, (rows, columns) = len(self.mask) // 4, self.size
        lanes = [memory.lanes(source, words).view(np.int8) for source in self.sources]
        real = self.mask.astype(bool)
        column = np.minimum(np.arange(-(-columns // 4) * 4), columns - 1)  # the last one again
        a, b = (
            operand[first[:, None] + index][..., real].astype(np.float64)
            for operand, first, index in zip(lanes, self.firsts, (np.arange(rows), column), strict=True)
        )
        b = b - self.zero_points[1][:, None]
        zero_a = self.zero_points[0]
        if self.zero_source is not None:
            zero_a = int(memory.read(self.zero_source).view(np.int8)[0, 0])
        sums = np.matmul(a - zero_a, b.swapaxes(1, 2)).astype(np.int64)
        sums = wrap_i32(sums + self.bias).reshape(-1, len(column))
        if self.elements == "bytes":
            return requantize(sums, self.multiplier, self.zero_point, (-128, 127)).astype(np.uint8)
        if self.elements == "floats":
            sums = (sums.astype(F32) * self.multiplier).view(np.int32)
        return np.ascontiguousarray(sums[:, :columns]).view(np.uint32).reshape(-1)

    def emit(self, shader: Shader) -> Json:
        rows, columns = self.size
        zero_a, zero_b = self.zero_points
        structure: Json = {
            "rows": range(self.tile_rows),
            "elements": self.elements,
            "zero_a": zero_a != 0 or self.zero_source is not None,
            "computed": self.zero_source is not None,
            "zero_b": bool(zero_b.any()),
            "masked": not self.mask.all(),
            "bias_rows": len(self.bias),
        }
        out_words = -(-columns // 4)
        for name, source, first in zip("ab", self.sources, self.firsts, strict=True):
            structure[name], at = shader.operand(source)
            pitch = source.pitch if isinstance(source, View) else len(self.mask) // 4
            shader.define("u32", "", **{f"{name}_at": at, f"{name}_pitch": pitch})
            shader.define("u32", "", **{f"{name}_first": shader.table(first.astype(np.int32))})
        shader.define(rows=rows, columns=columns, out_words=out_words, in_words=len(self.mask) // 4)
        if structure["masked"]:
            shader.define(masks=shader.table(self.mask * np.uint8(255)))
        bias = self.bias + zero_a * zero_b.astype(np.int64) * int(self.mask.sum())
        shader.define(bias_at=shader.vectors(wrap_i32(bias)))
        shader.define("i32", zero_point=self.zero_point)
        if self.zero_source is None:
            shader.define("i32", zero_a=zero_a)
        else:
            shader.define(zero_at=shader.operand(self.zero_source)[1])
            shader.define("i32", depth=int(self.mask.sum()))
        if structure["zero_b"]:
            shader.define(zero_b_at=shader.vectors(zero_b.astype(np.int32)))
        if self.elements != "integers":
            shader.define(multiplier_at=shader.vectors(self.multiplier.astype(F32)))
        row_tiles = -(-rows // self.tile_rows)
        shader.define(row_tiles=row_tiles, invocation_count=row_tiles * out_words * len(self.firsts[0]))
        return structure | {"invocations": row_tiles * out_words * len(self.firsts[0])}
