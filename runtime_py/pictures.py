"""Pictures of any size become those of an input: fit, then resize; docs/artifact.md specifies both.

`resize` equals Pillow's `Image.resize(..., BILINEAR, box=...)`, bit for bit, on each channel alone.
runtime_js/resize.js computes the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .errors import InputError

_Array = np.ndarray[Any, Any]
FITS = ("cover", "contain", "stretch")
_BITS = 22  # of a coefficient after the point: a byte, a sign and rounding leave that many of 32


class Rectangle(NamedTuple):
    """A part of a picture, in its pixels; fractions are taken."""

    x: float
    y: float
    width: float
    height: float


FitName = Literal["cover", "contain", "stretch"]
Fit = FitName | Rectangle
"""How a picture meets an input of other proportions: cut at two sides, padded at two sides, distorted,
or a rectangle of it, distorted.
"""


@dataclass(frozen=True)
class Placement:
    """Edges of the source's box (left, top, right, bottom), and where in the input it goes (x, y, width,
    height).
    """

    box: tuple[float, float, float, float]
    target: tuple[int, int, int, int]


def fitted(picture: _Array, width: int, height: int, fit: Fit, pad: Sequence[int]) -> _Array:
    """A picture u8[H, W, C] as u8[height, width, C]; `pad`: what lies beside it (C values).

    Raises InputError for a fit that is none, or a rectangle that lies not within the picture.
    """
    place = placement(picture.shape[1], picture.shape[0], width, height, fit)
    x, y, inner_width, inner_height = place.target
    inner = resize(picture, inner_width, inner_height, place.box)
    if inner.shape == (height, width, picture.shape[2]):
        return inner
    result = np.empty((height, width, picture.shape[2]), np.uint8)
    result[:] = pad
    result[y : y + inner_height, x : x + inner_width] = inner
    return result


def to_bytes(values: _Array, scale: float, offset: float) -> _Array:
    """The picture u8[H,W,C] of values f32[C,H,W]: value * scale + offset, rounded, ties to even.

    What `toPixels` of runtime_js makes of an output, before its alpha.
    """
    levels = np.rint(values.astype(np.float64) * scale + offset)
    return np.ascontiguousarray(levels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))


def placement(source_width: int, source_height: int, width: int, height: int, fit: Fit) -> Placement:
    """Which part of a source goes where in an input of `width` x `height`."""
    whole = (0, 0, width, height)
    if isinstance(fit, Rectangle):
        return Placement(_box(fit, source_width, source_height), whole)
    if fit not in FITS:
        raise InputError(f"fit is {fit!r}; give one of {', '.join(FITS)}, or a Rectangle")
    across, down = source_width * height, source_height * width
    if fit == "cover":
        part_width, part_height = min(source_width, down / height), min(source_height, across / width)
        left, top = (source_width - part_width) / 2, (source_height - part_height) / 2
        return Placement((left, top, left + part_width, top + part_height), whole)
    if fit == "contain":
        inner_width = min(width, max(1, (2 * across + source_height) // (2 * source_height)))
        inner_height = min(height, max(1, (2 * down + source_width) // (2 * source_width)))
        x, y = (width - inner_width) // 2, (height - inner_height) // 2
        return Placement((0, 0, source_width, source_height), (x, y, inner_width, inner_height))
    return Placement((0, 0, source_width, source_height), whole)


def _box(rectangle: Rectangle, width: int, height: int) -> tuple[float, float, float, float]:
    x, y, w, h = rectangle
    within = x >= 0 and y >= 0 and x + w <= width and y + h <= height
    if not (within and np.float32(x + w) > np.float32(x) and np.float32(y + h) > np.float32(y)):
        raise InputError(
            f"the rectangle {w:g}x{h:g} at ({x:g}, {y:g}) lies not within the picture of {width}x{height}"
        )
    return x, y, x + w, y + h


def resize(picture: _Array, width: int, height: int, box: tuple[float, float, float, float]) -> _Array:
    """The part `box` (left, top, right, bottom) of a picture u8[H, W, C], as u8[height, width, C]."""
    left, top, right, bottom = box
    columns = taps(picture.shape[1], left, right, width)
    rows = taps(picture.shape[0], top, bottom, height)
    first, last = int(rows[0][0]), int((rows[0] + rows[1].shape[1])[-1])
    band = _pass(picture[first:last].swapaxes(0, 1), *columns)
    return np.ascontiguousarray(_pass(band.swapaxes(0, 1), rows[0] - first, rows[1]))


def taps(size: int, start: float, end: float, count: int) -> tuple[_Array, _Array]:
    """For each of `count` results along an axis of `size` pixels, of which `start` to `end` are taken:
    the first source pixel, and the weights of those that follow, in units of 2^-22; as many for each.
    """
    start, length = float(np.float32(start)), float(np.float32(end) - np.float32(start))
    scale = length / count
    support = max(scale, 1.0)
    center = start + (np.arange(count) + 0.5) * scale
    first = np.maximum(np.trunc(center - support + 0.5), 0).astype(np.int64)
    ends = np.minimum(np.trunc(center + support + 0.5), size).astype(np.int64)
    most = int((ends - first).max())
    pixels = first[:, None] + np.arange(most)
    distance = np.abs((pixels - center[:, None] + 0.5) * (1.0 / support))
    weights = np.where((distance < 1) & (pixels < ends[:, None]), 1 - distance, 0.0)
    total = np.zeros(count)
    for column in weights.T:  # in order: the sum of numpy pairs them
        total += column
    weights /= np.where(total == 0, 1, total)[:, None]
    return first, np.trunc(0.5 + weights * (1 << _BITS)).astype(np.int32)


def _pass(lines: _Array, first: _Array, weights: _Array) -> _Array:
    """Weighted sums of lines u8[size, ...] along their first axis, rounded to bytes."""
    total = np.full((len(first), *lines.shape[1:]), 1 << (_BITS - 1), np.int32)
    last = len(lines) - 1
    for k, column in enumerate(weights.T):
        chosen = lines[np.minimum(first + k, last)]  # beyond the end the weight is 0
        total += column.reshape(-1, *[1] * (lines.ndim - 1)) * chosen
    result: _Array = np.clip(total >> _BITS, 0, 255).astype(np.uint8)
    return result
