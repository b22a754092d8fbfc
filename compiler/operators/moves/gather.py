"""The gather kernel: each element of a result from its address in the source.

Addresses are sums of what each axis of the result adds, where they can be; else a table of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...arithmetic import blocks
from ...ir.layout import channels_of_lanes
from ...ir.program import View
from ...ir.types import Array, TensorType
from ...lowering.memory import Memory
from ...lowering.shader import Json, Shader
from ..base import FamilyKernel

OUTSIDE = -(2**26)
"""Address of an element that reads the fill; the sum of a few such is still negative in i32."""


@dataclass(frozen=True)
class Addresses:
    """Where each element of a gather's result lies in its source.

    `axes`: sizes of the result's pixel axes; `pixels` and `lanes`: what each of them adds to the
    source's pixel and lane, i64 [size] each; `lane_pixels` and `lane_lanes`: what each lane of the
    result adds, i64 [lanes], lanes that are padding OUTSIDE. Where the addresses are no such sums,
    `whole` holds them all: i64 [2, pixels, lanes].
    """

    axes: tuple[int, ...]
    pixels: tuple[Array, ...]
    lanes: tuple[Array, ...]
    lane_pixels: Array
    lane_lanes: Array
    whole: Array | None = None

    @classmethod
    def of_elements(cls, type_: TensorType, pixel: Array, lane: Array) -> Addresses:
        """Of a result whose elements lie at (pixel, lane) of the source: sums where they are.

        >>> lane = np.arange(6).reshape(2, 3).T  # of a transposed matrix, row-major
        >>> tables = Addresses.of_elements(TensorType("f32", (3, 2)), lane * 0, lane)
        >>> tables.axes, [part.tolist() for part in tables.lanes]  # row + column of the result
        ((3, 2), [[0, 1, 2], [0, 3]])
        """
        pixels, lanes = _by_lanes(type_, pixel, lane)
        axes = pixels.shape[:-1]
        whole = pixels.reshape(math.prod(axes), -1), lanes.reshape(math.prod(axes), -1)
        if (pixels >= 0).any():
            addresses = cls(axes, *_addends(pixels, lanes))
            if all(_are_same(part, whole[0][some], whole[1][some]) for some, *part in addresses.parts()):
                return addresses
        return cls(axes, (), (), whole[0][0], whole[1][0], np.stack(whole))

    def parts(self) -> Iterator[tuple[slice, Array, Array]]:
        """Some pixels of the result, and source pixel and lane of each of their lanes, [pixels, lanes]."""
        pixel = lane = np.zeros(1, np.int32)
        for one, other in zip(self.pixels, self.lanes, strict=True):
            pixel = (pixel[:, None] + one).reshape(-1)
            lane = (lane[:, None] + other).reshape(-1)
        for some in blocks(math.prod(self.axes), len(self.lane_pixels)):
            if self.whole is not None:
                yield some, self.whole[0, some], self.whole[1, some]
            else:
                yield some, pixel[some, None] + self.lane_pixels, lane[some, None] + self.lane_lanes


def _are_same(part: Sequence[Array], pixel: Array, lane: Array) -> bool:
    """Whether addresses are these, or lie outside as these do."""
    inside = pixel >= 0
    same = (part[0] == pixel) & (part[1] == lane)
    return np.array_equal(part[0] >= 0, inside) and bool(same[inside].all())


def _by_lanes(type_: TensorType, pixel: Array, lane: Array) -> tuple[Array, Array]:
    """Source pixels and lanes with the lanes of the result last, those that are padding OUTSIDE."""
    if type_.segments is None:  # every element a pixel of one lane
        shape = type_.shape or (1,)
        return pixel.reshape(*shape, 1), lane.reshape(*shape, 1)
    physical = np.array(channels_of_lanes(type_))
    axis = min(type_.axis, max(pixel.ndim - 1, 0))
    pixels = np.moveaxis(np.atleast_1d(pixel), axis, -1)[..., np.maximum(physical, 0)]
    lanes = np.moveaxis(np.atleast_1d(lane), axis, -1)[..., np.maximum(physical, 0)]
    return np.where(physical < 0, OUTSIDE, pixels), np.where(physical < 0, 0, lanes)


def _addends(pixels: Array, lanes: Array) -> tuple[tuple[Array, ...], tuple[Array, ...], Array, Array]:
    """What each axis, and at last the lanes, would add if the addresses were sums."""
    valid = pixels >= 0
    start = tuple(int(n) for n in np.unravel_index(valid.argmax(), valid.shape))
    parts = []
    for axis in range(pixels.ndim):
        at = tuple(slice(None) if n == axis else i for n, i in enumerate(start))
        others = tuple(n for n in range(pixels.ndim) if n != axis)
        is_inside = valid.any(axis=others)
        is_last = axis == pixels.ndim - 1
        pixel = pixels[at] - (0 if is_last else pixels[start])
        lane = lanes[at] - (0 if is_last else lanes[start])
        parts.append((np.where(is_inside, pixel, OUTSIDE), np.where(is_inside, lane, 0)))
    return tuple(p for p, _ in parts[:-1]), tuple(n for _, n in parts[:-1]), *parts[-1]


@dataclass(eq=False)
class GatherKernel(FamilyKernel):
    """Bytes, or words of row-major tensors, each from its address in the source."""

    kind = "gather"
    source: View | str | Array = field(kw_only=True)
    tables: Addresses = field(kw_only=True)
    fill: int = 0
    bytes: bool = True

    @property
    def moves_words(self) -> bool:
        return not self.bytes

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if self.bytes:
            assert isinstance(self.source, View)
            source = memory.read(self.source)
        else:
            source = memory.row_major(self.source, inputs)
        fill = np.array(self.fill, np.int64).astype(source.dtype)
        pitch = self.source.pitch if isinstance(self.source, View) else 0
        result = np.empty((math.prod(self.tables.axes), len(self.tables.lane_pixels)), source.dtype)
        for some, pixels, lanes in self.tables.parts():
            inside = pixels >= 0
            pixel, lane = np.where(inside, pixels, 0), np.where(inside, lanes, 0)
            values = source[pixel, lane] if self.bytes else source[pixel * pitch + lane]
            result[some] = np.where(inside, values, fill)
        return result

    def title(self) -> str:
        what = "bytes" if self.bytes else "words"
        return f"gather: {what} by their addresses in the source"

    def emit(self, shader: Shader) -> Json:
        t = self.tables
        name, start = shader.operand(self.source)
        pitch = self.source.pitch if isinstance(self.source, View) else 0
        shader.define(source=start, source_pitch=pitch)
        structure: Json = {"source_name": name, "bytes": self.bytes, "axes": [], "whole": False}
        shader.define(fill=(self.fill & 0xFF) if self.bytes else (self.fill & 0xFFFFFFFF))
        structure["guarded"] = any((pixel < 0).any() for _, pixel, _ in t.parts())
        if t.whole is not None:
            lanes = self.source.words * 4 if isinstance(self.source, View) and self.bytes else 0
            addresses = np.where(t.whole[0] < 0, -1, t.whole[0] * lanes + t.whole[1])
            shader.define(addresses=shader.table(addresses.astype(np.int32)), source_lanes=lanes)
            return structure | {"whole": True}
        structure["axes"] = _axes(shader, t)
        structure["word_by_word"] = self.bytes and _whole_words(t)
        if self.bytes and not structure["word_by_word"]:
            shader.define(lane_lanes=shader.table(t.lane_lanes.astype(np.int32)))
            structure["lane_pixels"] = bool((t.lane_pixels != 0).any())
            if structure["lane_pixels"]:
                shader.define(lane_pixels=shader.table(t.lane_pixels.astype(np.int32)))
        else:
            shader.define("i32", lane_first=int(t.lane_lanes[0]))
            shader.define("i32", pixel_first=int(t.lane_pixels[0]))
        return structure


def _axes(shader: Shader, t: Addresses) -> list[Json]:
    """The result's axes that move in the source, from the last, and how each of them does."""
    axes = []
    for number in reversed(range(len(t.axes))):
        if t.axes[number] == 1 and not t.pixels[number].any() and not t.lanes[number].any():
            continue
        shader.define(suffix=str(number), size=t.axes[number])
        pixel = _form(shader, f"pixel{number}", t.pixels[number])
        lane = _form(shader, f"lane{number}", t.lanes[number])
        axes.append({"number": number, "pixel": pixel, "lane": lane})
    return axes


def _form(shader: Shader, name: str, data: Array) -> str:
    """How the shader has an axis' addends: none, a stride, or a table."""
    if not data.any():
        return "none"
    if len(data) < 2 or np.array_equal(data, np.arange(len(data)) * (data[1] - data[0])):
        stride = int(data[1] - data[0]) if len(data) > 1 else 0
        if data[0] == 0:
            shader.constant(f"{name}_stride", stride, "i32")
            return "stride"
    shader.constant(f"{name}_table", shader.table(data.astype(np.int32)))
    return "table"


def _whole_words(t: Addresses) -> bool:
    """Whether every word of the result is a whole word of the source."""
    real = t.lane_pixels >= 0
    lanes = np.arange(len(real))
    contiguous = np.array_equal(t.lane_lanes[real], (lanes + t.lane_lanes[0])[real])
    aligned = t.lane_lanes[0] % 4 == 0 and all(not (table % 4).any() for table in t.lanes)
    full = not real.size or bool((t.lane_pixels[real] == t.lane_pixels[0]).all())
    return bool(real.size and real[0] and contiguous and aligned and full and real.all())
