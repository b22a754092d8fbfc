"""The words of a program's arena, in numpy: what a simulated kernel reads and writes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..ir.program import Buffer, Program, Source, View
from ..ir.types import Array


class Memory:
    """Buffers as slices of one arena, or apart where they have no place yet."""

    def __init__(self, program: Program) -> None:
        arena = np.full(program.arena_words or 0, 0xA5A5A5A5, np.uint32)
        self.arrays: dict[Buffer, Array] = {}
        for buffer in program.buffers():
            if buffer.offset is None:
                self.arrays[buffer] = np.full(buffer.words, 0xA5A5A5A5, np.uint32)
            else:
                self.arrays[buffer] = arena[buffer.offset : buffer.offset + buffer.words]

    def words(self, view: View) -> Array:
        """The view's words, u32 [pixels, words], to read or assign."""
        words = self.arrays[view.buffer][view.first :]
        assert (view.pixels - 1) * view.pitch + view.words <= words.size, f"{view} leaves its buffer"
        shape, strides = (view.pixels, view.words), (view.pitch * 4, 4)
        return np.lib.stride_tricks.as_strided(words, shape, strides)

    def read(self, view: View) -> Array:
        """The view's lanes as bytes, u8 [pixels, words * 4]."""
        return np.ascontiguousarray(self.words(view)).view(np.uint8)

    def lanes(self, source: Source, words: int) -> Array:
        """The bytes of a packed source of so many words a pixel, u8 [pixels, words * 4]."""
        if isinstance(source, View):
            return self.read(source)
        assert not isinstance(source, str), "graph inputs are not packed"
        return np.ascontiguousarray(source).reshape(-1, words).view(np.uint8)

    def row_major(self, source: Source, inputs: Mapping[str, Array]) -> Array:
        """The words of a row-major tensor, u32 [size]."""
        if isinstance(source, View):
            return self.words(source).reshape(-1)
        array = np.ascontiguousarray(inputs[source] if isinstance(source, str) else source)
        assert array.itemsize == 4, f"{array.dtype} elements are no words"
        return array.reshape(-1).view(np.uint32)


def words_in_memory(tensor: Array) -> Array:
    """A tensor as it lies in memory, row-major, u32 [words]; the bytes that pad the last word are zero.

    >>> words_in_memory(np.array([[1, 2, 3], [4, 5, 6]], np.uint8)).tolist() == [0x04030201, 0x0605]
    True
    """
    raw = np.ascontiguousarray(tensor).reshape(-1).view(np.uint8)
    return np.pad(raw, (0, -len(raw) % 4)).view("<u4") if len(raw) % 4 else raw.view("<u4")
