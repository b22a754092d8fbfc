"""What a portrait is assembled from: meshes with a material, each moving with something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .mesh import Points, Triangles


class Material(IntEnum):
    """What a surface is made of; looks.py gives each a colour."""

    SKIN = 0
    LIPS = 1
    EYE = 2
    LASH = 3
    BROW = 4
    MOUTH = 5
    TEETH = 6
    TONGUE = 7
    HAIR = 8
    STREAK = 9
    SHIRT = 10
    JACKET = 11
    METAL = 12
    GLOW_WARM = 13
    GLOW_COLD = 14


class Motion(IntEnum):
    """What a part moves with."""

    HEAD = 0
    BODY = 1
    NECK = 2
    """Between them, by the first of its coordinates: 1 moves with the head, 0 with the body."""


@dataclass(frozen=True)
class Part:
    """A mesh of one material, in the head's own coordinates.

    coordinates: f64[n,3], what the material's texture needs: (u, v, -) of the unwrapped face, the
    unit position in an eyeball, (across, along, shade) of a lock of hair.
    line: parts of differing numbers are divided by an ink line; 0 draws none against 0.
    """

    points: Points
    triangles: Triangles
    material: Material
    line: int
    coordinates: NDArray[np.float64]
    motion: Motion = Motion.HEAD


def plain(
    shape: tuple[Points, Triangles], material: Material, line: int, motion: Motion = Motion.HEAD
) -> Part:
    """A part whose material has no texture."""
    points, triangles = shape
    return Part(points, triangles, material, line, np.zeros((len(points), 3)), motion)
