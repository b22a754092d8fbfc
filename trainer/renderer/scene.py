"""All parts of a state, placed before the camera, as one mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import body, features, hair
from .mesh import normals
from .parts import Motion, Part
from .pose import placed, seen
from .state import FaceState


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


def _head_share(part: Part) -> NDArray[np.float64]:
    """How much of the head's motion each point follows, f64[n,1]: 1 on the head, 0 on the body.

    Shoulders stay where they are: no tracker sees them, and what follows a face only by guess
    trembles with it.
    """
    if part.motion == Motion.NECK:
        return part.coordinates[:, :1]
    return np.full((len(part.points), 1), float(part.motion == Motion.HEAD))


def scene(state: FaceState) -> Scene:
    """The mesh that a state's picture shows."""
    parts = [*features.parts(state), *_static()]
    shares = [_head_share(part) for part in parts]
    clouds = [
        share * placed(part.points, state) + (1 - share) * part.points
        for part, share in zip(parts, shares, strict=True)
    ]
    starts = np.cumsum([0, *(len(points) for points in clouds)])[:-1]
    counts = [len(part.triangles) for part in parts]
    triangles = np.concatenate(
        [part.triangles + start for part, start in zip(parts, starts, strict=True)]
    ).astype(np.int32)
    points = np.concatenate(clouds)
    return Scene(
        points=seen(points, state, np.concatenate(shares)),
        normals=normals(points, triangles),
        coordinates=np.concatenate([part.coordinates for part in parts]),
        triangles=triangles,
        material=np.repeat([part.material for part in parts], counts).astype(np.int32),
        line=np.repeat([part.line for part in parts], counts).astype(np.int32),
    )
