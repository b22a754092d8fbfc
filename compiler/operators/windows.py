"""One kernel for what combines the elements of windows: the greatest, the least, a sum, an average.

A window is a product of taps along the pixel axes of the source: a pool's along its spatial axes, a
reduction's over the whole of each axis that it reduces. Four channels of a word are combined at a
time; where a reduction takes in the packed axis too, the lanes of a pixel in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arithmetic import (
    F32,
    WindowAxis,
    extremes_of_windows,
    float_order,
    requantize,
    sums_of_windows,
    taps_inside,
    wrap_i32,
)
from ..ir.program import Source, View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.shader import Json, Shader
from .base import FamilyKernel

SOFT_ADDITION = 16
"""What an addition of floats costs that is made of integers."""


def reduced_axes(type_: TensorType, axes: tuple[int, ...]) -> tuple[WindowAxis, ...]:
    """The pixel axes of a type, those of `axes` as one window each; neighbours of a kind merged.

    >>> picture = TensorType("s8", (1, 8, 4, 5), segments=(8,))  # 20 pixels a picture
    >>> [(axis.side, axis.outputs, axis.taps) for axis in reduced_axes(picture, (3,))]
    [(4, 4, 1), (5, 1, 5)]
    >>> [(axis.side, axis.outputs, axis.taps) for axis in reduced_axes(picture, (2, 3))]
    [(20, 1, 20)]
    """
    windows: list[WindowAxis] = []
    for number in reversed(range(len(type_.shape))):
        side, whole = type_.shape[number], number in axes
        if side == 1 or (type_.segments is not None and number == type_.axis):
            continue
        if windows and (windows[0].outputs == 1) == whole:
            side *= windows.pop(0).side
        windows.insert(0, WindowAxis(side, 1 if whole else side, side if whole else 1))
    return tuple(windows)


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

    @property
    def operations(self) -> int:
        each = SOFT_ADDITION if self.reduce == "average" else 1
        return self.pixels * self.words * self.taps * each

    def title(self) -> str:
        return f"window: {self.reduce} of {self.taps} {self.elements}" + (
            " and of the lanes of each" if self.lanes is not None else ""
        )

    # ------------------------------------------------------------------------------ simulation

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        if self.elements != "bytes":
            keys = memory.row_major(self.source, inputs).view(np.int32)
            if self.elements == "f32":
                keys = float_order(keys.view(F32))
            extremes = extremes_of_windows(self._rows(keys[:, None]), self.axes, self._better).reshape(-1)
            if self.elements == "f32":
                extremes = extremes ^ ((extremes >> 31) & np.int32(0x7FFFFFFF))
            return extremes.view(np.uint32)
        x = self._rows(memory.lanes(self.source, self.in_words).view(np.int8))
        if self.reduce == "sum":
            levels = self._sum(x)
        elif self.reduce == "average":
            levels = self._average(x)
        else:
            levels = extremes_of_windows(x, self.axes, self._better)
        lanes = np.moveaxis(levels, 0, -1).reshape(-1, len(x)).astype(np.uint8)
        if self.lanes is not None:
            best = self._better.reduce(lanes.view(np.int8)[:, self.lanes], axis=1)
            lanes = np.repeat(best[:, None], 4, 1).view(np.uint8)
        return lanes

    @property
    def _better(self) -> np.ufunc:
        return np.maximum if self.reduce == "max" else np.minimum

    def _rows(self, x: Array) -> Array:
        """Elements [pixels, lanes] as [lanes, sides of the axes...]."""
        return np.moveaxis(x.reshape(*(axis.side for axis in self.axes), x.shape[1]), -1, 0)

    def _sum(self, x: Array) -> Array:
        whole = tuple(number for number, axis in enumerate(self.axes, 1) if not axis.is_identity)
        assert all(self.axes[number - 1].taps == x.shape[number] for number in whole)
        total = wrap_i32(x.sum(whole, np.int64) - self.taps * self.zero_points[0])
        multiplier = np.asarray(self.multiplier, F32)
        return requantize(total, multiplier, self.zero_points[1], (-128, 127))

    def _average(self, x: Array) -> Array:
        assert self.terms is not None
        with np.errstate(over="ignore", invalid="ignore"):
            total = sums_of_windows(self.terms[x.view(np.uint8)], self.axes)
        count = np.broadcast_to(self.taps if self.area else taps_inside(self.axes), total.shape)
        keys, levels = float_order(total), np.zeros(total.shape, np.int64)
        for number, thresholds in self.thresholds.items():
            some = count == number
            levels[some] = np.searchsorted(thresholds, keys[some], side="right") - 128
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
        axes, pitch = [], 1
        for number, axis in enumerate(reversed(self.axes)):
            windowed = not axis.is_identity
            shader.define(suffix=str(number), axis_pitch=pitch)
            pitch *= axis.side
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
