"""Ears with their implants, neck, shoulders and jacket."""

from __future__ import annotations

import numpy as np

from .mesh import Points, ellipsoid, grid
from .parts import Material, Motion, Part, plain

_EAR, _IMPLANT, NECK_LINE, _BODY, _COLLAR, _TRIM = 20, 24, 30, 31, 32, 33
"""Ink line numbers."""


def _rings(levels: list[tuple[float, float, float, float]], columns: int) -> Points:
    """Ellipses around the y axis, one for each (y, half width, half depth, centre's z)."""
    a = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    rows = [
        np.stack([w * np.sin(a), np.full(columns, y), z + d * np.cos(a)], axis=1) for y, w, d, z in levels
    ]
    return np.concatenate(rows)


def _turned(points: Points, yaw: float, about: Points) -> Points:
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    return np.asarray((points - about) @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + about)


def _ears() -> list[Part]:
    ears = []
    for index, side in enumerate((-1, 1)):
        center = np.array([side * 8.0, 1.0, -3.3])
        for scale, depth, line in ((1.0, 0.0, _EAR), (0.62, 0.35, _EAR + 1)):
            radii = np.array([0.75, 2.3, 1.35]) * scale
            points, triangles = ellipsoid(center + np.array([side * depth, 0.1, 0.15]), radii, 18, 12)
            points[:, 2] -= 0.22 * (points[:, 1] - center[1])
            ears.append(
                plain((_turned(points, side * 24, center), triangles), Material.SKIN, line + 2 * index)
            )
    return ears


def _ring(center: Points, radius: float, thickness: float, axis: str, material: Material, line: int) -> Part:
    """A torus whose axis of rotation is x or z."""
    around, section = 24, 8
    a = np.linspace(0, 2 * np.pi, around, endpoint=False)
    b = np.linspace(0, 2 * np.pi, section, endpoint=False)
    A, B = np.meshgrid(a, b, indexing="ij")
    r = radius + thickness * np.cos(B)
    flat, up, through = r * np.cos(A), r * np.sin(A), thickness * np.sin(B)
    shape = (through, up, flat) if axis == "x" else (flat, up, through)
    points = np.stack(shape, axis=-1).reshape(-1, 3) + center
    triangles = grid(around, section, closed=True)
    last = [(around - 1) * section + s for s in range(section)]
    joint = [
        t
        for s in range(section)
        for t in (
            (last[s], last[(s + 1) % section], s),
            (last[(s + 1) % section], (s + 1) % section, s),
        )
    ]
    both = np.concatenate([triangles, np.array(joint, np.int32)])
    return plain((points, both), material, line)


def _implants() -> list[Part]:
    """A headset's disc on the left ear, with a glowing ring; an earring on the right one."""
    disc = ellipsoid((9.1, 1.6, -3.0), (0.6, 1.5, 1.5), 20, 12)
    return [
        plain(disc, Material.METAL, _IMPLANT),
        _ring(np.array([9.6, 1.6, -3.0]), 0.95, 0.2, "x", Material.GLOW_COLD, _IMPLANT + 1),
        _ring(np.array([-8.4, -2.3, -3.0]), 0.9, 0.16, "x", Material.GLOW_WARM, _IMPLANT + 2),
    ]


_ROLL = [
    (-10.3, 4.9, 4.6, -5.4),
    (-10.0, 5.5, 5.2, -5.4),
    (-10.6, 5.8, 5.5, -5.5),
    (-12.6, 5.9, 5.6, -5.7),
    (-16.5, 8.6, 6.2, -6.2),
]


def _neck() -> list[Part]:
    """The neck, and the roll-neck that it stands in."""
    levels = [
        (-2.5, 5.6, 4.6, -4.6),
        (-5.0, 5.2, 4.6, -4.8),
        (-8.0, 4.9, 4.6, -5.1),
        (-11.0, 4.9, 4.7, -5.5),
        (-13.5, 5.6, 5.0, -5.9),
        (-16.0, 8.0, 5.6, -6.2),
    ]
    columns = 32
    points = _rings(levels, columns)
    share = np.repeat([1.0, 1.0, 0.75, 0.4, 0.1, 0.0], columns)
    coordinates = np.stack([share, points[:, 1], points[:, 0]], axis=1)
    triangles = grid(len(levels), columns, closed=True)
    bare = triangles[points[triangles, 1].min(1) >= -11.0]
    collar, collar_triangles = _rings(_ROLL, columns), grid(len(_ROLL), columns, closed=True)
    share_of_head = np.interp(collar[:, 1], [-13.0, -10.0], [0.1, 0.5])
    rolled = np.stack([share_of_head, collar[:, 1], collar[:, 0]], axis=1)
    return [
        Part(points, bare, Material.SKIN, NECK_LINE, coordinates, Motion.NECK),
        Part(collar, collar_triangles, Material.SHIRT, NECK_LINE + 4, rolled, Motion.NECK),
    ]


_TORSO = [
    (-13.6, 7.4, 6.0, -6.4),
    (-14.6, 9.4, 6.6, -6.6),
    (-15.8, 12.6, 7.2, -6.8),
    (-17.4, 16.2, 7.8, -7.0),
    (-19.6, 18.8, 8.4, -7.0),
    (-23.0, 20.4, 9.2, -7.0),
    (-34.0, 20.8, 10.0, -7.0),
]


def _jacket() -> list[Part]:
    columns = 64
    points = _rings(_TORSO, columns)
    triangles = grid(len(_TORSO), columns, closed=True)
    front = np.abs(np.degrees(np.arctan2(points[:, 0], points[:, 2] + 7.0)))
    opening = (front[triangles].mean(1) < 34) & (points[triangles, 1].mean(1) > -26)
    shapes = [
        (triangles[~opening], Material.JACKET, _BODY),
        (triangles[opening], Material.SHIRT, _BODY + 9),
    ]
    jacket = [plain((points, t), material, line, Motion.BODY) for t, material, line in shapes]
    return [*jacket, *_collar()]


def _collar() -> list[Part]:
    """A standing collar, open in front, edged with light."""
    a = np.radians(np.linspace(30, 330, 56))
    levels = [(-16.6, 10.6, 7.2, -6.6), (-13.5, 9.0, 7.0, -6.4), (-10.6, 9.2, 7.6, -6.6)]
    rows = [
        np.stack(
            [
                w * np.sin(a),
                y - 2.6 * np.exp(-(((a - np.pi) ** 2 - 2.4**2) ** 2)) * 0.6,
                z + d * np.cos(a),
            ],
            axis=1,
        )
        for y, w, d, z in levels
    ]
    sheet = plain(
        (np.concatenate(rows), grid(3, len(a), closed=False)), Material.JACKET, _COLLAR, Motion.BODY
    )
    edge = rows[-1]
    trim = np.concatenate([edge * [1.015, 1, 1] + [0, 0.22, 0], edge * [1.03, 1, 1] - [0, 0.22, 0]])
    return [
        sheet,
        plain((trim, grid(2, len(a), closed=False)), Material.GLOW_COLD, _TRIM, Motion.BODY),
    ]


def parts() -> list[Part]:
    """Ears, implants, neck and clothes, in the head's own coordinates at rest."""
    return [*_ears(), *_implants(), *_neck(), *_jacket()]
