"""Windows of taps and what they combine to: neither many windows nor many taps take much memory or time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .array import Array

BLOCK = 1 << 22
"""Elements that are laid side by side at a time."""


@dataclass(frozen=True)
class WindowAxis:
    """Windows along an axis of `side` elements: tap t of window o is element o * stride - before +
    t * dilation, if there is one. `after`: what is padded behind the last element.
    """

    side: int
    outputs: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def is_identity(self) -> bool:
        """Whether every element is a window of its own."""
        return (self.outputs, self.taps, self.stride, self.before) == (self.side, 1, 1, 0)

    @property
    def reach(self) -> int:
        """Elements from the first tap of the first window to the last of the last."""
        return (self.outputs - 1) * self.stride + (self.taps - 1) * self.dilation + 1

    @property
    def guarded(self) -> bool:
        """Whether some tap lies outside."""
        return self.before > 0 or self.reach - self.before > self.side

    def elements(self, outputs: Array, taps: Array) -> Array:
        """The element of each of some taps in each of some windows, i64 [taps, outputs], -1 outside.

        >>> WindowAxis(5, 3, taps=3, stride=2, before=1).elements(np.arange(3), np.arange(3)).tolist()
        [[-1, 1, 3], [0, 2, 4], [1, 3, -1]]
        """
        at = outputs * self.stride - self.before + taps[:, None] * self.dilation
        return np.where((at < 0) | (at >= self.side), -1, at)

    def inside(self) -> Array:
        """How many taps of each window lie inside, i64 [outputs]."""
        starts = np.arange(self.outputs) * self.stride - self.before
        first, end = (-(starts // self.dilation), -((starts - self.side) // self.dilation))
        return np.clip(end, 0, self.taps) - np.clip(first, 0, self.taps)


def taps_inside(axes: Sequence[WindowAxis]) -> Array:
    """How many taps of each window lie inside, i64 [outputs...]."""
    counts: Array = np.multiply.reduce(np.meshgrid(*(axis.inside() for axis in axes), indexing="ij"))
    return counts


def extremes_of_windows(x: Array, axes: Sequence[WindowAxis], better: np.ufunc) -> Array:
    """The greatest or least integer (`better` maximum or minimum) of every window of x [sides..., width], in
    x's dtype; that of a window without a tap inside is the worst there is.

    >>> x = np.array([[3], [1], [2], [5]])
    >>> extremes_of_windows(x, [WindowAxis(4, 3, taps=3, stride=2, before=1)], np.minimum)[:, 0].tolist()
    [1, 1, 5]
    """
    for number, axis in enumerate(axes):
        if not axis.is_identity:
            rows = x.reshape(math.prod(x.shape[:number]), axis.side, -1)
            result = np.empty((len(rows), axis.outputs, rows.shape[2]), x.dtype)
            for some in _parts(len(rows), max(axis.side, axis.reach) * rows.shape[2]):
                result[some] = _extremes(rows[some], axis, better)
            x = result.reshape(*x.shape[:number], axis.outputs, *x.shape[number + 1 :])
    return x


def _extremes(rows: Array, axis: WindowAxis, better: np.ufunc) -> Array:
    """Of the windows along the second axis. Two windows of half the taps, which may overlap, make one."""
    bounds = np.iinfo(rows.dtype)
    worst = bounds.min if better is np.maximum else bounds.max
    best = np.full((len(rows), axis.reach, rows.shape[2]), worst, rows.dtype)
    first, end = max(-axis.before, 0), min(axis.reach - axis.before, axis.side)
    if first < end:
        best[:, first + axis.before : end + axis.before] = rows[:, first:end]
    taps = 1
    while taps < axis.taps:
        step = min(taps, axis.taps - taps)
        best = better(best[:, : -step * axis.dilation], best[:, step * axis.dilation :])
        taps += step
    return best[:, :: axis.stride]


def sums_of_windows(x: Array, axes: Sequence[WindowAxis]) -> Array:
    """The f32 sum of every window of x f32 [sides..., width]: from 0 on, one addition a tap, in order, those
    of the last axis fastest.

    >>> x = np.array([[1], [2.0**24], [1], [-(2.0**24)]], np.float32)
    >>> sums_of_windows(x, [WindowAxis(4, 2, taps=3)]).tolist()  # 2^24 + 1 is no f32
    [[16777216.0], [0.0]]
    """
    outputs, taps, width = [axis.outputs for axis in axes], [axis.taps for axis in axes], x.shape[-1]
    # No sum that begins at 0 is changed by -0: that is the last pixel, which -1 is.
    pixels = np.concatenate([x.reshape(-1, width), np.full((1, width), -0.0, x.dtype)])
    sums = np.zeros((math.prod(outputs), width), x.dtype)
    for windows in _parts(len(sums), width):
        total = sums[windows]
        places = np.unravel_index(np.arange(windows.start, windows.stop), outputs)
        for some in _parts(math.prod(taps), total.size):
            tap = np.unravel_index(np.arange(some.start, some.stop), taps)
            for values in pixels[_pixels(axes, places, tap)]:
                total += values
    return sums.reshape(*outputs, width)


def _pixels(axes: Sequence[WindowAxis], outputs: Sequence[Array], taps: Sequence[Array]) -> Array:
    """The pixel of each of some taps in each of some windows, i64 [taps, windows], -1 outside."""
    pixel: Array = np.zeros((), np.int64)
    outside: Array = np.zeros((), bool)
    for axis, o, t in zip(axes, outputs, taps, strict=True):
        element = axis.elements(o, t)
        pixel, outside = pixel * axis.side + element, outside | (element < 0)
    return np.where(outside, -1, pixel)


def _parts(count: int, width: int) -> Iterator[slice]:
    """So many rows of a width in blocks."""
    step = max(1, BLOCK // max(1, width))
    return (slice(first, min(first + step, count)) for first in range(0, count, step))
