"""What is painted on the skin: make-up, nostrils, and lines of light, in the unwrapped face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import topology
from onnx2wgsl.face.topology import UV

from .looks import look
from .parts import Material

SIDE = 1024
Image = NDArray[np.float32]


@dataclass(frozen=True)
class Decals:
    """paint f32[S,S,3] laid over the skin by cover f32[S,S,1]; glow f32[S,S,3] shines by itself."""

    paint: Image
    cover: Image
    glow: Image

    def at(self, uv: NDArray[np.float32]) -> tuple[Image, Image, Image]:
        """paint, cover and glow at places f32[n,2]: the nearest texel."""
        place = np.clip((uv * SIDE).astype(np.int32), 0, SIDE - 1)
        x, y = place[:, 0], place[:, 1]
        return self.paint[y, x], self.cover[y, x], self.glow[y, x]


class _Painter:
    def __init__(self) -> None:
        self.paint: NDArray[Any] = np.zeros((SIDE, SIDE, 3), np.float32)
        self.cover: NDArray[Any] = np.zeros((SIDE, SIDE, 1), np.float32)

    def lay(self, mask: NDArray[Any], color: NDArray[np.float32], strength: float) -> None:
        """Lays a colour over what is there, by mask f32[S,S] times strength."""
        alpha = (mask * strength)[..., None]
        self.cover = alpha + self.cover * (1 - alpha)
        self.paint += (color - self.paint) * (alpha / np.maximum(self.cover, 1e-6))


def _texels(points: Sequence[int]) -> NDArray[np.int32]:
    return np.asarray(np.round(UV[list(points)] * SIDE * 16), np.int32)


def _filled(points: Sequence[int], blur: float, grow: float = 0.0) -> Image:
    """The polygon of landmarks, grown about its middle, with soft edges of `blur` texels."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    corners = _texels(points).astype(np.float64)
    corners = corners.mean(0) + (corners - corners.mean(0)) * (1 + grow)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.float32)


def _spot(uv: NDArray[np.float64], radius: tuple[float, float], blur: float) -> Image:
    mask = np.zeros((SIDE, SIDE), np.float32)
    center = tuple(int(v) for v in np.round(uv * SIDE))
    axes = (int(radius[0]), int(radius[1]))
    cv2.ellipse(mask, center, axes, 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.float32)


def _line(points: Sequence[int], width: int, dots: bool = True) -> Image:
    mask = np.zeros((SIDE, SIDE), np.float32)
    corners = _texels(points)
    cv2.polylines(mask, [corners], False, 1.0, width, cv2.LINE_AA, 4)
    if dots:
        cv2.circle(mask, tuple(int(v) for v in corners[-1]), width * 15, 1.0, -1, cv2.LINE_AA, 4)
    return mask


def _make_up(painter: _Painter, skin: NDArray[np.float32], lips: NDArray[np.float32]) -> None:
    blush = np.clip(skin * 0.4 + lips * 0.6 + [0.12, 0.0, 0.05], 0, 1).astype(np.float32)
    for cheek in (50, 280):
        painter.lay(_spot(UV[cheek], (70, 46), 26), blush, 0.42)
    painter.lay(_spot(UV[4], (34, 26), 16), blush, 0.28)
    plum = (skin * [0.52, 0.30, 0.52]).astype(np.float32)
    for eye, upper in (
        (topology.EYE_RIGHT, [226, 247, 30, 29, 27, 28, 56, 190, 243]),
        (topology.EYE_LEFT, [446, 467, 260, 259, 257, 258, 286, 414, 463]),
    ):
        painter.lay(_filled(eye, 12, 0.55), plum, 0.30)
        painter.lay(_filled([*upper, *eye[8:]], 5), plum, 0.45)
    for wing in (98, 327):
        nostril = 0.62 * UV[wing] + 0.38 * UV[2] + [0, 0.004]
        painter.lay(_spot(nostril, (15, 8), 2.5), (skin * 0.28).astype(np.float32), 0.9)
    for side in ((193, 122, 196, 3), (417, 351, 419, 248)):
        painter.lay(
            cv2.GaussianBlur(_line(side, 9, dots=False), (0, 0), 6),
            (skin * [0.7, 0.5, 0.62]).astype(np.float32),
            0.55,
        )
    painter.lay(
        _spot(0.5 * (UV[17] + UV[18]), (44, 8), 6),
        (skin * [0.68, 0.48, 0.6]).astype(np.float32),
        0.6,
    )
    painter.lay(_spot(UV[266] + [0.012, 0.01], (4, 4), 1.0), (skin * 0.3).astype(np.float32), 0.9)


@lru_cache(maxsize=4)
def decals(name: str) -> Decals:
    """The decals of the look of that name."""
    colors = look(name)
    painter = _Painter()
    _make_up(painter, colors.base[Material.SKIN], colors.base[Material.LIPS])
    glow = np.zeros((SIDE, SIDE, 3), np.float32)
    cold, warm = colors.base[Material.GLOW_COLD], colors.base[Material.GLOW_WARM]
    for points, color in (
        ((227, 137, 177, 215), cold),
        ((446, 340, 346, 347), warm),
        ((151, 9), warm),
    ):
        mask = _line(points, 12)
        glow = np.maximum(glow, mask[..., None] * color)
        painter.lay(cv2.dilate(mask, np.ones((5, 5))), colors.ink, 0.55)
    return Decals(painter.paint, painter.cover, glow)
