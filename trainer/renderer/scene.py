"""All parts of a state, placed before the camera, as one mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import body, camera, features, hair
from .mesh import normals
from .parts import Motion, Part
from .pose import placed, seen
from .state import FaceState

BODY_PIVOT = np.array([0.0, -22.0, -6.0])
_BODY_SHARE = np.array([0.15, 0.30, 0.15])
"""How much of the head's pitch, yaw and roll the shoulders follow."""


@dataclass(frozen=True)
class Scene:
    """points, normals, coordinates f64[n,3]; triangles i32[t,3], their material and line i32[t].

    Points are those of pose.seen; normals have the camera's axes (x right, y up, z to the viewer).
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    coordinates: NDArray[np.float64]
    triangles: NDArray[np.int32]
    material: NDArray[np.int32]
    line: NDArray[np.int32]


@lru_cache(maxsize=1)
def _static() -> tuple[Part, ...]:
    return (*hair.parts(), *body.parts())


def _moved(part: Part, state: FaceState) -> NDArray[np.float64]:
    """A part's points, in centimetres before the camera, f64[n,3]."""
    if part.motion == Motion.HEAD:
        return placed(part.points, state)
    turn = camera.rotation(*(np.asarray(state.pose) * _BODY_SHARE))
    still = (part.points - BODY_PIVOT) @ turn.T + BODY_PIVOT
    still = (still - camera.PIVOT) * state.scale + camera.PIVOT
    if part.motion == Motion.BODY:
        return np.asarray(still)
    share = part.coordinates[:, :1]
    return np.asarray(share * placed(part.points, state) + (1 - share) * still)


def scene(state: FaceState) -> Scene:
    """The mesh that a state's picture shows."""
    parts = [*features.parts(state), *_static()]
    moved = [_moved(part, state) for part in parts]
    starts = np.cumsum([0, *(len(points) for points in moved)])[:-1]
    counts = [len(part.triangles) for part in parts]
    triangles = np.concatenate(
        [part.triangles + start for part, start in zip(parts, starts, strict=True)]
    ).astype(np.int32)
    points = np.concatenate(moved)
    return Scene(
        points=seen(points, state),
        normals=normals(points, triangles),
        coordinates=np.concatenate([part.coordinates for part in parts]),
        triangles=triangles,
        material=np.repeat([part.material for part in parts], counts).astype(np.int32),
        line=np.repeat([part.line for part in parts], counts).astype(np.int32),
    )
