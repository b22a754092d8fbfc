"""One kernel for what combines the elements of windows: the greatest, the least, a sum, an average.

A window is a product of taps along the pixel axes of the source: a pool's along its spatial axes, a
reduction's over the whole of each axis that it reduces. Four channels of a word are combined at a
time; where a reduction takes in the packed axis too, the lanes of a pixel in the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arithmetic import F32, PoolAxis, float_order, requantize
from ..ir.program import Source, View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.shader import Json, Shader
from .base import FamilyKernel

STARTS = {"max": -(2**31), "min": 2**31 - 1}


@dataclass(frozen=True)
class WindowAxis:
    """Windows along one pixel axis of `side` elements, `pitch` pixels apart: tap t of window o
    reads element o * stride - before + t * dilation, if there is one.
    """

    side: int
    pitch: int
    outputs: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0

    @classmethod
    def of_pool(cls, axis: PoolAxis, side: int, pitch: int, stride: int, dilation: int) -> WindowAxis:
        """The windows of a pool."""
        outputs, taps = axis.indices.shape
        return cls(side, pitch, outputs, taps, stride, dilation, axis.before)

    @property
    def kept(self) -> bool:
        """Whether every element is a window of its own."""
        return (self.outputs, self.taps, self.stride, self.before) == (self.side, 1, 1, 0)

    @property
    def guarded(self) -> bool:
        """Whether some tap lies outside."""
        last = (self.outputs - 1) * self.stride - self.before + (self.taps - 1) * self.dilation
        return self.before > 0 or last >= self.side

    def indices(self) -> Array:
        """Element of each tap, i64 [outputs, taps], -1 outside."""
        starts = np.arange(self.outputs)[:, None] * self.stride - self.before
        found: Array = starts + np.arange(self.taps) * self.dilation
        return np.where((found < 0) | (found >= self.side), -1, found)


def reduced_axes(type_: TensorType, axes: tuple[int, ...]) -> tuple[WindowAxis, ...]:
    """The pixel axes of a type, those of `axes` as one window each; neighbours of a kind merged.

    >>> picture = TensorType("s8", (1, 8, 4, 5), segments=(8,))  # 20 pixels a picture
    >>> rows = reduced_axes(picture, (3,))
    >>> [(axis.side, axis.pitch, axis.outputs, axis.taps) for axis in rows]
    [(4, 5, 4, 1), (5, 1, 1, 5)]
    >>> [(axis.side, axis.pitch, axis.outputs, axis.taps) for axis in reduced_axes(picture, (2, 3))]
    [(20, 1, 1, 20)]
    """
    made: list[WindowAxis] = []
    pitch = 1
    for number in reversed(range(len(type_.shape))):
        side = type_.shape[number]
        if type_.segments is not None and number == type_.axis:
            continue
        whole = number in axes
        if made and (made[0].outputs == 1) == whole and made[0].side > 1:
            side, own = side * made[0].side, made[0].pitch
            made.pop(0)
        else:
            own = pitch
        pitch *= type_.shape[number]
        made.insert(0, WindowAxis(side, own, 1 if whole else side, side if whole else 1))
    return tuple(axis for axis in made if axis.side > 1)


@dataclass(eq=False)
class WindowKernel(FamilyKernel):
    """`reduce` of every window: max, min, sum or average.

    `elements`: bytes, or the f32 or i32 words of a row-major tensor. `lanes`: which lanes of the
    source hold an element, where they too are combined, into one. A sum becomes bytes by
    `multiplier` and the zero points of source and result (n of the one are subtracted); an average
    by `terms` f32 [256], the value of each packed byte, and thresholds of the f32 sum for each
    count of taps; `area` counts taps outside too.
    """

    kind = "window"
    source: Source = field(kw_only=True)
    axes: tuple[WindowAxis, ...] = field(kw_only=True)
    reduce: str = "max"
    elements: str = "bytes"
    in_words: int = 1
    lanes: Array | None = None
    multiplier: float = 1.0
    zero_points: tuple[int, int] = (0, 0)
    terms: Array | None = None
    thresholds: dict[int, Array] = field(default_factory=dict)
    area: bool = False

    @property
    def uses(self) -> list[str]:
        return ["requantize"] if self.reduce == "sum" else []

    @property
    def taps(self) -> int:
        """Taps of a window, those outside counted."""
        return int(np.prod([axis.taps for axis in self.axes], dtype=np.int64))

    def title(self) -> str:
        return f"window: {self.reduce} of {self.taps} {self.elements}" + (
            " and of the lanes of each" if self.lanes is not None else ""
        )

    # ------------------------------------------------------------------------------ simulation

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if self.elements != "bytes":
            words = memory.row_major(self.source, inputs)
            keys = words.view(np.int32)
            if self.elements == "f32":
                keys = float_order(words.view(F32))
            made = self._extreme(keys[:, None].astype(np.int64))[:, 0].astype(np.int32)
            if self.elements == "f32":
                made = made ^ ((made >> 31) & np.int32(0x7FFFFFFF))
            return made.view(np.uint32)
        x = memory.lanes(self.source, self.in_words).view(np.int8).astype(np.int64)
        if self.reduce == "sum":
            levels = self._sum(x)
        elif self.reduce == "average":
            levels = self._average(x)
        else:
            levels = self._extreme(x)
            if self.lanes is not None:
                best = (
                    levels[:, self.lanes].max(1) if self.reduce == "max" else (levels[:, self.lanes].min(1))
                )
                levels = np.repeat(best[:, None], 4, 1)
        return levels.astype(np.int64).astype(np.uint8)

    def _taps(self) -> list[tuple[Array, Array]]:
        """For each tap: source pixel of every window, and whether it is inside."""
        tables = [axis.indices() for axis in self.axes]
        found = []
        for tap in itertools.product(*(range(axis.taps) for axis in self.axes)):
            pixel, inside = np.zeros(1, np.int64), np.ones(1, bool)
            for axis, table, t in zip(self.axes, tables, tap, strict=True):
                pixel = (pixel[:, None] + np.maximum(table[:, t], 0) * axis.pitch).reshape(-1)
                inside = (inside[:, None] & (table[:, t] >= 0)).reshape(-1)
            found.append((pixel, inside[:, None]))
        return found

    def _extreme(self, x: Array) -> Array:
        better = np.maximum if self.reduce == "max" else np.minimum
        best: Array = np.full((1, x.shape[1]), STARTS[self.reduce], np.int64)
        for pixel, inside in self._taps():
            best = np.where(inside, better(best, x[pixel]), best)
        return best

    def _sum(self, x: Array) -> Array:
        total = np.zeros((1, x.shape[1]), np.int64) - self.taps * self.zero_points[0]
        for pixel, _ in self._taps():
            total = total + x[pixel]
        multiplier = np.asarray(self.multiplier, F32)
        return requantize(total.astype(np.int32), multiplier, self.zero_points[1], (-128, 127))

    def _average(self, x: Array) -> Array:
        assert self.terms is not None
        total, count = np.zeros((1, x.shape[1]), F32), np.zeros((1, 1), np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            for pixel, inside in self._taps():
                total = np.where(inside, total + self.terms[x[pixel] & 255], total)
                count = count + inside
        count = np.broadcast_to(self.taps if self.area else count, (len(total), 1))[:, 0]
        keys, levels = float_order(total), np.zeros(total.shape, np.int64)
        for number, thresholds in self.thresholds.items():
            found = np.searchsorted(thresholds, keys, side="right") - 128
            levels = np.where((count == number)[:, None], found, levels)
        return levels

    # ------------------------------------------------------------------------------ the shader

    def emit(self, shader: Shader) -> Json:
        name, start = shader.operand(self.source)
        pitch = self.source.pitch if isinstance(self.source, View) else self.in_words
        shader.define(source=start)
        if self.elements == "bytes":
            shader.define(source_pitch=pitch)
        structure: dict[str, Any] = {
            "source_name": name,
            "reduce": self.reduce,
            "elements": self.elements,
            "axes": self._emit_axes(shader),
            "across": self.lanes is not None,
            "masked": False,
        }
        if self.lanes is not None:
            shader.define(in_words=self.in_words)
            structure["masked"] = not self.lanes.all()
            if structure["masked"]:
                shader.define(masks=shader.table(np.where(self.lanes, 255, 0).astype(np.uint8)))
        if self.reduce == "sum":
            shader.define("i32", offset_x=self.taps * self.zero_points[0])
            shader.define("i32", zero_point=self.zero_points[1])
            shader.define("f32", multiplier=float(self.multiplier))
        elif self.reduce == "average":
            assert self.terms is not None
            structure["several"] = len(self.thresholds) > 1
            sets = np.stack(list(self.thresholds.values())).astype(np.int32)
            shader.define(terms=shader.table(self.terms), thresholds=shader.table(sets))
            if structure["several"]:
                numbers = np.zeros(max(self.thresholds) + 1, np.int32)
                numbers[list(self.thresholds)] = np.arange(len(self.thresholds)) * 255
                shader.define(sets=shader.table(numbers))
        return structure

    def _emit_axes(self, shader: Shader) -> list[Json]:
        """The axes, innermost first, with what each one needs."""
        axes = []
        for number, axis in enumerate(reversed(self.axes)):
            windowed = not axis.kept
            shader.define(suffix=str(number), axis_pitch=axis.pitch)
            if axis.outputs > 1:
                shader.define(suffix=str(number), outputs=axis.outputs)
            if windowed:
                shader.define("i32", str(number), stride=axis.stride, before=axis.before)
                shader.define("i32", str(number), taps=axis.taps, dilation=axis.dilation)
                shader.define("i32", str(number), side=axis.side)
            axes.append(
                {
                    "number": number,
                    "windowed": windowed,
                    "guarded": axis.guarded,
                    "outputs": axis.outputs,
                }
            )
        return axes
