"""The kernel that only copies; place_concat removes those whose producers can write in their stead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..ir.graph import Value
from ..ir.layout import pixel_shape
from ..ir.program import Source, Store, View
from ..ir.types import Array
from ..lowering.memory import Memory, words_in_memory
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from .base import FamilyKernel


@dataclass(eq=False)
class CopyKernel(FamilyKernel):
    """Words as they are: an operand of a concatenation, a lookup, a float output, an input or a constant that
    is an output.
    """

    source: Source = field(kw_only=True)
    kind = "copy"

    @property
    def moves_words(self) -> bool:
        return True

    def title(self) -> str:
        return "copy: words as they are"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if isinstance(self.source, View):
            return memory.words(self.source)
        tensor = inputs[self.source] if isinstance(self.source, str) else self.source
        return words_in_memory(tensor).reshape(self.pixels, self.words)

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        pitch = self.source.pitch if isinstance(self.source, View) else self.words
        shader.define(source=start, source_pitch=pitch)
        return {"source_name": name}


def copy(x: Value, name: str, store: Store, scheduler: Scheduler) -> None:
    """A copy of all of the packed `x` to a store."""
    shape, words = pixel_shape(x.type), x.type.words
    scheduler.kernel(CopyKernel(name, shape, words, [store], source=scheduler.source(x)))
