"""An asymmetric bob: a cap over the skull, and locks that sweep from a parting.

Positions on the head are (azimuth, elevation, height): azimuth 0 is the front, 90 the subject's
left; elevation 90 the crown; height a factor of the skull's radii.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .mesh import Points, curve, grid
from .parts import Material, Part

CENTER = np.array([0.0, 2.9, -4.0])
RADII = np.array([8.5, 10.2, 9.3])
_LINE = 100
"""Ink line numbers of hair start here; every lock has its own."""


def _on_skull(angles: Points) -> Points:
    """(azimuth, elevation) degrees and height, f64[n,3] -> f64[n,3] centimetres."""
    a, e = np.radians(angles[:, 0]), np.radians(angles[:, 1])
    unit = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], axis=1)
    return np.asarray(CENTER + unit * RADII * angles[:, 2:])


def _cap() -> Part:
    """The hair that lies close to the skull, from the hairline to the crown."""
    around, up = 72, 16
    azimuth = np.linspace(-180, 180, around, endpoint=False)
    bends = [0, 30, 55, 72, 90, 115, 140, 180]
    hairline = np.interp(np.abs(azimuth), bends, [36, 35, 29, 19, 8, -22, -48, -52])
    rows = [
        np.stack([azimuth, hairline + (90 - hairline) * t, np.full(around, 1.035)], axis=1)
        for t in np.linspace(0, 1, up)
    ]
    points = _on_skull(np.concatenate(rows))
    along = np.repeat(np.linspace(0, 1, up), around)
    coordinates = np.stack([np.tile(np.sin(np.radians(azimuth) * 12), up), along, 0 * along], axis=1)
    return Part(points, grid(up, around, closed=True), Material.HAIR, _LINE, coordinates)


def _lock(
    path: Sequence[tuple[float, float, float]],
    width: float,
    number: int,
    material: Material = Material.HAIR,
    blunt: float = 0.0,
) -> Part:
    """A tapering ribbon with a rounded section; `blunt` is the share of width left at its end."""
    steps, across = 14, 5
    line = curve(_on_skull(np.array(path, float)), steps)
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outward = (line - CENTER) / RADII**2
    outward -= (outward * tangent).sum(1, keepdims=True) * tangent
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    sideways = np.cross(tangent, outward)
    t = np.linspace(0, 1, steps)[:, None]
    taper = np.maximum((1 - t**2.4) ** 0.8, blunt) * (0.55 + 0.45 * np.minimum(t / 0.25, 1))
    rows = []
    for place in np.linspace(-1, 1, across):
        bulge = np.sqrt(1 - 0.9 * place**2)
        rows.append(line + sideways * width * taper * place + outward * 0.34 * width * taper * bulge)
    points = np.stack(rows, axis=1).reshape(-1, 3)
    place = np.tile(np.linspace(-1, 1, across), steps)
    shade = np.full(len(points), np.sin(number * 2.4))
    coordinates = np.stack([place, np.repeat(t[:, 0], across), shade], axis=1)
    return Part(points, grid(steps, across, closed=False), material, _LINE + number, coordinates)


def _curtain() -> list[list[tuple[float, float, float]]]:
    """The back of the bob: from the crown down to the neck, chin-long at the sides."""
    paths = []
    for azimuth in np.linspace(78, 282, 15):
        side = abs(azimuth - 180) / 102
        end = -50 - 9 * side
        paths.append(
            [
                (azimuth, 72, 1.0),
                (azimuth, 35, 1.05),
                (azimuth, 0, 1.08),
                (azimuth, -32, 1.10 + 0.03 * side),
                (azimuth - 5 * np.sign(azimuth - 180), end, 1.16 + 0.18 * side),
            ]
        )
    return paths


_BANGS: list[list[tuple[float, float, float]]] = [
    # From the parting on the subject's left over the forehead to the right, lowest first.
    [(34, 62, 1.02), (20, 44, 1.08), (2, 33, 1.10), (-16, 26, 1.10), (-30, 21, 1.09)],
    [(32, 64, 1.02), (8, 46, 1.08), (-18, 33, 1.11), (-42, 19, 1.11), (-62, 2, 1.09)],
    [(30, 68, 1.02), (0, 52, 1.10), (-30, 37, 1.13), (-56, 17, 1.13), (-74, -14, 1.11)],
    [(30, 72, 1.02), (-8, 60, 1.11), (-42, 42, 1.15), (-66, 16, 1.15), (-80, -27, 1.14)],
    [(28, 75, 1.02), (-20, 68, 1.11), (-60, 46, 1.16), (-80, 12, 1.16), (-88, -40, 1.17)],
    # Those that fall to the left of the parting.
    [(34, 62, 1.02), (44, 48, 1.08), (52, 30, 1.10), (55, 14, 1.08), (53, 0, 1.05)],
    [(34, 68, 1.02), (54, 54, 1.09), (66, 34, 1.12), (70, 8, 1.10), (67, -14, 1.06)],
    [(34, 72, 1.02), (62, 58, 1.10), (78, 36, 1.12), (84, 6, 1.12), (80, -28, 1.10)],
    [(32, 76, 1.02), (66, 66, 1.10), (88, 40, 1.13), (94, 4, 1.13), (88, -38, 1.15)],
]
_FRAMING: list[list[tuple[float, float, float]]] = [
    # The long sides before the ears.
    [(-78, 45, 1.06), (-80, 12, 1.12), (-76, -20, 1.14), (-66, -42, 1.22), (-58, -54, 1.36)],
    [(-88, 50, 1.06), (-92, 10, 1.12), (-90, -24, 1.15), (-80, -46, 1.25), (-70, -57, 1.42)],
    [(92, 45, 1.06), (98, 8, 1.12), (96, -22, 1.15), (86, -44, 1.22), (76, -55, 1.36)],
]
_COWLICK: list[list[tuple[float, float, float]]] = [
    [(40, 78, 1.0), (110, 80, 1.03), (150, 64, 1.08), (165, 46, 1.10)],
    [(-20, 80, 1.0), (-100, 80, 1.04), (-140, 62, 1.08), (-150, 44, 1.10)],
]


def parts() -> list[Part]:
    """All the hair, in the head's own coordinates."""
    pieces = [_cap()]
    for path in _curtain():
        pieces.append(_lock(path, 2.5, len(pieces), blunt=0.35))
    for path in _COWLICK:
        pieces.append(_lock(path, 2.2, len(pieces)))
    for path in _FRAMING:
        pieces.append(_lock(path, 1.9, len(pieces)))
    for index, path in enumerate(_BANGS):
        streak = Material.STREAK if index in (2, 7) else Material.HAIR
        pieces.append(_lock(path, 1.9, len(pieces), streak))
    return pieces
