"""Weighted 3-D similarity between point sets, and with it any camera's face in one framing.

The method is that of Umeyama, "Least-squares estimation of transformation parameters between two
point patterns", IEEE TPAMI 13(4), 1991, with weights; it never mirrors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import project
from .errors import FaceError
from .framing import ANCHOR_POINTS, ANCHOR_POSITIONS, ANCHOR_WEIGHTS, PIVOT
from .topology import LANDMARKS

Points = NDArray[np.float64]

SMALLEST_SPREAD = 1e-9
"""Below this share of the largest spread, a second direction is rounding: points on a line.

So it is below a thousandth of this share of the distance from the origin."""
SMALLEST_STRETCH = 1e-14
"""Below this share of what both spreads allow, a second direction in common is rounding."""


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
        FaceError: shapes that don't fit, numbers that aren't finite, weights below 0 or all 0,
            or points that leave the rotation open: all on a line, or with no two directions in
            common.
    """
    source, target, weights = _checked(source, target, weights)
    center, goal = weights @ source, weights @ target
    from_center, from_goal = source - center, target - goal
    _refuse_a_line("source", np.sqrt(weights)[:, None] * from_center, center)
    _refuse_a_line("target", np.sqrt(weights)[:, None] * from_goal, goal)
    covariance = (weights[:, None] * from_goal).T @ from_center
    square, goal_square = (weights @ (points**2).sum(axis=1) for points in (from_center, from_goal))
    rotation, stretch = _nearest_rotation(covariance, float(np.sqrt(square * goal_square)))
    scale = float(stretch / square)
    return Similarity(scale, rotation, goal - scale * (rotation @ center))


def _refuse_a_line(name: str, points: Points, middle: Points) -> None:
    """points: f64[n,3], from their middle f64[3], times the roots of their weights."""
    spread = np.linalg.svd(points, compute_uv=False)
    least = SMALLEST_SPREAD * max(spread[0], float(np.abs(middle).max()) * 1e-3)
    if len(spread) < 2 or spread[1] <= least:
        raise FaceError(
            f"the {name} points lie on a line or in one place: no rotation follows from them; "
            "give landmarks of a whole face"
        )


def _nearest_rotation(covariance: Points, greatest: float) -> tuple[Points, float]:
    """The rotation f64[3,3] that a covariance f64[3,3] is nearest to, and its share in that.

    greatest: what the covariance of two sets as wide as these can come to.
    """
    left, stretch, right = np.linalg.svd(covariance)
    proper = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    if (stretch * proper)[1:].sum() <= SMALLEST_STRETCH * greatest:
        raise FaceError(
            "source and target have less than two directions in common: no rotation follows from "
            "them; give landmarks of a whole face"
        )
    return (left * proper) @ right, float(stretch @ proper)


def _checked(*arrays: NDArray[np.floating[Any]]) -> tuple[Points, Points, Points]:
    """The arguments of fit in double precision; weights sum to 1."""
    source, target, weights = (np.asarray(array, np.float64) for array in arrays)
    if source.ndim != 2 or source.shape[1] != 3 or target.shape != source.shape:
        raise FaceError(
            f"points have the shapes {list(source.shape)} and {list(target.shape)}; "
            "a similarity needs two times [n, 3]"
        )
    if weights.shape != source.shape[:1]:
        raise FaceError(f"{len(source)} points have weights of shape {list(weights.shape)}")
    if not all(np.isfinite(array).all() for array in (source, target, weights)):
        raise FaceError("points or weights hold numbers that aren't finite; leave this face out")
    if (weights < 0).any() or not weights.any():
        raise FaceError("weights are below 0, or all of them 0")
    return source, target, weights / weights.sum()


def placement(landmarks: NDArray[np.floating[Any]], aspect: float = 1.0) -> Similarity:
    """Where a face is in a picture: from the canonical face's centimetres to upright landmarks.

    landmarks: f[478,3], of a picture that is `aspect` times as wide as it is high. Upright ones
    have the canonical face's axes and one unit, the picture's width: x, -y / aspect, -z.

    Raises:
        FaceError: another shape, numbers that aren't finite, or points on a line.
    """
    return _placement(upright(landmarks, aspect)[ANCHOR_POINTS])


def to_training_frame(landmarks: NDArray[np.floating[Any]], aspect: float = 1.0) -> NDArray[np.float64]:
    """Landmarks f[478,3] of any picture as the renderer frames a face: f64[478,3].

    The picture is `aspect` times as wide as it is high. Rotation and expression are kept; scale
    and position become those of the renderer's usual frame, by a fit of the canonical face.

    Raises:
        FaceError: another shape, numbers that aren't finite, or points on a line.
    """
    similarity = placement(landmarks, aspect)
    # The renderer's camera is near: what it sees of a face depends on how the head is turned.
    turned = (ANCHOR_POSITIONS - PIVOT) @ similarity.rotation.T + PIVOT
    usual = _placement(project(turned) * UPRIGHT)
    offsets = (upright(landmarks, aspect) - similarity.forward(PIVOT)) * (usual.scale / similarity.scale)
    return np.asarray((offsets + usual.forward(PIVOT)) * UPRIGHT)


UPRIGHT = np.array([1.0, -1.0, -1.0])
"""The canonical face has y up and z towards the viewer; a picture's landmarks the opposite."""


def upright(landmarks: NDArray[np.floating[Any]], aspect: float = 1.0) -> Points:
    """Landmarks f[478,3] of a picture `aspect` times as wide as high, as the canonical face lies.

    Raises:
        FaceError: another shape, or numbers that aren't finite.
    """
    if np.shape(landmarks) != (LANDMARKS, 3):
        raise FaceError(f"landmarks have the shape {list(np.shape(landmarks))}, not [{LANDMARKS}, 3]")
    if not np.isfinite(landmarks).all():
        raise FaceError("landmarks hold numbers that aren't finite; leave this face out")
    return np.asarray(np.asarray(landmarks, np.float64) / [1.0, aspect, 1.0] * UPRIGHT)


def _placement(anchors: Points) -> Similarity:
    """From the canonical face's centimetres to its anchors, upright f64[33,3]."""
    return fit(ANCHOR_POSITIONS, anchors, ANCHOR_WEIGHTS)
