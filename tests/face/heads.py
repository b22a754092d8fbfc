"""The canonical face, turned: heads that need no renderer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.camera import project, rotation
from onnx2wgsl.face.framing import PIVOT
from onnx2wgsl.face.topology import EYE_LEFT, EYE_RIGHT, VERTICES

IRIS_RADIUS = 0.6
_RING = IRIS_RADIUS * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])


def head(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """The landmarks f64[478,3] of the canonical face, turned by degrees, in its usual frame."""
    irises = [VERTICES[eye].mean(axis=0) + _RING for eye in (EYE_RIGHT, EYE_LEFT)]
    points = np.concatenate([VERTICES, *irises])
    return project((points - PIVOT) @ rotation(pitch, yaw, roll).T + PIVOT)
