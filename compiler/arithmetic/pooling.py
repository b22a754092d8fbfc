"""Average and max pooling on stored integers, and the tables in which a shader computes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .array import Array
from .quantization import F32, least_keys, requantize, saturate, stored_bytes
from .windows import WindowAxis, extremes_of_windows, sums_of_windows, taps_inside


def pool_axis(
    size: int,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    pads: tuple[int, int] = (0, 0),
    auto_pad: str = "NOTSET",
    ceil_mode: bool = False,
) -> WindowAxis:
    """The windows of MaxPool and AveragePool along one axis, as onnxruntime places them (measured).

    room = size + pads - dilation * (kernel - 1) - 1. There are room / stride + 1 windows, truncated
    towards zero; in ceil_mode rounded up, and then one that would start at or beyond size + before
    is dropped. auto_pad replaces the pads: VALID by none; SAME_UPPER and SAME_LOWER by
    (ceil(size / stride) - 1) * stride + kernel - size in all, halved towards zero, the odd one
    after or before. That ignores dilation, and is negative where stride > kernel: the input is then
    cropped.

    >>> pool_axis(5, kernel=3, stride=2, pads=(1, 1))
    WindowAxis(side=5, outputs=3, taps=3, stride=2, dilation=1, before=1, after=1)
    """
    before, after = pads
    if auto_pad == "VALID":
        before = after = 0
    elif auto_pad != "NOTSET":
        needed = (-(-size // stride) - 1) * stride + kernel - size
        # int() cuts off towards zero, as C++ does; // would round a negative total down.
        before = int((needed + (auto_pad == "SAME_LOWER")) / 2)
        after = needed - before
    room = size + before + after - dilation * (kernel - 1) - 1
    # Cut off as C++'s division does, which matters where the kernel does not fit (room < 0).
    outputs = (-(-room // stride) if ceil_mode else int(room / stride)) + 1
    if ceil_mode and (outputs - 1) * stride >= size + before:
        outputs -= 1
    return WindowAxis(size, max(outputs, 0), kernel, stride, dilation, before, after)


def max_pool(x: Array, axes: list[WindowAxis]) -> Array:
    """MaxPool of stored integers [N, C, ...] (one WindowAxis for each spatial axis): padding never
    wins. A window without a tap inside gives the least value of x's dtype.
    """
    return _for_rows(extremes_of_windows, x, axes, np.maximum)


def _for_rows(of_windows: Callable[..., Array], x: Array, axes: list[WindowAxis], *more: Any) -> Array:
    """For x [N, C, ...], whose images are the rows."""
    rows = of_windows(x.reshape(-1, *x.shape[2:]), axes, *more)
    return rows.reshape(*x.shape[:2], *rows.shape[1:])


def pool_counts(axes: list[WindowAxis], count_include_pad: bool) -> Array:
    """What AveragePool divides by, i64 [spatial outputs]: the taps inside, or all taps."""
    counts = taps_inside(axes)
    return np.full_like(counts, math.prod(axis.taps for axis in axes)) if count_include_pad else counts


def average_pool(
    x: Array,
    axes: list[WindowAxis],
    x_q: tuple[float, int],
    y_q: tuple[float, int],
    limits: tuple[int, int],
    count_include_pad: bool = False,
) -> Array:
    """QLinearAveragePool of stored integers [N, C, ...], as int32 [N, C, ...].

    S = RN(S + RN(sx * (x - zx))) over the taps inside, the last axis fastest, from 0; then
    `average_levels`. Where one window without pads is the whole image (`is_global`), the global
    formula instead.
    """
    if is_global(x.shape[2:], axes):
        return global_average_pool(x, x_q, y_q, limits)
    terms = average_terms(x_q, limits)
    with np.errstate(over="ignore", invalid="ignore"):
        total = _for_rows(sums_of_windows, terms[x.astype(np.uint8)], axes)
    return average_levels(total, pool_counts(axes, count_include_pad), y_q, limits)


def is_global(size: tuple[int, ...], axes: list[WindowAxis]) -> bool:
    """Whether onnxruntime averages by the global formula: the kernel is the image, no pads."""
    return all(
        axis.before == axis.after == 0 and axis.taps == length
        for length, axis in zip(size, axes, strict=True)
    )


def average_terms(x_q: tuple[float, int], limits: tuple[int, int]) -> Array:
    """RN(sx * (x - zx)) of each byte by its stored bits, f32 [256]."""
    with np.errstate(over="ignore"):
        terms: Array = (stored_bytes(limits) - x_q[1]).astype(F32) * F32(x_q[0])
    return terms


def average_levels(
    total: Array, count: Array | int, y_q: tuple[float, int], limits: tuple[int, int]
) -> Array:
    """sat(rne(RN(RN(RN(S / count) / sy) + zy))) of f32 sums, as int32; beyond int32 gives `lo`."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = total / np.asarray(count).astype(F32)
        value = mean / F32(y_q[0]) + F32(y_q[1])
    return saturate(value, limits)


def average_thresholds(
    count: int, x_q: tuple[float, int], y_q: tuple[float, int], limits: tuple[int, int]
) -> Array | None:
    """Keys (`float_order`) of the least sum S that reaches lo + 1 ... hi, i32 [255] (`least_keys`).

    level = lo + the number of thresholds <= float_order(S), for every sum of up to `count` terms;
    `NEVER` where no such sum reaches a level. None where a sum may leave int32, whose level is
    `lo`.

    >>> from onnx2wgsl.compiler.arithmetic import float_from_order
    >>> keys = average_thresholds(4, (1.0, 0), (1.0, 0), (0, 255))
    >>> float_from_order(keys[:3]).tolist()  # means of 4 terms above 0.5, from 1.5, above 2.5: ties to even
    [2.000000238418579, 6.0, 10.000000953674316]
    """
    # One per cent covers the rounding of count additions.
    largest = np.abs(average_terms(x_q, limits)).max() * F32(count) * F32(1.01)
    with np.errstate(over="ignore", invalid="ignore"):
        if not abs(largest / F32(count) / F32(y_q[0])) + F32(256) < F32(2.0**31):
            return None
    ends = (-largest, largest)
    return least_keys(lambda total: average_levels(total, count, y_q, limits), ends, limits)


def global_average_multiplier(sx: float, sy: float, count: int) -> np.float32:
    """QLinearGlobalAveragePool's scale, f32: RN(sx / RN(sy * f32(count))); infinite where f32 ends."""
    with np.errstate(over="ignore"):
        return F32(F32(sx) / (F32(sy) * F32(count)))


def global_average_pool(
    x: Array, x_q: tuple[float, int], y_q: tuple[float, int], limits: tuple[int, int]
) -> Array:
    """QLinearGlobalAveragePool of stored integers [N, C, ...], as int32 [N, C, 1, ...].

    acc = sum(x) - n * zx, then `requantize` by `global_average_multiplier`.
    """
    count = int(np.prod(x.shape[2:]))
    axes = tuple(range(2, x.ndim))
    accumulator = x.astype(np.int64).sum(axis=axes, keepdims=True) - count * x_q[1]
    multiplier = global_average_multiplier(x_q[0], y_q[0], count)
    return requantize(accumulator.astype(np.int32), np.asarray(multiplier), y_q[1], limits)
