"""How a face moves: vertex displacements by channel, and the mouths and moods made of them.

A channel moves the 468 points of the face by a fixed displacement times its weight; the
jaw turns about the joint under the ears. Visemes are the fifteen of the MPEG-4 / Oculus lip-sync
set, emotions Ekman's with laughter and contempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import topology

from .rest import LOWER_LIP, REST, UPPER_LIP, Points

Vectors = Points

_CORNERS = [ring[end] for ring in UPPER_LIP for end in (0, -1)]
_UPPER = [i for ring in UPPER_LIP for i in ring[1:-1]]
_LOWER = [i for ring in LOWER_LIP for i in ring[1:-1]]

MOUTH = REST[[78, 308]].mean(0) * [0, 1, 0] + [0, 0, REST[13, 2]]
"""The middle of the closed mouth."""
_HALF_MOUTH = abs(REST[78, 0])

JAW_JOINT = np.array([0.0, 1.0, -3.0])
JAW_DEGREES = 19.0
"""How far the jaw opens at weight 1."""

X, Y, Z = REST.T
_SIDE = np.tanh(X / 1.2)
"""-1 on the subject's right, 1 on the left, smooth in between."""


def smooth_step(x: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, 3x^2 - 2x^3 between."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def _bump(
    center: Sequence[float] | Points, radius: float, stretch: Sequence[float] = (1, 1, 1)
) -> NDArray[np.float64]:
    """A Gaussian of the distance to `center`; a larger stretch makes it narrower on that axis."""
    offset = (REST - center) * stretch
    return np.asarray(np.exp(-(offset**2).sum(1) / (2 * radius**2)))


def _both(x: float, y: float, z: float, radius: float, stretch: Sequence[float] = (1, 1, 1)):  # type: ignore[no-untyped-def]
    """The bumps at (x, y, z) and at its mirror image: (right of the subject, left)."""
    return _bump((-x, y, z), radius, stretch), _bump((x, y, z), radius, stretch)


def _along(
    x: NDArray[np.float64] | float = 0.0,
    y: NDArray[np.float64] | float = 0.0,
    z: NDArray[np.float64] | float = 0.0,
) -> Vectors:
    return np.stack([np.broadcast_to(v, (topology.MESH,)) for v in (x, y, z)], axis=1)


def _jaw_weights() -> NDArray[np.float64]:
    """How much of the jaw's turn each point takes: the lower lip all, the upper lip none."""
    weights = smooth_step((MOUTH[1] + 0.2 - Y) / 2.6)
    weights = weights * (1 - 0.6 * smooth_step((np.abs(X) - 3.4) / 4.0))
    across = np.minimum(np.abs(X[_LOWER]) / _HALF_MOUTH, 1.0)
    weights[_LOWER] = 0.97 - 0.52 * across**2.6
    weights[_UPPER] = 0.0
    weights[_CORNERS] = 0.36
    return weights


JAW_WEIGHTS = _jaw_weights()


def _lip(points: Sequence[int], spread: float) -> NDArray[np.float64]:
    """1 at the middle of a lip, falling towards the corners; 0 elsewhere."""
    mask = np.zeros(topology.MESH)
    mask[list(points)] = 1.0
    return np.asarray(mask * np.exp(-((X / spread) ** 2)))


def _blink(eye: str) -> Vectors:
    """The upper lid comes down to the lower one; the skin under the brow follows."""
    left = eye == "left"
    upper = topology.LID_UPPER_LEFT if left else topology.LID_UPPER_RIGHT
    lower = topology.LID_LOWER_LEFT if left else topology.LID_LOWER_RIGHT
    moved = np.zeros((topology.MESH, 3))
    for top, bottom in zip(upper, lower, strict=True):
        gap = REST[bottom] - REST[top]
        moved[top] = 1.0 * gap + [0, -0.04, 0.06]
    center = REST[upper + lower].mean(0)
    skin = _bump(center + np.array([0, 0.75, 0]), 0.5, (0.5, 1.2, 0.4))
    skin[topology.EYE_LEFT + topology.EYE_RIGHT] = 0.0
    return moved + _along(y=-0.42 * skin)


def _squint() -> Vectors:
    """Lower lids and cheeks rise, as in a true smile."""
    moved = np.zeros((topology.MESH, 3))
    for upper, lower in (
        (topology.LID_UPPER_LEFT, topology.LID_LOWER_LEFT),
        (topology.LID_UPPER_RIGHT, topology.LID_LOWER_RIGHT),
    ):
        for top, bottom in zip(upper, lower, strict=True):
            gap = REST[bottom] - REST[top]
            moved[bottom] = -0.32 * gap
            moved[top] = 0.16 * gap
    cheek = sum(_both(3.3, 0.9, 4.2, 0.8, (0.7, 1, 0.5)))
    cheek[topology.EYE_LEFT + topology.EYE_RIGHT] = 0.0
    return moved + _along(y=0.35 * cheek, z=0.15 * cheek)


def _channels() -> dict[str, Vectors]:
    y = MOUTH[1]
    around = _bump(MOUTH, 2.5, (1, 1.15, 0.6))
    front = _bump(MOUTH, 1.7, (1, 1, 0.5))
    corner_right, corner_left = _both(2.7, y, 4.2, 1.25)
    corners = corner_right + corner_left
    outward = corner_left - corner_right
    cheeks = sum(_both(3.7, y + 1.9, 4.0, 1.4))
    nose_wings = sum(_both(1.5, -0.6, 5.2, 0.8))
    brow_right, brow_left = _both(3.0, 5.4, 4.5, 1.6, (0.7, 1, 0.5))
    inner = sum(_both(1.4, 5.1, 5.0, 1.0))
    outer = sum(_both(4.7, 5.4, 3.6, 1.1))
    lips = np.zeros(topology.MESH)
    lips[_UPPER], lips[_LOWER] = 1.0, -1.0
    puffed = sum(_both(4.3, y + 0.2, 3.2, 1.6))
    return {
        "wide": _along(around * np.tanh(X / 2.0) * 0.75, -0.10 * around * np.abs(_SIDE), -0.22 * corners),
        "pucker": _along(-around * np.tanh(X / 2.6) * 1.0, 0.05 * lips, 0.9 * front),
        "smile": _along(0.55 * outward, 0.95 * corners + 0.28 * cheeks, 0.25 * cheeks - 0.2 * corners),
        "frown": _along(0.1 * outward, -0.75 * corners),
        "upper_up": _along(y=0.55 * (_lip(_UPPER, 2.2) + 0.5 * _bump((0, y + 1.6, 6), 1.0)), z=0.06 * front)
        + _along(y=0.15 * nose_wings),
        "lower_down": _along(
            y=-0.55 * (_lip(_LOWER, 2.2) + 0.4 * _bump((0, y - 1.5, 5.5), 0.9)), z=0.05 * front
        ),
        "press": _along(y=-0.17 * lips, z=-0.18 * np.abs(lips)),
        "puff": _along(0.7 * puffed * _SIDE, 0.0, 0.4 * puffed),
        "blink_left": _blink("left"),
        "blink_right": _blink("right"),
        "squint": _squint(),
        "brow_up": _along(y=0.8 * (brow_right + brow_left), z=0.05 * (brow_right + brow_left)),
        "brow_down": _along(-0.22 * inner * _SIDE, -0.5 * inner - 0.15 * outer, 0.1 * inner),
        "brow_inner": _along(0.0, 0.75 * inner - 0.25 * outer, 0.05 * inner),
    }


DISPLACEMENTS = _channels()
"""f64[468,3] centimetres by channel, at weight 1."""

CHANNELS = (*DISPLACEMENTS, "jaw", "tongue")
"""All channels: `jaw` turns the jaw, `tongue` lifts the tongue; the others are displacements."""


def turn_jaw(points: Vectors, weights: NDArray[np.float64], jaw: float) -> Vectors:
    """Turns points f64[n,3] about the jaw's joint by their weights f64[n] times `jaw`."""
    offset = points - JAW_JOINT
    angle = np.radians(JAW_DEGREES) * jaw * weights
    cos, sin = np.cos(angle), np.sin(angle)
    y = cos * offset[:, 1] - sin * offset[:, 2]
    z = sin * offset[:, 1] + cos * offset[:, 2]
    return np.asarray(np.stack([offset[:, 0], y, z], axis=1) + JAW_JOINT)


def displaced(face: Vectors, expression: Mapping[str, float]) -> Vectors:
    """The points f64[468,3] of a face that makes an expression."""
    moved = face.copy()
    for name, weight in expression.items():
        if name in DISPLACEMENTS:
            moved += weight * DISPLACEMENTS[name]
    return turn_jaw(moved, JAW_WEIGHTS, expression.get("jaw", 0.0))


VISEMES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"press": 1.0, "pucker": 0.12},
    "FF": {"jaw": 0.12, "upper_up": 0.45, "lower_down": -0.55, "wide": 0.15},
    "TH": {"jaw": 0.24, "tongue": 1.0, "lower_down": 0.15},
    "DD": {"jaw": 0.22, "tongue": 0.7, "wide": 0.25},
    "kk": {"jaw": 0.30, "lower_down": 0.2},
    "CH": {"jaw": 0.18, "pucker": 0.65, "upper_up": 0.35, "lower_down": 0.35},
    "SS": {"jaw": 0.07, "wide": 0.65, "upper_up": 0.3, "lower_down": 0.4},
    "nn": {"jaw": 0.18, "tongue": 0.8, "wide": 0.2},
    "RR": {"jaw": 0.24, "pucker": 0.5, "tongue": 0.4},
    "aa": {"jaw": 0.95, "lower_down": 0.3, "upper_up": 0.15},
    "E": {"jaw": 0.45, "wide": 0.7, "upper_up": 0.3},
    "ih": {"jaw": 0.24, "wide": 0.9, "smile": 0.15, "upper_up": 0.15},
    "oh": {"jaw": 0.62, "pucker": 0.75},
    "ou": {"jaw": 0.24, "pucker": 1.05, "lower_down": 0.1, "upper_up": 0.1},
}
"""Channel weights of the fifteen visemes."""

EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "joy": {"smile": 0.9, "squint": 0.5, "wide": 0.25, "upper_up": 0.25, "jaw": 0.1},
    "laugh": {
        "smile": 1.0,
        "squint": 0.9,
        "wide": 0.4,
        "jaw": 0.6,
        "upper_up": 0.5,
        "brow_up": 0.2,
    },
    "sadness": {"frown": 0.7, "brow_inner": 0.9, "blink_left": 0.22, "blink_right": 0.22},
    "anger": {"brow_down": 1.0, "squint": 0.35, "press": 0.6, "frown": 0.35},
    "surprise": {
        "brow_up": 1.0,
        "jaw": 0.55,
        "pucker": 0.25,
        "blink_left": -0.2,
        "blink_right": -0.2,
    },
    "fear": {
        "brow_up": 0.6,
        "brow_inner": 0.7,
        "wide": 0.5,
        "jaw": 0.25,
        "blink_left": -0.15,
        "blink_right": -0.15,
    },
    "disgust": {"upper_up": 0.8, "brow_down": 0.6, "squint": 0.5, "frown": 0.3},
    "contempt": {
        "smile": 0.25,
        "press": 0.4,
        "blink_left": 0.15,
        "blink_right": 0.15,
        "brow_up": 0.15,
    },
}
"""Channel weights of the emotions."""
