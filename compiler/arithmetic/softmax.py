"""QLinearSoftmax on stored integers."""

from __future__ import annotations

import math

import numpy as np

from .array import Array
from .quantization import F32, wrap_i32

OPSET_OF_ONE_AXIS = 13
"""From this opset on Softmax reduces one axis; before, all axes from `axis` on, flattened."""


def softmax_table(scale: float, length: int) -> Array:
    """exp((i - 255 + B) * sx) of i = x - row maximum + 255, in f64, then rounded: f32 [256].

    B = max(0, RN(RN(ln(RN(f32max / D))) - 5)) / sx with D the reduced length: sums stay finite.
    """
    sx = float(F32(scale))
    largest = float(np.finfo(F32).max / F32(length))
    base = float(max(F32(0), F32(math.log(largest)) - F32(5))) / sx
    return np.array([math.exp((i - 255 + base) * sx) for i in range(256)]).astype(F32)


def softmax_numerators(table: Array, y_scale: float) -> Array:
    """RN(T * floor(RN(1 / sy))), f32 [256]: what is divided by the row's sum."""
    with np.errstate(over="ignore"):
        numerators: Array = table * np.floor(F32(1) / F32(y_scale))
    return numerators


def qlinear_softmax(
    x: Array,
    x_scale: float,
    y_q: tuple[float, int],
    limits: tuple[int, int],
    axis: int,
    opset: int = OPSET_OF_ONE_AXIS,
) -> Array:
    """QLinearSoftmax of stored integers, as int32; x's zero point does not enter.

    A shader does the same: per row the maximum; i = x - maximum + 255 for each element; S = the
    sum of T[i] (`softmax_table`), from the first element to the last, each addition rounded to f32;
    y = min(rne(RN(N[i] / S)) + zy, hi) with N of `softmax_numerators`. The f32 operations that
    remain are D - 1 additions a row and one division an element; all values are positive and
    finite, except that N[i] is infinite where 1 / sy > 148 * D lets it overflow: then the level is
    `softmax_levels` of infinity, whatever S is.
    """
    axis %= x.ndim
    if opset < OPSET_OF_ONE_AXIS:
        rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
        return _softmax_rows(rows, x_scale, y_q, limits).reshape(x.shape)
    moved = np.moveaxis(x, axis, -1)
    rows = moved.reshape(-1, moved.shape[-1])
    result = _softmax_rows(rows, x_scale, y_q, limits)
    return np.moveaxis(result.reshape(moved.shape), -1, axis)


def _softmax_rows(rows: Array, x_scale: float, y_q: tuple[float, int], limits: tuple[int, int]) -> Array:
    table = softmax_table(x_scale, rows.shape[1])
    index = rows.astype(np.int64)
    index = index - index.max(axis=1, keepdims=True) + 255
    total = np.zeros(len(rows), F32)
    # From the first element to the last; numpy's own sum adds pairwise, to other bits.
    for column in index.T:
        total = total + table[column]
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = softmax_numerators(table, y_q[0])[index] / total[:, None]
    return softmax_levels(quotient, y_q[1], limits)


def softmax_levels(quotient: Array, zero_point: int, limits: tuple[int, int]) -> Array:
    """rne(N / S) + zy, at most hi, as int32; what is too large becomes what x86's conversions and
    wrapping additions make of it: u8 the quotient modulo 2^32 (0 from 2^63 on), s8 -2^31.
    """
    rounded = np.rint(quotient).astype(np.float64)
    if limits[0] < 0:
        whole = np.where(rounded < 2.0**31, rounded, -(2.0**31)).astype(np.int64)
        return np.clip(wrap_i32(whole + zero_point), *limits).astype(np.int32)
    whole = np.where(rounded < 2.0**63, rounded, 0.0).astype(np.int64)
    unsigned = (whole + zero_point) & 0xFFFFFFFF
    levels: Array = np.minimum(unsigned, limits[1]).astype(np.int32)
    return levels
