"""The face at rest, and the rings of its lips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import topology
from onnx2wgsl.face.topology import VERTICES

Points = NDArray[np.float64]

# The rings of the lips, from a corner to the other, from the outside to the inside.
UPPER_LIP = [
    [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291],
    [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306],
    [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292],
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
]
LOWER_LIP = [
    [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291],
    [76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306],
    [62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292],
    [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
]


def _rest() -> Points:
    """The canonical face with its lips closed and its eyes a little wider than in the average."""
    rest = VERTICES.copy()
    for above, below, share in zip(UPPER_LIP, LOWER_LIP, (0.05, 0.3, 0.75, 1.0), strict=True):
        for top, bottom, inner_top, inner_bottom in zip(
            above[1:-1], below[1:-1], UPPER_LIP[-1][1:-1], LOWER_LIP[-1][1:-1], strict=True
        ):
            gap = VERTICES[inner_top] - VERTICES[inner_bottom]
            rest[top] -= share * 0.35 * gap
            rest[bottom] += share * 0.60 * gap
    for top, bottom in (
        *zip(topology.LID_UPPER_RIGHT, topology.LID_LOWER_RIGHT, strict=True),
        *zip(topology.LID_UPPER_LEFT, topology.LID_LOWER_LEFT, strict=True),
    ):
        gap = VERTICES[top] - VERTICES[bottom]
        rest[top] += 0.24 * gap
        rest[bottom] -= 0.10 * gap
    return np.asarray(rest)


REST = _rest()
"""f64[468,3], centimetres, in the axes of the canonical face."""
