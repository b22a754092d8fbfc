"""Where the mouth is in a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import LIPS_OUTER

Box = tuple[int, int, int, int]
"""y0, y1, x0, x1: rows from y0 up to y1, columns from x0 up to x1, in pixels."""


def mouth_box(landmarks: NDArray[np.float32], size: int) -> Box:
    """The box of the lips, grown on all sides by a quarter of their width.

    landmarks: f32[478,3], x and y in fractions of the picture, which is `size` pixels a side. The
    box lies inside the picture and holds at least one pixel, wherever the lips are.
    """
    lips = landmarks[LIPS_OUTER, :2].astype(np.float64) * size
    margin = (lips[:, 0].max() - lips[:, 0].min()) / 4
    first = np.clip(np.floor(lips.min(0) - margin), 0, size - 1).astype(int)
    last = np.clip(np.ceil(lips.max(0) + margin), first + 1, size).astype(int)
    return int(first[1]), int(last[1]), int(first[0]), int(last[0])
