"""Graph inputs and outputs whose elements lie otherwise in memory than inside a program.

Bytes are row-major outside and packed inside: `pack` and `unpack`. Every element of another
row-major tensor takes one word inside, bool as 0 or 1, int64 as i32: `load` makes such words of a
tensor as it lies in memory (one byte, or two words an element), and `unload` the other way round.
An output that is an input or a constant is copied as it lies in memory (`copy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..ir.editor import Editor
from ..ir.graph import Graph, Tensors, Value
from ..ir.layout import channels_of_lanes, pixel_shape, to_planar_lanes
from ..ir.program import Source, View, WordStore, output_words
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..lowering.memory import Memory, words_in_memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader, start_of
from .base import FamilyKernel, FamilyOp
from .copy import CopyKernel
from .picture import PictureKernel

NARROW = ("bool", "i64")
"""The dtypes whose elements are not one word each in memory."""


@dataclass(eq=False)
class Border(FamilyOp):
    """The same elements, otherwise in memory."""

    x: Value

    def evaluate(self, tensors: Tensors) -> Array:
        return tensors[self.x]

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape


@dataclass(eq=False)
class Load(Border):
    """A graph input to one word an element."""

    kind = "load"

    def schedule(self, scheduler: Scheduler) -> None:
        dtype = self.x.type.dtype
        scheduler.kernel(BorderKernel(*scheduler.frame(self), source=self.x.name, dtype=dtype))


@dataclass(eq=False)
class Unload(Border):
    """One word an element to a graph output."""

    kind = "unload"

    def schedule(self, scheduler: Scheduler) -> None:
        for output in scheduler.output_names(self.result):
            scheduler.kernel(
                BorderKernel(
                    scheduler.name(self.result),
                    (1, 1, 1),
                    output_words(self.result.type),
                    [WordStore(output)],
                    source=scheduler.source(self.x),
                    dtype=self.x.type.dtype,
                    out=True,
                    elements=self.x.type.size,
                )
            )


@dataclass(eq=False)
class Pack(Border):
    """u8 or s8 row-major -> packed s8 (u8 by XOR 0x80)."""

    kind = "pack"

    def evaluate(self, tensors: Tensors) -> Array:
        return _flip(tensors[self.x], self.x.type, self.result.type)

    def schedule(self, scheduler: Scheduler) -> None:
        scheduler.kernel(
            PackKernel(
                *scheduler.frame(self),
                source=self.x.name,
                channels=channels_of_lanes(self.result.type),
                xor=self.x.type.flip,
            )
        )


@dataclass(eq=False)
class Unpack(Border):
    """packed s8 -> u8 or s8 row-major (u8 by XOR 0x80)."""

    kind = "unpack"

    def evaluate(self, tensors: Tensors) -> Array:
        return _flip(tensors[self.x], self.result.type, self.result.type)

    def schedule(self, scheduler: Scheduler) -> None:
        for output in scheduler.output_names(self.result):
            scheduler.kernel(
                UnpackKernel(
                    scheduler.name(self.result),
                    pixel_shape(self.x.type),
                    self.x.type.words,
                    [WordStore(output)],
                    source=scheduler.view(self.x),
                    channels=channels_of_lanes(self.x.type),
                    xor=self.result.type.flip,
                )
            )


@dataclass(eq=False)
class Copy(Border):
    """A graph input or a constant to a graph output, word for word as it lies in memory."""

    kind = "copy"

    def schedule(self, scheduler: Scheduler) -> None:
        data = self.x.data
        scheduler.kernel(
            CopyKernel(
                scheduler.name(self.result),
                (1, 1, 1),
                output_words(self.result.type),
                [WordStore(output) for output in scheduler.output_names(self.result)],
                source=self.x.name if data is None else words_in_memory(data),
            )
        )


def _flip(x: Array, outside: TensorType, result: TensorType) -> Array:
    """Bytes by their bits in the dtype of `result`, XORed where those outside are u8."""
    bits = np.ascontiguousarray(x).view(np.uint8) ^ np.uint8(outside.flip)
    levels = bits.view(NUMPY_DTYPES[result.dtype])
    return levels.reshape(result.shape)


def load_inputs(graph: Graph) -> list[Load]:
    """Words in the place of every graph input that is none inside; its readers read those."""
    editor = Editor(graph)
    read = [x for x in graph.inputs if _narrow(x) and editor.users(x)]
    loads = [Load(Value(f"{x.name}.words", x.type), x) for x in read]
    for load in loads:
        for reader in editor.users(load.x):
            editor.replace_operand(reader, load.x, load.result)
    editor.close()
    return loads


def pack_inputs(graph: Graph, lowering: Lowering) -> None:
    """The packed forms of the byte inputs that an op reads."""
    for value in graph.inputs:
        if lowering.is_packable(value) and lowering.users.get(value):
            lowering.add(Pack(lowering.packed(value), value))


def leave_outputs(graph: Graph, lowering: Lowering) -> list[Value]:
    """The graph's outputs as they lie in memory."""
    plain: dict[Value, Value] = {}
    for value in dict.fromkeys(graph.outputs):  # one value may be several outputs
        plain[value] = value
        if value.data is not None or value in graph.inputs:
            plain[value] = Value(f"{value.name}.copied", value.type, origin=value)
            lowering.add(Copy(plain[value], value))
        elif lowering.is_packable(value):
            plain[value] = Value(f"{value.name}.unpacked", value.type, origin=value)
            lowering.add(Unpack(plain[value], lowering.values[value]))
        elif _narrow(value):
            plain[value] = Value(f"{value.name}.unloaded", value.type)
            lowering.add(Unload(plain[value], value))
    return [plain[value] for value in graph.outputs]


def _narrow(value: Value) -> bool:
    """Whether an element in memory is no word, unlike inside the program."""
    return value.type.dtype in NARROW


@dataclass(eq=False)
class BorderKernel(FamilyKernel):
    """Elements between memory and words, by `dtype`; `out`: from words."""

    kind = "border"
    is_border = True
    source: Source = field(kw_only=True)
    dtype: str = "bool"
    out: bool = False
    elements: int = 0

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


@dataclass(eq=False)
class PackKernel(FamilyKernel):
    """Byte graph input [N,C,H,W] to packed s8; `xor` is 0x80 for u8."""

    kind = "pack"
    source: View | str = field(kw_only=True)
    channels: tuple[int, ...] = ()
    xor: int = 0

    def title(self) -> str:
        return "pack: row-major bytes to packed int8"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del memory
        assert isinstance(self.source, str)
        x = np.ascontiguousarray(inputs[self.source]).view(np.uint8) ^ np.uint8(self.xor)
        return to_planar_lanes(x, self.shape, self.channels, 0)

    def emit(self, shader: Shader) -> Json:
        name, _ = shader.operand(self.source)
        real = sum(channel >= 0 for channel in self.channels)
        shader.define_planes(self.shape, real)
        shader.define(channels=real, flip=self.xor)
        return {"input": name}

    @property
    def picture_input(self) -> str:
        return self.source if isinstance(self.source, str) and self.xor else ""

    def of_picture(
        self, image: str, values: Array, order: tuple[int, ...], channels_last: bool
    ) -> PictureKernel:
        tables = (values.astype(np.uint8) ^ np.uint8(self.xor)).view(np.int8)
        return PictureKernel.of(self, image, tables, order, channels_last, padding=0)


@dataclass(eq=False)
class UnpackKernel(FamilyKernel):
    """Packed s8 to a byte graph output [N,C,H,W]; makes whole words of the output, `xor` 0x80 for
    u8.
    """

    source: View = field(kw_only=True)
    kind = "unpack"
    channels: tuple[int, ...] = ()
    xor: int = 0

    @property
    def lanes(self) -> list[int]:
        """The lanes that hold a channel."""
        return [lane for lane, channel in enumerate(self.channels) if channel >= 0]

    @property
    def bytes(self) -> int:
        """Bytes of the output."""
        return self.pixels * len(self.lanes)

    def title(self) -> str:
        return "unpack: packed int8 to row-major bytes"

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        del inputs
        lanes = (memory.read(self.source) ^ np.uint8(self.xor))[:, self.lanes]
        image = np.moveaxis(lanes.reshape(self.shape[0], -1, len(self.lanes)), -1, 1).reshape(-1)
        return np.pad(image, (0, -len(image) % 4)).view(np.uint32)

    def emit(self, shader: Shader) -> Json:
        shader.arena()
        lanes = self.lanes
        scattered = lanes != list(range(len(lanes)))
        shader.define_planes(self.shape, len(lanes))
        shader.define(source=start_of(self.source), source_pitch=self.source.pitch)
        shader.define(channels=len(lanes), flip=self.xor)
        words = -(-self.bytes // 4)
        shader.define(output_words=words, output_bytes=self.bytes)
        if scattered:
            shader.define(lanes_at=shader.table(np.array(lanes, np.int32)))
        return {"scattered": scattered, "invocations": words}
