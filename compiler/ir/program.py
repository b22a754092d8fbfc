"""The Program: how a graph is computed.

Kernels in the order they run, the buffers they read and write, and where those lie in the arena. A
kernel reads packed words through a `View`, computes one packed word (four channels of a pixel) at
a time, and hands it to each of its `stores`: as it is or through a table, into a slice of a
buffer, or as floats into a graph output. So requantization, concatenation and float tables cost no
kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import ClassVar

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
        return self.words == self.pitch

    def __str__(self) -> str:
        part = "" if self.whole else f", words {self.first}:{self.first + self.words} of {self.pitch}"
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
    op: ClassVar[str] = ""
    classes: ClassVar[dict[str, type[Kernel]]] = {}
    """Every class of kernels by its op, for the text form; a class enters when it is defined."""

    def __init_subclass__(cls) -> None:
        if "op" in cls.__dict__:
            Kernel.classes[cls.op] = cls

    def title(self) -> str:
        """What it computes, in a line."""
        return self.op

    def reads(self) -> list[View]:
        """Views this kernel reads from the arena."""
        return []

    def replace_read(self, old: View, new: View) -> None:
        """Puts `new` in the place of a view that it reads."""
        for item in fields(self):
            held = getattr(self, item.name)
            if isinstance(held, tuple) and item.name == "sources":
                setattr(
                    self,
                    item.name,
                    tuple(new if isinstance(one, View) and one == old else one for one in held),
                )
            elif isinstance(held, View) and held == old:
                setattr(self, item.name, new)

    @property
    def macs(self) -> int:
        return 0

    @property
    def uses(self) -> list[str]:
        """The snippets that its shader calls, in order."""
        return []

    @property
    def pixels(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(eq=False)
class QuantizeKernel(Kernel):
    """Row-major f32, a graph input or words of the arena, to packed s8 by thresholds (i32 [255]
    keys); scale and zero point only seed the search. `result`: the model's name for the tensor.
    """

    op = "quantize"
    input: str = ""
    source: View | None = None
    channels: tuple[int, ...] = ()
    thresholds: Array = field(default_factory=lambda: np.zeros(255, np.int32))
    scale: float = 1.0
    zero_point: int = 0
    result: str = ""

    def reads(self) -> list[View]:
        return [self.source] if self.source is not None else []


@dataclass(eq=False)
class PackKernel(Kernel):
    """Byte graph input [N,C,H,W] to packed s8; `flip` is 0x80 for u8."""

    op = "pack"
    input: str = ""
    channels: tuple[int, ...] = ()
    flip: int = 0


@dataclass(eq=False)
class UnpackKernel(Kernel):
    """Packed s8 to a byte graph output [N,C,H,W]; makes whole words of the output, so it has no
    stores.
    """

    source: View = field(kw_only=True)
    op = "unpack"
    output: str = ""
    channels: tuple[int, ...] = ()
    flip: int = 0

    def reads(self) -> list[View]:
        return [self.source]


@dataclass(eq=False)
class CopyKernel(Kernel):
    """Words as they are: an operand of a concatenation, a lookup, a float output."""

    source: Source = field(kw_only=True)
    op = "copy"

    def reads(self) -> list[View]:
        return [self.source] if isinstance(self.source, View) else []


@dataclass(frozen=True)
class Tile:
    """What one invocation computes (pixels along x, words of output channels) and the workgroup
    (pixel tiles, words).
    """

    pixels: int = 4
    words: int = 1
    workgroup: tuple[int, int] = (64, 1)


@dataclass(eq=False)
class ConvKernel(Kernel):
    """Convolution; operands as in `ir.PackedConv`.

    `zero_source`: a byte, the zero point of x where it is computed; then the sum of the weights of
    each lane, `weight_sums` i32 [4 * OW], is taken that many times from each sum.
    `float_reference`: ONNX Runtime computes this in float, and may differ by one step.
    `made`: what becomes of a sum: "bytes" by requantization, "floats" (sum times multiplier, f32)
    or "integers" (i32), the last two row-major. `flat`: all pixels, those of x too, are one row of
    one picture, whatever `shape` is. `group`: groups whose channels are whole words of their own;
    `depthwise`: every channel by itself, `weight` then i32 [OW, KH, 1, KW, 4].
    """

    source: View = field(kw_only=True)
    op = "conv"
    x_type: TensorType = field(kw_only=True)
    weight: Array = field(kw_only=True)
    bias: Array = field(kw_only=True)
    multiplier: Array = field(kw_only=True)
    weight_zero_point: Array | None = None
    zero_point: int = 0
    out_channels: int = 0
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    upsample: tuple[int, int] = (1, 1)
    zero_source: View | None = None
    weight_sums: Array | None = None
    float_reference: bool = False
    made: str = "bytes"
    flat: bool = False
    group: int = 1
    depthwise: bool = False
    tile: Tile = field(default_factory=Tile)

    def title(self) -> str:
        factor = self.upsample[1]
        return (
            f"conv {self.kernel_size[0]}x{self.kernel_size[1]}, stride {self.strides[1]}"
            + (f", upsampled {factor} times" if factor > 1 else "")
            + (", of a transposed one" if self.float_reference else "")
            + (", depthwise" if self.depthwise else f", {self.group} groups" * (self.group > 1))
            + f", tiles of {self.tile.pixels} pixels x {self.tile.words * 4} channels"
        )

    def reads(self) -> list[View]:
        return [self.source] if self.zero_source is None else [self.source, self.zero_source]

    @property
    def uses(self) -> list[str]:
        dot = [] if self.depthwise else ["dot"]
        return dot + (["requantize"] if self.made == "bytes" else [])

    @property
    def picture(self) -> tuple[int, int, int]:
        """Batch, height and width that are tiled."""
        return (1, 1, self.pixels) if self.flat else self.shape

    @property
    def kernel_size(self) -> tuple[int, int]:
        return int(self.weight.shape[1]), int(self.weight.shape[3])

    @property
    def macs(self) -> int:
        """Multiplications of the logical convolution, padding lanes left out."""
        kernel_h, kernel_w = self.kernel_size
        channels = self.x_type.shape[1] // self.group
        return self.pixels * self.out_channels * channels * kernel_h * kernel_w


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
    if isinstance(kernel, UnpackKernel):
        return [kernel.output]
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


def fills(kernel: Kernel) -> list[View]:
    """Views all of whose words a kernel writes."""
    found = []
    for store in kernel.stores:
        whole = isinstance(store, BufferStore) or (isinstance(store, OutputStore) and store.fills)
        if whole and not isinstance(store, WordStore) and store.view is not None:
            found.append(store.view)
    return found


def inputs_read(kernel: Kernel) -> list[str]:
    """Graph inputs that a kernel reads."""
    held = [getattr(kernel, item.name) for item in fields(kernel) if item.name in ("source", "input")]
    found = [*held, *getattr(kernel, "sources", ())]
    return list(dict.fromkeys(source for source in found if isinstance(source, str) and source))


def touches(kernel: Kernel) -> Iterator[View]:
    """Views that a kernel reads or writes."""
    yield from kernel.reads()
    yield from writes(kernel)


def float_kernels(program: Program) -> set[Kernel]:
    """Kernels that compute in f32, or read what one made: their words differ between devices."""
    found: set[Kernel] = set()
    buffers: set[Buffer] = set()
    for kernel in program.kernels:
        reads = {view.buffer for view in kernel.reads()}
        if getattr(kernel, "is_float", False) or reads & buffers:
            found.add(kernel)
            buffers |= {view.buffer for view in writes(kernel)}
    return found
