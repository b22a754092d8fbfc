"""Graph inputs and outputs of bool and int64, whose elements are no words.

Inside a program every element of a row-major tensor takes one word: bool as 0 or 1, int64 as i32.
`load` makes such words of a tensor as it lies in memory (one byte, or two words an element), and
`unload` the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..ir.graph import Value
from ..ir.program import Source, View, WordStore, output_words
from ..ir.types import Array
from .base import FamilyKernel, FamilyOp, Get

if TYPE_CHECKING:
    from ..lowering.memory import Memory
    from ..lowering.shader import Json, Shader
    from ..passes.schedule import Scheduler

NARROW = ("bool", "i64")
"""The dtypes whose elements are not one word each in memory."""


@dataclass(eq=False)
class Border(FamilyOp):
    """The same elements, otherwise in memory."""

    x: Value

    def evaluate(self, get: Get) -> Array:
        return get(self.x)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape


@dataclass(eq=False)
class Load(Border):
    """A graph input to one word an element."""

    kind = "load"

    def schedule(self, to: Scheduler) -> None:
        dtype = self.x.type.dtype
        to.kernel(BorderKernel(*to.frame(self), source=self.x.name, dtype=dtype))


@dataclass(eq=False)
class Unload(Border):
    """One word an element to a graph output."""

    kind = "unload"

    def schedule(self, to: Scheduler) -> None:
        for output in to.output_names(self):
            to.kernel(
                BorderKernel(
                    to.name(self),
                    (1, 1, 1),
                    output_words(self.result.type),
                    [WordStore(output)],
                    source=to.source(self.x),
                    dtype=self.x.type.dtype,
                    out=True,
                    elements=self.x.type.size,
                )
            )


OPS = (Load, Unload)


@dataclass(eq=False)
class BorderKernel(FamilyKernel):
    """Elements between memory and words, by `dtype`; `out`: from words."""

    op = "border"
    is_border = True
    source: Source = field(kw_only=True)
    dtype: str = "bool"
    out: bool = False
    elements: int = 0

    def reads(self) -> list[View]:
        return [self.source] if isinstance(self.source, View) else []

    def title(self) -> str:
        return f"border: {self.dtype} {'from' if self.out else 'to'} one word an element"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if not self.out:
            assert isinstance(self.source, str)
            return inputs[self.source].reshape(-1).astype(np.int32).view(np.uint32)
        words = memory.row_major(self.source, inputs).view(np.int32)
        if self.dtype == "i64":
            return words.astype("<i8").view(np.uint32)
        return np.pad(words.astype(np.uint8), (0, -len(words) % 4)).view(np.uint32)

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        shader.define(source=start)
        if self.out and self.dtype == "bool":
            shader.define(elements=self.elements)
        return {"source_name": name, "wide": self.dtype == "i64", "out": self.out}
