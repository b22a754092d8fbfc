"""A z-buffer: which triangle each pixel of a supersampled picture shows, and where in it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)  # type: ignore[misc, unused-ignore]
def rasterize(points, triangles, size):  # type: ignore[no-untyped-def]
    """Draws triangles i32[t,3] over points f64[n,3] (x, y in pixels, z: smaller is nearer).

    Returns (triangle i32[size,size], -1 where there is none; first two barycentric coordinates
    f32[size,size,2]; depth f32[size,size], infinite where there is none). No face is culled.
    """
    triangle = np.full((size, size), -1, np.int32)
    inside = np.zeros((size, size, 2), np.float32)
    depth = np.full((size, size), np.inf, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t]
        x0, y0, x1, y1 = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        x2, y2 = points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left = max(0, int(np.ceil(min(x0, x1, x2) - 0.5)))
        right = min(size - 1, int(np.floor(max(x0, x1, x2) - 0.5)))
        top = max(0, int(np.ceil(min(y0, y1, y2) - 0.5)))
        bottom = min(size - 1, int(np.floor(max(y0, y1, y2) - 0.5)))
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                u = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
                if u < 0:
                    continue
                v = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
                if v < 0 or u + v > 1:
                    continue
                z = u * points[a, 2] + v * points[b, 2] + (1 - u - v) * points[c, 2]
                if z < depth[row, column]:
                    depth[row, column] = z
                    triangle[row, column] = t
                    inside[row, column, 0] = u
                    inside[row, column, 1] = v
    return triangle, inside, depth


def gather(
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    triangle: NDArray[np.int32],
    inside: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Values f32[n,k] of points at pixels: triangle i32[m] and inside f32[m,2] -> f32[m,k]."""
    a, b, c = triangles[triangle].T
    u, v = inside[:, :1], inside[:, 1:]
    return np.asarray(u * values[a] + v * values[b] + (1 - u - v) * values[c])
