"""Weighted 3-D similarity between point sets, and with it any camera's face in one framing.

The method is that of Umeyama, "Least-squares estimation of transformation parameters between two
point patterns", IEEE TPAMI 13(4), 1991, with weights; it never mirrors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TrainerError
from .topology import LANDMARKS, VERTICES

Points = NDArray[np.float64]

ANCHORS = {
    4: 0.07090994, 6: 0.032100145, 10: 0.008446551, 33: 0.05872417, 54: 0.00766708,
    67: 0.009078059, 117: 0.009791938, 119: 0.014565368, 121: 0.018591361, 127: 0.0051979944,
    129: 0.120625205, 132: 0.0055600186, 133: 0.053286184, 136: 0.066890456, 143: 0.014816548,
    147: 0.014262834, 198: 0.025462192, 205: 0.04725228, 263: 0.05872417, 284: 0.00766708,
    297: 0.009078059, 346: 0.009791938, 348: 0.014565368, 350: 0.018591361, 356: 0.0051979944,
    358: 0.120625205, 361: 0.0055600186, 362: 0.053286184, 365: 0.066890456, 372: 0.014816548,
    376: 0.014262834, 420: 0.025462192, 425: 0.04725228,
}  # fmt: skip
"""Landmarks that move little with the expression, and their weights: procrustes_landmark_basis of
geometry_pipeline_metadata_landmarks.binarypb in MediaPipe's face_landmarker.task (Apache-2.0)."""

ANCHOR_POINTS = np.array(list(ANCHORS))
ANCHOR_WEIGHTS = np.array(list(ANCHORS.values()))

SMALLEST_SPREAD = 1e-9
"""Below this share of the largest spread, a second direction is rounding: points on a line."""


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation; rotation f64[3,3], translation f64[3]."""

    scale: float
    rotation: Points
    translation: Points

    def forward(self, points: NDArray[np.floating[Any]]) -> Points:
        """f64[...,3] from f64[...,3]."""
        return np.asarray(self.scale * (points @ self.rotation.T) + self.translation, np.float64)

    def inverse(self, points: NDArray[np.floating[Any]]) -> Points:
        """f64[...,3]: inverse(forward(x)) = x."""
        return np.asarray((points - self.translation) @ self.rotation / self.scale, np.float64)


def fit(
    source: NDArray[np.floating[Any]],
    target: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
) -> Similarity:
    """The similarity that brings source f[n,3] nearest to target f[n,3], by weights f[n].

    It minimises sum(weights * |target - forward(source)|^2).

    Raises:
        TrainerError: shapes that don't fit, numbers that aren't finite, weights below 0 or all 0,
            or points that all lie on a line, which leave the rotation open.
    """
    source, target, weights = _checked(source, target, weights)
    center, goal = weights @ source, weights @ target
    from_center, from_goal = source - center, target - goal
    for name, points in (("source", from_center), ("target", from_goal)):
        spread = np.linalg.svd(np.sqrt(weights)[:, None] * points, compute_uv=False)
        if spread[1] <= SMALLEST_SPREAD * max(spread[0], float(np.abs(center).max()) * 1e-3):
            raise TrainerError(
                f"the {name} points lie on a line or in one place: no rotation follows from them; "
                "give landmarks of a whole face"
            )
    covariance = (weights[:, None] * from_goal).T @ from_center
    left, stretch, right = np.linalg.svd(covariance)
    proper = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = (left * proper) @ right
    scale = float(stretch @ proper / (weights @ (from_center**2).sum(axis=1)))
    return Similarity(scale, rotation, goal - scale * (rotation @ center))


def _checked(*arrays: NDArray[np.floating[Any]]) -> tuple[Points, Points, Points]:
    """The arguments of fit in double precision; weights sum to 1."""
    source, target, weights = (np.asarray(array, np.float64) for array in arrays)
    if source.ndim != 2 or source.shape[1] != 3 or target.shape != source.shape:
        raise TrainerError(
            f"points have the shapes {list(source.shape)} and {list(target.shape)}; "
            "a similarity needs two times [n, 3]"
        )
    if weights.shape != source.shape[:1]:
        raise TrainerError(f"{len(source)} points have weights of shape {list(weights.shape)}")
    if not all(np.isfinite(array).all() for array in (source, target, weights)):
        raise TrainerError("points or weights hold numbers that aren't finite; leave this face out")
    if (weights < 0).any() or not weights.any():
        raise TrainerError("weights are below 0, or all of them 0")
    return source, target, weights / weights.sum()


def to_training_frame(landmarks: NDArray[np.floating[Any]], aspect: float = 1.0) -> NDArray[np.float64]:
    """Landmarks f[478,3] of any picture as the renderer frames a face: f64[478,3].

    The picture is `aspect` times as wide as it is high. Rotation and expression are kept; scale
    and position become those of the renderer's usual frame, by a fit of the canonical face.

    Raises:
        TrainerError: another shape, numbers that aren't finite, or points on a line.
    """
    if np.shape(landmarks) != (LANDMARKS, 3):
        raise TrainerError(f"landmarks have the shape {list(np.shape(landmarks))}, not [{LANDMARKS}, 3]")
    from ..renderer import camera

    seen = np.asarray(landmarks, np.float64) / [1.0, aspect, 1.0] * _UPRIGHT
    found = _placement(seen)
    # The renderer's camera is near: what it sees of a face depends on how the head is turned.
    turned = (VERTICES - camera.PIVOT) @ found.rotation.T + camera.PIVOT
    usual = _placement(camera.project(turned) * _UPRIGHT)
    moved = (seen - found.forward(camera.PIVOT)) * (usual.scale / found.scale)
    return np.asarray((moved + usual.forward(camera.PIVOT)) * _UPRIGHT)


_UPRIGHT = np.array([1.0, -1.0, -1.0])
"""The canonical face has y up and z towards the viewer; a picture's landmarks the opposite."""


def _placement(points: Points) -> Similarity:
    """From the canonical face's centimetres to upright points whose x, y and z have one unit."""
    return fit(VERTICES[ANCHOR_POINTS], points[ANCHOR_POINTS], ANCHOR_WEIGHTS)
