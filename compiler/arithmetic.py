"""The exact arithmetic of ONNX Runtime's CPU kernels, in numpy, one formula a function.

The reference is onnxruntime 1.31 on x86-64 with AVX2; the formulas were established by measurement
against it (RN rounds to f32, nearest-even, after every single operation; rne rounds to an integer,
ties to even). numpy's f32 operations are RN already.
"""

from __future__ import annotations

import numpy as np

from .ir import Array

F32 = np.float32


def quantize_linear(x: Array, scale: float, zero_point: int, limits: tuple[int, int]) -> Array:
    """QuantizeLinear of f32: rne(clamp(RN(x / s), lo - z, hi - z)) + z as int32; NaN gives lo."""
    low, high = limits
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        v = x.astype(F32) / F32(scale)
    v = np.where(np.isnan(v), F32(low - zero_point), v)
    v = np.clip(v, F32(low - zero_point), F32(high - zero_point))
    levels: Array = np.rint(v).astype(np.int32) + np.int32(zero_point)
    return levels


def dequantize_linear(q: Array, scale: Array | float, zero_point: Array | int) -> Array:
    """DequantizeLinear: RN(f32(q - z) * s); scale and zero point broadcast against q."""
    difference = q.astype(np.int64) - np.asarray(zero_point, np.int64)
    with np.errstate(over="ignore"):
        result: Array = difference.astype(F32) * np.asarray(scale, F32)
    return result


def requantize_multiplier(sx: float, sw: Array, sy: float) -> Array:
    """QLinearConv's scale of each output channel: RN(RN(sx * sw) / sy), f32."""
    product = F32(sx) * np.asarray(sw, F32)
    result: Array = product / F32(sy)
    return result


def requantize(
    accumulator: Array, multiplier: Array, zero_point: int, limits: tuple[int, int]
) -> Array:
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
    clamped = np.clip(np.rint(quotient.astype(np.float64)), -(2.0**31), 2.0**31 - 1)
    return clamped.astype(np.int32)


def convolve(
    x: Array,
    weight: Array,
    strides: tuple[int, int],
    dilations: tuple[int, int],
    group: int = 1,
) -> Array:
    """Sum of products in int32 that wraps: x i32 [N,C,H,W] (padded already), weight i32
    [O,C/group,KH,KW].
    """
    batch, _, height, width = x.shape
    out_channels, group_channels, kernel_h, kernel_w = weight.shape
    out_h = (height - (kernel_h - 1) * dilations[0] - 1) // strides[0] + 1
    out_w = (width - (kernel_w - 1) * dilations[1] - 1) // strides[1] + 1
    grouped = x.reshape(batch, group, group_channels, height, width)
    kernels = weight.reshape(group, out_channels // group, group_channels, kernel_h, kernel_w)
    total = np.zeros((batch, group, out_channels // group, out_h, out_w), np.float64)
    for ky in range(kernel_h):
        for kx in range(kernel_w):
            top, left = ky * dilations[0], kx * dilations[1]
            window = grouped[
                ...,
                top : top + (out_h - 1) * strides[0] + 1 : strides[0],
                left : left + (out_w - 1) * strides[1] + 1 : strides[1],
            ]
            # f64 holds sums of int8 products exactly up to 2^53, and BLAS is far faster than
            # integers.
            total += np.einsum(
                "goc,ngchw->ngohw",
                kernels[..., ky, kx].astype(np.float64),
                window.astype(np.float64),
                optimize=True,
            )
    return wrap_i32(total.reshape(batch, out_channels, out_h, out_w).astype(np.int64))


def wrap_i32(values: Array) -> Array:
    """int64 reduced to int32 modulo 2^32."""
    return values.astype(np.int64).astype(np.uint32).view(np.int32)


def resize_indices(size: int, result: int, scale: float, coordinates: str, rounding: str) -> Array:
    """Source index of each output position of a nearest Resize along one axis, i64 [result].

    Coordinates are computed in f32, one rounding an operation; an axis of scale 1 is the identity.
    The rounding modes take what lies within 1e-6 of a half for one (measured on 1.31.1).
    """
    if scale == 1.0:
        return np.arange(result)
    o = np.arange(result, dtype=F32)
    s, half = F32(scale), F32(0.5)
    if coordinates == "asymmetric":
        c = o / s
    elif coordinates == "half_pixel" or (coordinates == "pytorch_half_pixel" and result > 1):
        c = (o + half) / s - half
    elif coordinates == "align_corners":
        c = o * F32(size - 1) / F32(result - 1) if result > 1 else np.zeros(1, F32)
    else:
        c = np.zeros(result, F32)
    halfway = np.abs(c - np.floor(c) - half) < 1e-6
    match rounding:
        case "floor":
            index = np.floor(c)
        case "ceil":
            index = np.ceil(c)
        case "round_prefer_floor":
            index = np.where(halfway, np.floor(c), np.rint(c))
        case _:  # round_prefer_ceil
            index = np.where(halfway, np.ceil(c), np.rint(c))
    clipped: Array = np.clip(index.astype(np.int64), 0, size - 1)
    return clipped


def pad_indices(size: int, before: int, after: int, mode: str) -> Array:
    """Source index of each output position of Pad along one axis, i64; -1 where the constant
    stands.
    """
    o = np.arange(-before, size + after)
    if mode == "edge":
        return np.clip(o, 0, size - 1)
    if mode == "reflect":
        period = 2 * (size - 1)
        folded = np.mod(o, period) if period else np.zeros_like(o)
        return np.where(folded >= size, period - folded, folded)
    return np.where((o < 0) | (o >= size), -1, o)


def float_order(x: Array) -> Array:
    """f32 as i32 keys in the same order (-0 just below +0): bits ^ ((bits >> 31) & 0x7fffffff)."""
    bits = np.ascontiguousarray(x, F32).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def float_from_order(keys: Array) -> Array:
    """The inverse of `float_order`."""
    bits = keys.astype(np.int32)
    return (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).view(F32)


def quantize_thresholds(scale: float, zero_point: int, limits: tuple[int, int]) -> Array:
    """Key of the smallest f32 that QuantizeLinear takes to lo + 1 ... hi, i32 [255], by bisection.

    A level that no finite or infinite value reaches has the key 0x7fffffff.
    """
    low_level, high_level = limits
    levels = np.arange(low_level + 1, high_level + 1)
    infinity = int(float_order(np.array([np.inf], F32))[0])
    low = np.full(levels.shape, -infinity - 2, np.int64)  # below -inf: never reaches a level
    high = np.full(levels.shape, infinity + 1, np.int64)
    while (high - low > 1).any():
        middle = (low + high) // 2
        x = float_from_order(np.clip(middle, -infinity - 1, infinity))
        reached = quantize_linear(x, scale, zero_point, limits) >= levels
        reached &= middle >= -infinity - 1
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle)
    return np.where(high > infinity, 0x7FFFFFFF, high).astype(np.int32)
