"""Moves a picture as its landmarks were moved."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]


def warped(picture: Picture, points: Points, placed: Points, size: int) -> Picture:
    """A picture u8[H,W,3] moved as its landmarks were: u8[size,size,3].

    points, placed: f32[478,3], landmarks in the picture and in the frame. Where the frame goes
    beyond the picture, its edge goes on.
    """
    scale, shift = _similarity(points, placed, picture.shape[1], picture.shape[0], size)
    # A picture that shrinks is sampled finely enough to show every pixel, and then averaged.
    fine = max(1, ceil(1 / abs(scale)))
    scale, shift = scale * fine, shift * fine
    # Coordinates are of pixels' corners; OpenCV's are of their centres.
    shift += (scale - 1) * (0.5 + 0.5j)
    matrix = np.array([[scale.real, -scale.imag, shift.real], [scale.imag, scale.real, shift.imag]])
    moved = cv2.warpAffine(
        picture, matrix, (size * fine, size * fine),
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(cv2.resize(moved, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _similarity(
    points: Points, placed: Points, width: int, height: int, size: int
) -> tuple[complex, complex]:
    """The similarity from pixels of the picture to those of the frame, by least squares.

    In complex numbers x + iy it is z -> scale * z + shift.
    """
    source = points[:, 0].astype(np.float64) * width + 1j * points[:, 1] * height
    target = (placed[:, 0].astype(np.float64) + 1j * placed[:, 1]) * size
    middle, goal = source.mean(), target.mean()
    scale = np.vdot(source - middle, target - goal) / np.vdot(source - middle, source - middle)
    return complex(scale), complex(goal - scale * middle)
