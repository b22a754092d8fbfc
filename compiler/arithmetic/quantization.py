"""Quantize, dequantize and requantize, and f32 thresholds that stand for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import Array

F32 = np.float32
IMPLIED_ZERO_POINTS = {
    "DequantizeLinear": frozenset({np.dtype(np.int32), np.dtype(np.uint8), np.dtype(np.int8)}),
    "QuantizeLinear": frozenset({np.dtype(np.uint8)}),
}
"""Stored types whose zero point is 0 where there is none; without one QuantizeLinear makes uint8."""
NEVER = 0x7FFFFFFF
"""A threshold that no value reaches."""


def quantize_linear(x: Array, scale: float, zero_point: int, limits: tuple[int, int]) -> Array:
    """QuantizeLinear of f32: rne(clamp(RN(x / s), lo - z, hi - z)) + z as int32; NaN gives lo."""
    low, high = limits
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        v = x.astype(F32) / F32(scale)
    # ONNX Runtime's clamp takes NaN to the lower bound; numpy's keeps it.
    v = np.where(np.isnan(v), F32(low - zero_point), v)
    v = np.clip(v, F32(low - zero_point), F32(high - zero_point))
    levels: Array = np.rint(v).astype(np.int32) + np.int32(zero_point)
    return levels


def dequantize_linear(q: Array, scale: Array | float, zero_point: Array | int) -> Array:
    """DequantizeLinear: RN(f32(q - z) * s); scale and zero point broadcast against q."""
    # An int32 bias less its zero point may leave int32.
    difference = q.astype(np.int64) - np.asarray(zero_point, np.int64)
    with np.errstate(over="ignore"):
        result: Array = difference.astype(F32) * np.asarray(scale, F32)
    return result


def is_implied(zero_point: Array, operator: str, dtype: np.dtype[Any]) -> bool:
    """Whether a QuantizeLinear or DequantizeLinear means the same without this constant zero point.

    `dtype`: the one that QuantizeLinear makes, or that DequantizeLinear reads.
    """
    return np.dtype(dtype) in IMPLIED_ZERO_POINTS.get(operator, ()) and not np.any(zero_point)


def requantize_multiplier(sx: float, sw: Array, sy: float) -> Array:
    """QLinearConv's scale of each output channel: RN(RN(sx * sw) / sy), f32; infinite where f32 ends."""
    with np.errstate(over="ignore"):
        product = F32(sx) * np.asarray(sw, F32)
        result: Array = product / F32(sy)
    return result


def requantize(accumulator: Array, multiplier: Array, zero_point: int, limits: tuple[int, int]) -> Array:
    """QLinearConv's rne(clamp(RN(RN(acc) * multiplier), lo - z, hi - z)) + z, as int32."""
    low, high = limits
    with np.errstate(over="ignore"):
        v = accumulator.astype(F32) * multiplier.astype(F32)
    v = np.clip(v, F32(low - zero_point), F32(high - zero_point))
    return np.rint(v).astype(np.int32) + np.int32(zero_point)


def quantize_bias(bias: Array, sx: float, sw: Array) -> Array:
    """A float bias as the int32 that ONNX Runtime makes of it: rne(RN(b / RN(sx * sw)))."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quotient = bias.astype(F32) / (F32(sx) * np.asarray(sw, F32))
    # 2^31 - 1 is no f32: clamped in f64, so that the greatest bias does not wrap.
    levels = np.clip(np.rint(quotient.astype(np.float64)), -(2.0**31), 2.0**31 - 1)
    return levels.astype(np.int32)


def saturate(value: Array, limits: tuple[int, int]) -> Array:
    """sat(rne(v)) as int32; NaN and what int32 can't hold give `lo`, as cvtps2dq makes of them."""
    low, high = limits
    rounded = np.rint(value)
    in_range = (rounded >= F32(-(2.0**31))) & (rounded < F32(2.0**31))
    levels: Array = np.clip(np.where(in_range, rounded, F32(low)), low, high).astype(np.int32)
    return levels


def stored_bytes(limits: tuple[int, int]) -> Array:
    """The stored integer of each byte 0..255, i32 [256]."""
    low, _ = limits
    values = np.arange(256, dtype=np.int32)
    return np.where(values > 127, values - 256, values).astype(np.int32) if low < 0 else values


def low_bytes(values: Array) -> Array:
    """What ONNX Runtime's Cast makes bytes of, u8: the low byte of an integer; of a float that of the int32
    to which it is cut off, 0 where int32 can't hold it.

    >>> low_bytes(np.array([2.9, -1.5, 300, 1e10, np.nan], F32)).tolist()
    [2, 255, 44, 0, 0]
    """
    if values.dtype == F32:
        # Beside -2^31 itself, whose low byte is 0 as well.
        values = np.where(np.abs(values) < F32(2.0**31), values, F32(0))
    return values.astype(np.int64).astype(np.uint8)


def wrap_i32(values: Array) -> Array:
    """int64 reduced to int32 modulo 2^32."""
    return values.astype(np.int64).astype(np.uint32).view(np.int32)


def float_order(x: Array) -> Array:
    """f32 as i32 keys in the same order (-0 just below +0): bits ^ ((bits >> 31) & 0x7fffffff).

    >>> float_order(np.array([-1, -0.0, 0.0, 1e-45], F32)).tolist()
    [-1065353217, -1, 0, 1]
    """
    bits = np.ascontiguousarray(x, F32).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def float_from_order(keys: Array) -> Array:
    """The inverse of `float_order`."""
    bits = keys.astype(np.int32)
    return (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).view(F32)


def quantize_thresholds(scale: float, zero_point: int, limits: tuple[int, int]) -> Array:
    """Key of the smallest f32 that QuantizeLinear takes to lo + 1 ... hi, i32 [255], by bisection.

    A level that no finite or infinite value reaches has the key `NEVER`.

    >>> float_from_order(quantize_thresholds(1.0, 0, (0, 255))[:3]).tolist()  # above 0.5, from 1.5, above 2.5
    [0.5000000596046448, 1.5, 2.500000238418579]
    """
    return least_keys(lambda x: quantize_linear(x, scale, zero_point, limits), (-np.inf, np.inf), limits)


def least_keys(
    levels_of: Callable[[Array], Array], ends: tuple[float, float], limits: tuple[int, int]
) -> Array:
    """Key (`float_order`) of the least f32 between the ends whose level is lo + 1 ... hi, i32 [255].

    `levels_of` grows with its operand. `NEVER` where no value up to the greater end reaches a level.
    """
    least, greatest = float_order(np.array(ends, F32)).astype(np.int64)
    levels = np.arange(limits[0] + 1, limits[1] + 1)
    low = np.full(levels.shape, least - 1)
    high = np.full(levels.shape, greatest + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        # Beyond the ends a key may be no number at all.
        inside = np.clip(middle, least, greatest)
        reaches = (levels_of(float_from_order(inside)) >= levels) & (middle >= least)
        high = np.where(reaches, middle, high)
        low = np.where(reaches, low, middle)
    return np.where(high > greatest, NEVER, high).astype(np.int32)
