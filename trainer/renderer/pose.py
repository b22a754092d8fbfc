"""Where a state's head is, and what a camera and a face tracker see of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.camera import project, rotation
from onnx2wgsl.face.framing import PIVOT

from . import head
from .mesh import Points
from .state import FaceState


def placed(points: Points, state: FaceState) -> Points:
    """Points f64[n,3] of the head's own coordinates, turned and scaled as the state has it."""
    turned = (points - PIVOT) @ rotation(*state.pose).T
    return np.asarray(turned * state.scale + PIVOT)


def seen(points: Points, state: FaceState, share: float | Points = 1.0) -> Points:
    """Placed points in the frame, f64[n,3] (face.camera.project), shifted by the state's offset.

    share: how much of the shift each point takes part in, f64[n,1].
    """
    return np.asarray(project(points) + share * np.array([*state.offset, 0.0]))


def landmarks(state: FaceState) -> NDArray[np.float32]:
    """The 478 landmarks of a state, f32[478,3], as MediaPipe would report them of its picture."""
    eyes = head.eyes(state)
    points = [head.smooth_mesh(state), *(eyes[side].iris() for side in head.SIDES)]
    return seen(placed(np.concatenate(points), state), state).astype(np.float32)
