"""The Program: how a graph is computed.

Kernels in the order they run, the buffers they read and write, and where those lie in the arena. A
kernel reads packed words through a `View`, computes one packed word (four channels of a pixel) at
a time, and hands it to each of its `stores`: as it is or through a table, into a slice of a
buffer, or as floats into a graph output. So requantization, concatenation and float tables cost no
kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from .types import NUMPY_DTYPES, Array, TensorType


@dataclass(eq=False)
class Buffer:
    """Words of the arena, from the first kernel that touches them to the last."""

    name: str
    words: int
    offset: int | None = None


@dataclass(frozen=True)
class View:
    """Packed pixels of one tensor inside a buffer: pixel p, word w is at p * pitch + first + w."""

    buffer: Buffer
    pixels: int
    words: int
    pitch: int
    first: int = 0

    def slice(self, first: int, words: int) -> View:
        """The view of some of the words of each pixel."""
        return View(self.buffer, self.pixels, words, self.pitch, self.first + first)

    @property
    def whole(self) -> bool:
        """Whether it lies in one run, pixel after pixel."""
        return self.words == self.pitch

    @property
    def is_prefix(self) -> bool:
        """Whether it is one run from the buffer's first word on, so that pixels and words say it all."""
        return self.whole and self.first == 0

    def __str__(self) -> str:
        part = "" if self.is_prefix else f", words {self.first}:{self.first + self.words} of {self.pitch}"
        return f"buffer {self.buffer.name!r}{part}"


@dataclass(frozen=True, eq=False)
class BufferStore:
    """Words into a buffer, through a table s8 [256] where one is given."""

    view: View
    table: Array | None = None


@dataclass(frozen=True, eq=False)
class OutputStore:
    """Floats by a table f32 [256] into a row-major tensor: a graph output, or a view of its words.

    `channels`: logical channel of each lane, -1 for none; `total`: channels of the whole tensor.
    """

    output: str
    table: Array
    channels: tuple[int, ...]
    total: int
    view: View | None = None

    @property
    def fills(self) -> bool:
        """Whether this store alone writes all of the tensor."""
        return sum(channel >= 0 for channel in self.channels) == self.total


@dataclass(frozen=True)
class WordStore:
    """Whole words into a graph output, in row-major order."""

    output: str


Store = BufferStore | OutputStore | WordStore
Source = View | str | Array
"""What a kernel reads: words of the arena, a graph input by name, or a constant."""


@dataclass(eq=False)
class Kernel:
    """One dispatch. `shape` is [N, H, W] of its result, `words` the packed words of each pixel."""

    name: str
    shape: tuple[int, int, int]
    words: int
    stores: list[Store]
    kind: ClassVar[str] = ""
    classes: ClassVar[dict[str, type[Kernel]]] = {}
    """Every class of kernels by its kind, for the text form; a class enters when it is defined."""
    is_float: ClassVar[bool] = False
    """Whether it adds or maps floats, which every device rounds in its own way."""
    byte_tables: ClassVar[bool] = False
    """Whether its own template, not only its stores, looks bytes up in tables."""
    is_border: ClassVar[bool] = False
    """Whether it only carries a graph input or output over from memory, or to it."""
    quantizes: ClassVar[bool] = False
    """Whether it makes bytes of floats."""

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            Kernel.classes[cls.kind] = cls

    def title(self) -> str:
        """What it computes, in a line."""
        return self.kind

    @property
    def moves_words(self) -> bool:
        """Whether it hands on words as they are."""
        return False

    @property
    def word_dtype(self) -> str | None:
        """The dtype of the row-major words that it makes, one an element; None where it makes bytes, or moves
        words of any dtype.
        """
        return None

    def reads(self) -> list[View]:
        """Views this kernel reads from the arena, in the order of its fields."""
        return [one for _, sources in self._sources() for one in sources if isinstance(one, View)]

    def _sources(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The fields that hold what it reads, each as a tuple of sources."""
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "sources":
                yield item.name, value
            elif isinstance(value, View):
                yield item.name, (value,)

    def replace_read(self, old: View, new: View) -> None:
        """Puts `new` in the place of a view that it reads."""
        for name, sources in list(self._sources()):
            replacement = tuple(new if isinstance(one, View) and one == old else one for one in sources)
            setattr(self, name, replacement if name == "sources" else replacement[0])

    @property
    def macs(self) -> int:
        return 0

    @property
    def operations(self) -> int:
        """Products, and elements that windows and sums take in."""
        return self.macs

    @property
    def uses(self) -> list[str]:
        """The snippets that its shader calls, in order."""
        return []

    @property
    def pixels(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(eq=False)
class Program:
    """Kernels in order, with the graph's inputs and outputs (names and row-major types).

    `signed`: the model has s8 activations, so its reference runs with session.qdqisint8allowed.
    """

    name: str
    inputs: dict[str, TensorType]
    outputs: dict[str, TensorType]
    kernels: list[Kernel]
    signed: bool = False
    arena_words: int | None = None
    lower_bound_words: int | None = None

    def buffers(self) -> list[Buffer]:
        """Buffers in order of first use."""
        return list(dict.fromkeys(view.buffer for kernel in self.kernels for view in touches(kernel)))

    @property
    def arena_excess(self) -> float:
        """By what fraction the arena is larger than the lower bound; 0 where nothing is live."""
        if not self.arena_words or not self.lower_bound_words:
            return 0.0
        return self.arena_words / self.lower_bound_words - 1

    def live_ranges(self) -> dict[Buffer, tuple[int, int]]:
        """First and last kernel of each buffer."""
        ranges: dict[Buffer, tuple[int, int]] = {}
        for index, kernel in enumerate(self.kernels):
            for view in touches(kernel):
                first = ranges.get(view.buffer, (index, index))[0]
                ranges[view.buffer] = (first, index)
        return ranges


def output_words(type_: TensorType) -> int:
    """Words of a graph output's buffer."""
    size = int(np.prod(type_.shape)) * NUMPY_DTYPES[type_.dtype].itemsize
    return -(-size // 4)


def outputs_filled(kernel: Kernel) -> list[str]:
    """Graph outputs all of whose values come from this one kernel."""
    return [
        store.output
        for store in kernel.stores
        if isinstance(store, WordStore)
        or (isinstance(store, OutputStore) and store.view is None and store.fills)
    ]


def writes(kernel: Kernel) -> list[View]:
    """Views that a kernel writes, in part or whole."""
    return [
        store.view for store in kernel.stores if not isinstance(store, WordStore) and store.view is not None
    ]


def outputs_stored(kernel: Kernel) -> set[str]:
    """Graph outputs that a kernel stores, in part or whole."""
    return {
        store.output
        for store in kernel.stores
        if isinstance(store, WordStore) or (isinstance(store, OutputStore) and store.view is None)
    }


def fills(kernel: Kernel) -> list[View]:
    """Views all of whose words a kernel writes."""
    views = []
    for store in kernel.stores:
        whole = isinstance(store, BufferStore) or (isinstance(store, OutputStore) and store.fills)
        if whole and not isinstance(store, WordStore) and store.view is not None:
            views.append(store.view)
    return views


def inputs_read(kernel: Kernel) -> list[str]:
    """Graph inputs that a kernel reads."""
    sources = [getattr(kernel, "source", None), *getattr(kernel, "sources", ())]
    return list(dict.fromkeys(source for source in sources if isinstance(source, str)))


def touches(kernel: Kernel) -> Iterator[View]:
    """Views that a kernel reads or writes."""
    yield from kernel.reads()
    yield from writes(kernel)


def float_kernels(program: Program) -> set[Kernel]:
    """Kernels that compute in f32, or read what one made: their words differ between devices."""
    kernels: set[Kernel] = set()
    buffers: set[Buffer] = set()
    for kernel in program.kernels:
        reads = {view.buffer for view in kernel.reads()}
        if kernel.is_float or reads & buffers:
            kernels.add(kernel)
            buffers |= {view.buffer for view in writes(kernel)}
    return kernels
