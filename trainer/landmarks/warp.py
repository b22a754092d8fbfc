"""Moves a picture as its landmarks are moved: into the training frame."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from onnx2wgsl.face.detector import Landmarks, Picture
from onnx2wgsl.face.procrustes import to_training_frame


def aspect(picture: Picture) -> float:
    """How many times as wide as high a picture is."""
    height, width, _ = picture.shape
    return float(width / height)


def framed(picture: Picture, points: Landmarks, size: int) -> tuple[Picture, Landmarks]:
    """A picture u8[H,W,3] and its landmarks as the renderer frames a face: u8[size,size,3], f32[478,3].

    Raises:
        FaceError: the face can't be placed.
    """
    frame_points = to_training_frame(points, aspect(picture)).astype(np.float32)
    return warped(picture, points, frame_points, size), frame_points


def warped(picture: Picture, points: Landmarks, frame_points: Landmarks, size: int) -> Picture:
    """A picture u8[H,W,3] moved as its landmarks were: u8[size,size,3].

    points, frame_points: f32[478,3], landmarks in the picture and in the frame. Where the frame goes
    beyond the picture, its edge goes on.
    """
    scale, shift = _similarity(points, frame_points, picture.shape[1], picture.shape[0], size)
    # A picture that shrinks is sampled finely enough to show every pixel, and then averaged.
    fine = max(1, ceil(1 / abs(scale)))
    scale, shift = scale * fine, shift * fine
    # Coordinates are of pixels' corners; OpenCV's are of their centres.
    shift += (scale - 1) * (0.5 + 0.5j)
    matrix = np.array([[scale.real, -scale.imag, shift.real], [scale.imag, scale.real, shift.imag]])
    warp = cv2.warpAffine(
        picture, matrix, (size * fine, size * fine),
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(cv2.resize(warp, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _similarity(
    points: Landmarks, frame_points: Landmarks, width: int, height: int, size: int
) -> tuple[complex, complex]:
    """The similarity from pixels of the picture to those of the frame, by least squares.

    In complex numbers x + iy it is z -> scale * z + shift.
    """
    source = points[:, 0].astype(np.float64) * width + 1j * points[:, 1] * height
    target = (frame_points[:, 0].astype(np.float64) + 1j * frame_points[:, 1]) * size
    middle, goal = source.mean(), target.mean()
    scale = np.vdot(source - middle, target - goal) / np.vdot(source - middle, source - middle)
    return complex(scale), complex(goal - scale * middle)
