"""Triangle meshes: subdivision, normals, and the few shapes that a portrait is built from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Triangles = NDArray[np.int32]


@dataclass(frozen=True)
class Sparse:
    """Rows of weights over the columns of something: row r holds entries start[r]:start[r+1]."""

    start: NDArray[np.int64]
    column: NDArray[np.int64]
    weight: NDArray[np.float64]

    def first(self, rows: int) -> Sparse:
        """The first rows alone, of the same memory."""
        return Sparse(self.start[: rows + 1], self.column, self.weight)

    def __matmul__(self, points: Points) -> Points:
        """f64[columns,k] -> f64[rows,k], summed in the order of the entries."""
        rows = _weighted_rows(self.start, self.column, self.weight, np.ascontiguousarray(points))
        return np.asarray(rows)


@numba.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _weighted_rows(start, column, weight, points):  # type: ignore[no-untyped-def]
    out = np.zeros((start.size - 1, points.shape[1]))
    for row in range(start.size - 1):
        for entry in range(start[row], start[row + 1]):
            for axis in range(points.shape[1]):
                out[row, axis] += weight[entry] * points[column[entry], axis]
    return out


def _sparse(rows: Sequence[dict[int, float]]) -> Sparse:
    start = np.cumsum([0, *(len(row) for row in rows)])
    column = np.array([c for row in rows for c in sorted(row)], np.int64)
    weight = np.array([row[c] for row in rows for c in sorted(row)])
    return Sparse(start.astype(np.int64), column, weight)


def subdivision(
    triangles: Triangles, corners: Collection[int], levels: int
) -> tuple[Sparse, Triangles, NDArray[np.int64]]:
    """Loop's subdivision of a mesh with boundaries (Loop 1987; boundary rules of Hoppe 1994).

    Points in `corners` stay where they are; old points keep their number. Returns the weights of
    the new points over the old, the new triangles, and the old triangle of each new one.
    """
    count = int(triangles.max()) + 1
    rows: list[dict[int, float]] = [{i: 1.0} for i in range(count)]
    parents = np.arange(len(triangles))
    for _ in range(levels):
        step, triangles = _subdivide_once(triangles, corners)
        rows = [_combine(row, rows) for row in step]
        parents = np.repeat(parents, 4)
    return _sparse(rows), triangles, parents


def _combine(row: dict[int, float], rows: list[dict[int, float]]) -> dict[int, float]:
    out: dict[int, float] = defaultdict(float)
    for index, weight in row.items():
        for column, inner in rows[index].items():
            out[column] += weight * inner
    return dict(out)


def _subdivide_once(
    triangles: Triangles, corners: Collection[int]
) -> tuple[list[dict[int, float]], Triangles]:
    opposite: dict[tuple[int, int], list[int]] = defaultdict(list)
    for a, b, c in triangles.tolist():
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            opposite[min(i, j), max(i, j)].append(k)
    neighbours: dict[int, set[int]] = defaultdict(set)
    border: dict[int, list[int]] = defaultdict(list)
    for (i, j), across in opposite.items():
        neighbours[i].add(j)
        neighbours[j].add(i)
        if len(across) == 1:
            border[i].append(j)
            border[j].append(i)
    count = int(triangles.max()) + 1
    rows = [_moved_point(i, neighbours, border, corners) for i in range(count)]
    middle: dict[tuple[int, int], int] = {}
    for (i, j), across in opposite.items():
        middle[i, j] = len(rows)
        if len(across) == 2:
            rows.append({i: 3 / 8, j: 3 / 8, across[0]: 1 / 8, across[1]: 1 / 8})
        else:
            rows.append({i: 1 / 2, j: 1 / 2})
    out = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (middle[min(e), max(e)] for e in ((a, b), (b, c), (c, a)))
        out += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return rows, np.array(out, np.int32)


def _moved_point(
    i: int,
    neighbours: dict[int, set[int]],
    border: dict[int, list[int]],
    corners: Collection[int],
) -> dict[int, float]:
    if i in corners or i not in neighbours:
        return {i: 1.0}
    if border[i]:
        if len(border[i]) != 2:
            return {i: 1.0}
        return {i: 3 / 4, border[i][0]: 1 / 8, border[i][1]: 1 / 8}
    ring = neighbours[i]
    share = 3 / 16 if len(ring) == 3 else 3 / (8 * len(ring))
    return {i: 1 - len(ring) * share, **dict.fromkeys(ring, share)}


@numba.njit(cache=True)  # type: ignore[misc, unused-ignore]
def normals(points, triangles):  # type: ignore[no-untyped-def]
    """Unit normals of points, f64[n,3]: the area-weighted mean of their triangles'."""
    out = np.zeros_like(points)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t]
        ux, uy, uz = points[b] - points[a]
        vx, vy, vz = points[c] - points[a]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(out.shape[0]):
        length = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if length > 0:
            out[i] /= length
    return out


def grid(rows: int, columns: int, closed: bool) -> Triangles:
    """Triangles between `rows` lines of `columns` points; `closed` joins the ends of each line."""
    out = []
    for r in range(rows - 1):
        for c in range(columns if closed else columns - 1):
            a, b = r * columns + c, r * columns + (c + 1) % columns
            out += [(a, b, a + columns), (b, b + columns, a + columns)]
    return np.array(out, np.int32)


def ellipsoid(
    center: Sequence[float] | Points,
    radii: Sequence[float] | Points,
    around: int = 32,
    along: int = 18,
) -> tuple[Points, Triangles]:
    """An ellipsoid whose poles lie on the y axis."""
    azimuth = np.linspace(0, 2 * np.pi, around, endpoint=False)
    elevation = np.linspace(-np.pi / 2, np.pi / 2, along)
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    unit = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], axis=-1)
    return unit.reshape(-1, 3) * radii + center, grid(along, around, closed=True)


def curve(points: Points, count: int) -> Points:
    """`count` points along the Catmull-Rom spline through `points` f64[n,k]."""
    ends = [2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]
    p = np.concatenate(ends)
    t = np.linspace(0, len(points) - 1, count)
    i = np.minimum(t.astype(int), len(points) - 2)
    u = (t - i)[:, None]
    p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
    return np.asarray(
        0.5
        * (
            2 * p1
            + (p2 - p0) * u
            + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2
            + (3 * p1 - p0 - 3 * p2 + p3) * u**3
        )
    )
