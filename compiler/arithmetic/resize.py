"""Resize: coordinates, index maps, and f32 interpolation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .array import Array
from .quantization import F32

WHOLE = (0.0, 1.0)


def resize_coordinates(
    size: int, result: int, scale: float, coordinates: str, roi: tuple[float, ...] = WHOLE
) -> Array:
    """Source coordinate of each output position along one axis, f32 [result], one rounding an
    operation.

    `scale` is f32: as the model gives it, or RN(f32(result) / f32(size)) where it gives sizes. An
    axis of scale 1 is the identity. A Resize whose whole shape stays the same copies its input. `roi`: start
    and end of what tf_crop_and_resize takes, as parts of the axis.
    """
    if scale == 1.0:
        return np.arange(result, dtype=F32)
    o = np.arange(result, dtype=F32)
    s, half, one, length = F32(scale), F32(0.5), F32(1), F32(size)
    match coordinates:
        case "asymmetric":
            c = o / s
        case "half_pixel":
            c = (o + half) / s - half
        case "pytorch_half_pixel":
            c = (o + half) / s - half if result > 1 else np.zeros(1, F32)
        case "half_pixel_symmetric":
            offset = length / F32(2) * (one - F32(result) / (s * length))
            # From here on in f64, as onnxruntime's double constant 0.5 has it.
            exact = np.float64(offset) + (o.astype(np.float64) + 0.5) / np.float64(s) - 0.5
            c = exact.astype(F32)
        case "align_corners":
            c = o * (length - one) / F32(result - 1) if result > 1 else np.zeros(1, F32)
        case "tf_half_pixel_for_nn":
            c = (o + half) / s
        case "tf_crop_and_resize":
            c = _cropped(o, length - one, F32(roi[0]), F32(roi[1]))
        case _:
            raise ValueError(f"Resize: unknown coordinate_transformation_mode {coordinates!r}")
    return c


def _cropped(o: Array, last: np.float32, start: np.float32, end: np.float32) -> Array:
    """tf_crop_and_resize: from `start` to `end` of an axis whose last position is `last`."""
    if len(o) > 1:
        result: Array = start * last + o * (end - start) * last / F32(len(o) - 1)
        return result
    # In f64, as onnxruntime's double constant 0.5 has it.
    return np.array([0.5 * float(start + end) * float(last)], F32)


def resize_indices(
    size: int, result: int, scale: float, coordinates: str, rounding: str, roi: tuple[float, ...] = WHOLE
) -> Array:
    """Source index of each output position of a nearest Resize along one axis, i64 [result]; -1 where
    tf_crop_and_resize reaches outside.

    `rounding` is nearest_mode, or "simple" of opset 10: down, or up where the axis gets smaller. Those that
    round take what lies within 1e-6 of a half for one (measured on 1.31.1).

    >>> resize_indices(3, 6, 2.0, "half_pixel", "round_prefer_floor").tolist()
    [0, 0, 1, 1, 2, 2]
    >>> [resize_indices(4, 2, 0.5, "half_pixel", f"round_prefer_{way}").tolist() for way in ("floor", "ceil")]
    [[0, 2], [1, 3]]
    """
    c = resize_coordinates(size, result, scale, coordinates, roi)
    if scale == 1.0:
        return np.arange(result)
    if rounding == "simple":
        rounding = "ceil" if scale < 1 else "floor"
    halfway = np.abs(c - np.floor(c) - F32(0.5)) < 1e-6
    match rounding:
        case "floor":
            index = np.floor(c)
        case "ceil":
            index = np.ceil(c)
        case "round_prefer_floor":
            index = np.where(halfway, np.floor(c), np.rint(c))
        case _:  # round_prefer_ceil
            index = np.where(halfway, np.ceil(c), np.rint(c))
    indices: Array = np.clip(index.astype(np.int64), 0, size - 1)
    outside = (coordinates == "tf_crop_and_resize") & ((c < 0) | (c > size - 1))
    return np.where(outside, -1, indices)


class LinearTaps(NamedTuple):
    """The two sources of each output position along one axis, i64, and their distances, f32.

    The weight of `first` is `second_distance`, and the other way round.
    """

    first: Array
    second: Array
    first_distance: Array
    second_distance: Array


def linear_taps(size: int, result: int, scale: float, coordinates: str) -> LinearTaps:
    """Taps of a linear Resize: c clamped to 0..size-1, i1 = int(c), i2 = min(i1 + 1, size - 1),
    d1 = |c - i1|, d2 = |c - i2|, both 0.5 where i1 = i2.

    >>> taps = linear_taps(2, 4, 2.0, "half_pixel")  # coordinates -0.25, 0.25, 0.75, 1.25
    >>> taps.first.tolist(), taps.second.tolist()
    ([0, 0, 0, 1], [1, 1, 1, 1])
    >>> taps.second_distance.tolist()  # the weights of `first`
    [1.0, 0.75, 0.25, 0.5]
    """
    c, first, second = _neighbours(size, result, scale, coordinates)
    same = first == second
    distances = [np.where(same, F32(0.5), np.abs(c - i.astype(F32))) for i in (first, second)]
    return LinearTaps(first, second, *distances)


def scaled_taps(size: int, result: int, scale: float, coordinates: str) -> LinearTaps:
    """Taps whose distances are whole 1024ths, i64: both coordinates are cut off to those first."""
    c, first, second = _neighbours(size, result, scale, coordinates)
    position = (c * F32(1024)).astype(np.int64)
    same = first == second
    distances = [np.where(same, 512, np.abs(position - i * 1024)) for i in (first, second)]
    return LinearTaps(first, second, *distances)


def _neighbours(size: int, result: int, scale: float, coordinates: str) -> tuple[Array, Array, Array]:
    """Coordinates clamped to the source, f32, and the two positions that each lies between, i64."""
    c = resize_coordinates(size, result, scale, coordinates)
    # Not negative any more, so that cutting off is rounding down.
    c = np.clip(c, F32(0), F32(size - 1))
    first = c.astype(np.int64)
    return c, first, np.minimum(first + 1, size - 1)


def linear_weights(y: LinearTaps, x: LinearTaps) -> tuple[Array, Array, Array, Array]:
    """Weights of (y1, x1), (y1, x2), (y2, x1), (y2, x2), [H, W] each: RN(dy * dx) in f32, or i64."""
    near_y, far_y = y.second_distance[:, None], y.first_distance[:, None]
    near_x, far_x = x.second_distance, x.first_distance
    return near_y * near_x, near_y * far_x, far_y * near_x, far_y * far_x


def resize_linear(values: Array, y: LinearTaps, x: LinearTaps) -> Array:
    """Linear Resize of f32 [..., H, W] over the last two axes; of i64 with weights of `scaled_taps`.

    RN(RN(RN(k11*X11 + k21*X21) + k12*X12) + k22*X22), every product rounded, the taps in the order
    of `linear_weights`. onnxruntime takes this road where only the last two axes (or, of rank 4,
    the middle two) are scaled; an axis of scale 1 beside a scaled one goes through it as well.
    """
    k11, k21, k12, k22 = linear_weights(y, x)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        total = k11 * values[..., y.first[:, None], x.first]
        total = total + k21 * values[..., y.first[:, None], x.second]
        total = total + k12 * values[..., y.second[:, None], x.first]
        result: Array = total + k22 * values[..., y.second[:, None], x.second]
    return result


def resize_bytes(values: Array, y: LinearTaps, x: LinearTaps) -> Array:
    """Linear Resize of bytes over the last two axes, i64, towards zero.

    As f32 (`resize_linear`), or with `scaled_taps` as integers in 2^-20, which is what onnxruntime
    runs where the channels are last.
    """
    if y.first_distance.dtype == F32:
        return np.trunc(resize_linear(values.astype(F32), y, x)).astype(np.int64)
    total = resize_linear(values.astype(np.int64), y, x)
    # A shift alone would round a negative sum down.
    towards_zero: Array = np.sign(total) * (np.abs(total) >> 20)
    return towards_zero
