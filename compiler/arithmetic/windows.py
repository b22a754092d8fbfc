"""Windows of taps and what they combine to: neither many windows nor many taps take much memory or time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .array import Array
from .block import blocks


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

    def inside(self) -> Array:
        """How many taps of each window lie inside, i64 [outputs].

        >>> WindowAxis(5, 3, taps=3, stride=2, before=1).inside().tolist()
        [2, 3, 2]
        """
        starts = np.arange(self.outputs) * self.stride - self.before
        first, end = (-(starts // self.dilation), -((starts - self.side) // self.dilation))
        return np.clip(end, 0, self.taps) - np.clip(first, 0, self.taps)


def taps_inside(axes: Sequence[WindowAxis]) -> Array:
    """How many taps of each window lie inside, i64 [outputs...]."""
    counts: Array = np.multiply.reduce(np.meshgrid(*(axis.inside() for axis in axes), indexing="ij"))
    return counts


def extremes_of_windows(x: Array, axes: Sequence[WindowAxis], better: np.ufunc) -> Array:
    """The greatest or least integer (`better` maximum or minimum) of every window of x [rows, sides...], in
    x's dtype; that of a window without a tap inside is the worst there is.

    >>> axis = WindowAxis(4, 3, taps=3, stride=2, before=1)
    >>> extremes_of_windows(np.array([[3, 1, 2, 5]]), [axis], np.minimum).tolist()
    [[1, 1, 5]]
    """
    bounds = np.iinfo(x.dtype)
    worst = bounds.min if better is np.maximum else bounds.max
    result = _results(x, axes)
    for rows in blocks(len(x), math.prod(axis.reach for axis in axes)):
        best = _frame(x[rows], axes, worst)
        for number, axis in enumerate(axes, 1):
            best = np.moveaxis(_extremes(np.moveaxis(best, number, 0), axis, better), 0, number)
        result[rows] = best
    return result


def _extremes(x: Array, axis: WindowAxis, better: np.ufunc) -> Array:
    """Of the windows along the first axis. Two windows of half the taps, which may overlap, make one."""
    taps = 1
    while taps < axis.taps:
        step = min(taps, axis.taps - taps)
        x = better(x[: -step * axis.dilation], x[step * axis.dilation :])
        taps += step
    return x[:: axis.stride]


def sums_of_windows(x: Array, axes: Sequence[WindowAxis]) -> Array:
    """The f32 sum of every window of x f32 [rows, sides...]: from 0 on, one addition a tap, in order, those
    of the last axis fastest.

    >>> x = np.array([[1, 2.0**24, 1, -(2.0**24)]], np.float32)
    >>> sums_of_windows(x, [WindowAxis(4, 2, taps=3)]).tolist()  # 2^24 + 1 is no f32
    [[16777216.0, 0.0]]
    """
    result = _results(x, axes)
    for rows in blocks(len(x), math.prod(axis.reach for axis in axes)):
        frame, total = _frame(x[rows], axes, -0.0), result[rows]  # -0 changes no sum that begins at 0
        for tap in itertools.product(*(range(axis.taps) for axis in axes)):
            total += frame[(slice(None), *map(_elements, axes, tap))]
    return result


def _elements(axis: WindowAxis, tap: int) -> slice:
    """Those of a tap in all windows, in a frame."""
    first = tap * axis.dilation
    return slice(first, first + (axis.outputs - 1) * axis.stride + 1, axis.stride)


def _frame(x: Array, axes: Sequence[WindowAxis], padding: float) -> Array:
    """What windows reach of x, and `padding` outside: [rows, reaches...]."""
    frame = np.full((len(x), *(axis.reach for axis in axes)), padding, x.dtype)
    source, target = [slice(None)], [slice(None)]
    for axis in axes:
        first, end = max(-axis.before, 0), max(min(axis.reach - axis.before, axis.side), 0)
        source.append(slice(first, end))
        target.append(slice(first + axis.before, max(end + axis.before, 0)))
    frame[tuple(target)] = x[tuple(source)]
    return frame


def _results(x: Array, axes: Sequence[WindowAxis]) -> Array:
    """One zero for every window, [rows, outputs...]."""
    return np.zeros((len(x), *(axis.outputs for axis in axes)), x.dtype)
