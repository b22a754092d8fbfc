"""Draws 478 landmarks as the picture that the networks read; drawing.json says how.

The specification lists layers from the back to the front. A layer is a `polygon` (fill, stroke or
both), `edges` (stroke), a `circle` (fill; through the rim of an iris, times `radius`), clipped to
a loop where it names one, or `patches` (each its own fill; they don't overlap). Loops, edges and
patches are named lists of points; widths are fractions of the frame's side; line ends and
joins are round. drawing.js draws the same from the same file.

Points 478 and up are the shell: the outside of the hair, which no tracker sees. They are at
`positions`, centimetres of the canonical face, and follow the head by an affine map: the weighted
least squares of the canonical face's anchors (framing.ANCHOR_POINTS) against the landmarks seen.
`frame` has that fit solved: what each anchor adds to the map's x, y, z and constant columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import FaceError
from .topology import LANDMARKS

SPECIFICATION: dict[str, Any] = json.loads(
    Path(__file__).with_name("drawing.json").read_text(encoding="utf-8")
)
INNER_SIDE = 1024
"""Pixels that a side is drawn with, at least, before it is averaged down."""
FRACTION_BITS = 6
"""OpenCV's coordinates are integers; these many bits of them lie behind the point."""
FAR = 4.0
"""Frames beyond which a point is no longer moved away: OpenCV's coordinates are of 32 bits."""

Layer = dict[str, Any]
Canvas = NDArray[np.uint8]
Points = NDArray[np.float64]


def draw(landmarks: NDArray[np.floating[Any]], size: int) -> NDArray[np.uint8]:
    """Draws landmarks f32[478,2] or f32[478,3] (fractions of the frame, y down) as u8[size,size,3].

    Exact areas by supersampling; the same input gives the same bytes everywhere.

    Raises:
        FaceError: another shape, a number that isn't finite, or a size below 1.
    """
    if landmarks.shape not in ((LANDMARKS, 2), (LANDMARKS, 3)):
        raise FaceError(f"landmarks have the shape {list(landmarks.shape)}; a drawing needs [{LANDMARKS}, 3]")
    if not np.isfinite(landmarks[:, :2]).all():
        raise FaceError("landmarks hold numbers that aren't finite; leave this face out")
    if size < 1:
        raise FaceError(f"a drawing has at least one pixel a side, not {size}")
    factor = max(2, -(-INNER_SIDE // size))
    side = factor * size
    points = np.clip(landmarks[:, :2].astype(np.float64), -FAR, FAR) * side
    points = with_shell(points)
    canvas = np.empty((side, side, 3), np.uint8)
    cv2.rectangle(canvas, (0, 0), (side, side), _color(SPECIFICATION["background"]), cv2.FILLED)
    for layer in SPECIFICATION["layers"]:
        PAINTERS[layer["kind"]](canvas, points, layer)
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def with_shell(points: Points) -> Points:
    """The landmarks f64[478,2] and the shell's points behind them, f64[478+m,2], in their unit."""
    anchors, frame, positions = _affine()
    columns = frame.T @ points[anchors]
    return np.concatenate([points, positions @ columns[:3] + columns[3]])


def _polygon(canvas: Canvas, points: Points, layer: Layer) -> None:
    for name in layer["loops"]:
        corners = points[_loop(name)]
        if layer.get("front") and _area(corners) <= 0:
            continue
        if "fill" in layer:
            cv2.fillPoly(canvas, [_fixed(corners)], _color(layer["fill"]), shift=FRACTION_BITS)
        if "stroke" in layer:
            color, width = _color(layer["stroke"]), _width(canvas, layer)
            cv2.polylines(canvas, [_fixed(corners)], True, color, width, shift=FRACTION_BITS)


def _edges(canvas: Canvas, points: Points, layer: Layer) -> None:
    a, b, c, d = _quads(layer["edges"]).T
    front = (_area(points[np.stack([a, b, c])]) > 0) | (_area(points[np.stack([b, a, d])]) > 0)
    lines = list(_fixed(points[np.stack([a, b], axis=1)[front]]))
    color, width = _color(layer["stroke"]), _width(canvas, layer)
    cv2.polylines(canvas, lines, False, color, width, shift=FRACTION_BITS)


def _circle(canvas: Canvas, points: Points, layer: Layer) -> None:
    """A disc around the first point whose radius is the mean distance of the others, scaled."""
    center, *rim = points[_loop(layer["points"])]
    radius = layer["radius"] * float(np.mean(np.linalg.norm(rim - center, axis=1)))
    low = np.clip(np.floor(center - radius).astype(int) - 1, 0, canvas.shape[0])
    high = np.clip(np.ceil(center + radius).astype(int) + 2, 0, canvas.shape[0])
    part = canvas[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return
    disc, opening = np.zeros((2, *part.shape[:2]), np.uint8)
    x, y, r = _fixed(np.array([*(center - low), radius + 0.5])).tolist()
    cv2.circle(disc, (x, y), r, 1, cv2.FILLED, shift=FRACTION_BITS)
    cv2.fillPoly(opening, [_fixed(points[_loop(layer["clip"])] - low)], 1, shift=FRACTION_BITS)
    part[(disc & opening).view(np.bool_)] = _color(layer["fill"])


def _patches(canvas: Canvas, points: Points, layer: Layer) -> None:
    """Patches that run clockwise, seen from outside; those that face away are left out."""
    for patch, fill in zip(_corners(layer["patches"]), layer["fills"], strict=True):
        corners = points[patch]
        if _area(corners) > 0:
            cv2.fillPoly(canvas, [_fixed(corners)], _color(fill), shift=FRACTION_BITS)


PAINTERS: dict[str, Callable[[Canvas, Points, Layer], None]] = {
    "polygon": _polygon,
    "edges": _edges,
    "circle": _circle,
    "patches": _patches,
}


def _area(corners: Points) -> Points:
    """Twice the area of loops f64[n,...,2] -> f64[...]; positive where they run clockwise."""
    x, y = corners[..., 0], corners[..., 1]
    return np.asarray((x * np.roll(y, -1, axis=0) - y * np.roll(x, -1, axis=0)).sum(axis=0))


def _fixed(points: Points) -> NDArray[np.int32]:
    """OpenCV's fixed-point coordinates, in which a pixel's centre is whole."""
    return np.rint((points - 0.5) * (1 << FRACTION_BITS)).astype(np.int32)


def _width(canvas: Canvas, layer: Layer) -> int:
    """OpenCV's thickness for a width. What it draws is odd: 1 pixel for 1, else the next even's.

    Measured with OpenCV 4.10 to 5.1: a thickness of 2k and of 2k - 1 both span 2k + 1 pixels.
    """
    width: float = layer["width"] * canvas.shape[0]
    return max(1, 2 * round((width - 1) / 2))


@cache
def _affine() -> tuple[NDArray[np.intp], Points, Points]:
    """Anchors i[a], what each adds to the columns of the affine map f64[a,4], and positions."""
    frame = SPECIFICATION["points"]["frame"]
    anchors = np.array([int(name) for name in frame])
    return anchors, np.array(list(frame.values())), np.array(SPECIFICATION["points"]["positions"])


@cache
def _loop(name: str) -> NDArray[np.intp]:
    return np.array(SPECIFICATION["loops"][name])


@cache
def _quads(name: str) -> NDArray[np.intp]:
    return np.array(SPECIFICATION["edges"][name]).reshape(-1, 4)


@cache
def _corners(name: str) -> list[NDArray[np.intp]]:
    return [np.array(patch) for patch in SPECIFICATION["patches"][name]]


@cache
def _color(code: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(code.removeprefix("#"))
    return red, green, blue
