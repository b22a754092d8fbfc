"""A picture of four phases, of which each frame makes one: what it comes to with nets that lose nothing.

The live page has no such nets (docs/live-page.md); scripts/reprojection.py measures what they could be.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.trainer.renderer.rasterizer import gather, rasterize

Pictures = NDArray[np.uint8]

ORDER = (0, 3, 1, 2)
"""Phases 2i + j in turns, one a frame: those that touch by a corner follow each other."""
AROUND = 3
"""Pixels a side of the neighbourhood that holds a stale pixel within the fresh ones."""


def woven(pictures: Pictures, maps: NDArray[np.float32] | None = None) -> Pictures:
    """u8[n,S,S,3]: each frame has one phase of its own picture, the other three of those before it.

    Args:
        pictures: u8[n,S,S,3], of which the first is taken whole.
        maps: f32[n,S,S,2], where in the frame before each pixel was, x and y in pixels: what is stale is
            fetched there, and held between the least and the most of the fresh pixels around it.
    """
    result = pictures.copy()
    for i in range(1, len(pictures)):
        y, x = divmod(ORDER[i % 4], 2)
        fresh = np.s_[y::2, x::2]
        stale = result[i - 1]
        if maps is not None:
            moved = cv2.remap(stale, maps[i], None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            stale = np.clip(moved, *_around(pictures[i], fresh))
        result[i] = stale
        result[i][fresh] = pictures[i][fresh]
    return result


def _around(picture: NDArray[np.uint8], fresh: tuple[slice, slice]) -> tuple[Pictures, Pictures]:
    """The least and the most of the fresh pixels around each."""
    kernel = np.ones((AROUND, AROUND), np.uint8)
    least, most = np.full_like(picture, 255), np.zeros_like(picture)
    least[fresh] = most[fresh] = picture[fresh]
    return np.asarray(cv2.erode(least, kernel)), np.asarray(cv2.dilate(most, kernel))


def maps_of(vertices: NDArray[np.float32], triangles: NDArray[np.int32], size: int) -> NDArray[np.float32]:
    """f32[n,size,size,2] of meshes f32[n,v,4], as web/motion_mesh.js has them: x, y, u, v."""
    return np.stack([_map(mesh, triangles, size) for mesh in vertices])


def _map(mesh: NDArray[np.float32], triangles: NDArray[np.int32], size: int) -> NDArray[np.float32]:
    points = np.pad(mesh[:, :2] * np.float64(size), [(0, 0), (0, 1)])
    one, two, three = (points[triangles[:, k]] for k in range(3))
    area = np.cross((two - one)[:, :2], (three - one)[:, :2])
    seen = np.ascontiguousarray(triangles[area > 0])
    triangle, inside, _ = rasterize(points, seen, size)
    back = (mesh[:, 2:] - mesh[:, :2]) * np.float32(size)
    moved = gather(back, seen, triangle.ravel(), inside.reshape(-1, 2)).reshape(size, size, 2)
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    return np.asarray(moved + np.stack([columns, rows], axis=-1), np.float32)
