"""The face as a surface: MediaPipe's mesh, closed behind, opened at eyes and mouth, subdivided."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import topology
from onnx2wgsl.face.topology import MESH, TRIANGLES, UV

from .expressions import displaced, smooth_step
from .mesh import Points, Sparse, subdivision
from .rest import LOWER_LIP, REST, UPPER_LIP
from .state import FaceState

SIDES = ("right", "left")
"""Of the subject: the right eye is the one on the left of the picture."""
_EYES = {"right": topology.EYE_RIGHT, "left": topology.EYE_LEFT}
EYEBALL_RADIUS = 1.42
IRIS_RADIUS = 0.68
GAZE_DEGREES = (19.0, 13.0)
"""How far the eyes turn sideways and up at gaze 1."""


def _eyeball(side: str) -> Points:
    """The centre of the eyeball: the lids' mean lies on its surface."""
    loop = REST[_EYES[side]]
    center = loop.mean(0)
    outward = np.sqrt(EYEBALL_RADIUS**2 - 0.95**2)
    return np.asarray(center - [0, -0.02, outward])


EYEBALLS = {side: _eyeball(side) for side in SIDES}


def _people() -> Points:
    """The last identity, f64[468,2]."""
    with files(__package__).joinpath("people.npz").open("rb") as file:
        return np.asarray(np.load(file)["shape"], np.float64)


def _identities() -> NDArray[np.float64]:
    """Ways in which faces differ, f64[9,468,3]: width, length, chin, jaw, nose, eyes apart, wings of
    the nose, height of the brows, and what people as MediaPipe sees them have in common beside these
    (scripts/people.py): brows thinner and farther out, flanks that lie higher."""
    x, y, _ = REST.T
    side = np.tanh(x / 1.2)

    def bump(px: float, py: float, pz: float, radius: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-((REST - [px, py, pz]) ** 2).sum(1) / (2 * radius**2)))

    zero = np.zeros(MESH)
    chin, nose = bump(0, -8.2, 4.2, 2.6), bump(0, -0.8, 7.0, 1.5)
    jaw = bump(5.6, -5.2, 0, 2.6) + bump(-5.6, -5.2, 0, 2.6)
    eyes = bump(3.2, 2.7, 3.8, 1.7) + bump(-3.2, 2.7, 3.8, 1.7)
    wings = bump(1.4, -1.9, 5.0, 0.8) + bump(-1.4, -1.9, 5.0, 0.8)
    brows = bump(4.2, 4.6, 4.0, 1.6) + bump(-4.2, 4.6, 4.0, 1.6)
    return np.array(
        [
            np.stack([0.06 * x, zero, zero], 1),
            np.stack([zero, 0.05 * y, zero], 1),
            np.stack([zero, -0.8 * chin, 0.3 * chin], 1),
            np.stack([0.8 * jaw * side, zero, zero], 1),
            np.stack([0.2 * nose * side, zero, 0.6 * nose], 1),
            np.stack([0.25 * eyes * side, zero, zero], 1),
            np.stack([0.5 * wings * side, zero, zero], 1),
            np.stack([zero, 0.3 * brows, zero], 1),
            np.column_stack([_people(), zero]),
        ]
    )


IDENTITIES = _identities()


@dataclass(frozen=True)
class Eye:
    """Where an eyeball is and looks: centre f64[3], axes f64[3,3] (columns right, up, forward)."""

    center: Points
    axes: NDArray[np.float64]

    def iris(self) -> Points:
        """The five iris landmarks, f64[5,3]: centre, then right, top, left, bottom in view."""
        depth = np.sqrt(EYEBALL_RADIUS**2 - IRIS_RADIUS**2)
        ring = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]
        local = [[x * IRIS_RADIUS, y * IRIS_RADIUS, depth if x or y else EYEBALL_RADIUS] for x, y in ring]
        return np.asarray(np.array(local) @ self.axes.T + self.center)


def eyes(state: FaceState) -> dict[str, Eye]:
    """Both eyes of a state, in the head's own coordinates."""
    shift = np.tensordot(np.asarray(state.identity), IDENTITIES, 1)
    across, up = np.radians(np.asarray(state.gaze) * GAZE_DEGREES)
    turn = np.array([[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]])
    lift = np.array([[1, 0, 0], [0, np.cos(up), np.sin(up)], [0, -np.sin(up), np.cos(up)]])
    return {side: Eye(EYEBALLS[side] + shift[_EYES[side]].mean(0), turn @ lift) for side in SIDES}


def mesh_points(state: FaceState) -> Points:
    """The 468 points of the face, in the head's own coordinates: f64[468,3] centimetres."""
    shift = np.tensordot(np.asarray(state.identity), IDENTITIES, 1)
    points = displaced(REST + shift, state.expression)
    for eye in eyes(state).values():
        points = _pushed_out(points, eye.center)
    return points


def _pushed_out(points: Points, center: Points) -> Points:
    """Lids glide over the eyeball: what would be inside it moves to its surface."""
    offset = points - center
    distance = np.linalg.norm(offset, axis=1)
    least = EYEBALL_RADIUS + 0.05
    near = (distance < least) & (distance > 0.3)
    factor = np.where(near, least / np.maximum(distance, 1e-6), 1.0)
    return np.asarray(center + offset * factor[:, None])


# --- the surface -------------------------------------------------------------------------------

LEVELS = 2
SKIN, UPPER, LOWER, EYE_BACK, BEHIND = range(5)
"""Regions of the surface: skin, both lips, what lies behind the eyeballs' rims, behind the oval."""
_OVAL = topology.FACE_OVAL


def _regions() -> NDArray[np.int64]:
    """The region of each triangle of the face mesh; -1 for those of the mouth's opening."""
    upper = {i for ring in UPPER_LIP for i in ring}
    lower = {i for ring in LOWER_LIP for i in ring}
    opening = set(topology.LIPS_INNER)
    out = np.full(len(TRIANGLES), SKIN)
    for index, triangle in enumerate(map(set, TRIANGLES.tolist())):
        if triangle <= opening:
            out[index] = -1
        elif triangle <= upper:
            out[index] = UPPER
        elif triangle <= lower:
            out[index] = LOWER
        elif any(triangle <= set(loop) for loop in _EYES.values()):
            out[index] = -1
    return out


def _behind(points: Points) -> Points:
    """Two rings behind the oval, f64[72,3]: over the forehead, and under the jaw to the neck."""
    oval = points[_OVAL]
    center = np.array([0.0, 0.5, -3.0])
    high = smooth_step((oval[:, 1:2] + 2.0) / 5.0)
    top = smooth_step((oval[:, 1:2] - 3.0) / 5.0)
    offset = oval - center
    rise = np.concatenate([0 * top, top, -0.6 * top], 1)
    drop = np.concatenate([0 * high, 1 - high, 0 * high], 1)
    first = center + offset * (0.97 + 0.03 * high) + [0, 0, -1.2] + 1.0 * rise
    second = center + offset * (0.72 + 0.25 * high) + [0, 0, -4.0] + 2.4 * rise + 2.0 * drop
    return np.concatenate([first, second])


def _control_mesh() -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    regions = _regions()
    triangles, kinds = [TRIANGLES[regions >= 0]], [regions[regions >= 0]]
    lines = [np.array(_OVAL), MESH + np.arange(36), MESH + 36 + np.arange(36)]
    for inner, outer in pairwise(lines):
        following = np.roll(np.arange(36), -1)
        strip = np.concatenate(
            [
                np.stack([inner, inner[following], outer], 1),
                np.stack([inner[following], outer[following], outer], 1),
            ]
        )
        triangles.append(strip.astype(np.int32))
        kinds.append(np.full(len(strip), BEHIND))
    return np.concatenate(triangles), np.concatenate(kinds)


_CONTROL, _CONTROL_REGION = _control_mesh()
_SHARP = [78, 308, 33, 133, 263, 362]
"""The corners of mouth and eyes, which subdivision must not round off."""
WEIGHTS, SURFACE, _PARENT = subdivision(_CONTROL, _SHARP, LEVELS)
"""Points of the surface over the control points; its triangles."""
_MESH_WEIGHTS = WEIGHTS.first(MESH)
REGION = _CONTROL_REGION[_PARENT]
"""The region of each triangle of the surface."""
SURFACE_UV = WEIGHTS @ np.concatenate([UV, UV[_OVAL], UV[_OVAL]])
"""f64[n,2]: where points lie in the unwrapped face."""


def surface(state: FaceState) -> Points:
    """The points of the subdivided surface, in the head's own coordinates: f64[n,3]."""
    return _smoothed(state, WEIGHTS)


def smooth_mesh(state: FaceState) -> Points:
    """The first of them, which are the face mesh's own points: f64[468,3]."""
    return _smoothed(state, _MESH_WEIGHTS)


def _smoothed(state: FaceState, weights: Sparse) -> Points:
    points = mesh_points(state)
    smooth = weights @ np.concatenate([points, _behind(points)])
    for eye in eyes(state).values():
        smooth = _pushed_out(smooth, eye.center)
    return smooth
