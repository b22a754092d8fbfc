"""The pinhole camera that sees the head in its usual frame, and how a head turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .framing import DISTANCE, FRAME_CENTER, FRAME_SCALE, PIVOT


def rotation(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """The rotation of a head, f64[3,3], from degrees: nodding first, then turning, then tilting.

    Positive pitch looks down, positive yaw turns to the viewer's right, positive roll tilts
    counter-clockwise as the viewer sees it.
    """
    a, b, c = np.radians([pitch, yaw, roll])
    nod = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    turn = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    tilt = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    return np.array(tilt) @ np.array(turn) @ np.array(nod)


def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the camera sees points: f64[n,3] centimetres -> f64[n,3].

    x and y are fractions of the frame, y down; z is the depth in the unit of x, smaller is nearer
    and 0 at the pivot (MediaPipe's convention).
    """
    offset = points - PIVOT
    nearness = DISTANCE / (DISTANCE - offset[:, 2])
    x = FRAME_CENTER[0] + offset[:, 0] * FRAME_SCALE * nearness
    y = FRAME_CENTER[1] - offset[:, 1] * FRAME_SCALE * nearness
    return np.stack([x, y, -offset[:, 2] * FRAME_SCALE * nearness], axis=1)
