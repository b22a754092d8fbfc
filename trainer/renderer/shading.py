"""The illustrated look: toon ramps under a key light, two neon lights from the sides, rims, ink.

Works on arrays of visible pixels: normals f32[m,3] (x right, y up, z to the viewer), coordinates
f32[m,3] of the part's texture, colours f32[m,3] in [0,1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .decals import decals
from .head import EYEBALL_RADIUS, IRIS_RADIUS
from .looks import look
from .parts import Material

Array = NDArray[np.float32]


def _direction(x: float, y: float, z: float) -> Array:
    v = np.array([x, y, z], np.float32)
    return v / np.float32(np.linalg.norm(v))


KEY = _direction(0.22, 0.55, 0.80)
WARM = _direction(-0.92, 0.12, 0.28)
COLD = _direction(0.92, 0.05, 0.26)
HALF = _direction(0.11, 0.30, 0.95)
"""Halfway between the key light and the viewer: where surfaces gleam."""


@dataclass(frozen=True)
class Surface:
    """Visible pixels: what they show, and how much of the key light reaches them (0 or 1)."""

    material: NDArray[np.int32]
    normal: Array
    coordinates: Array
    lit: Array


def step(x: Array, edge: float, soft: float = 0.10) -> Array:
    """0 below the edge, 1 above it, smooth over `soft` on both sides."""
    t = np.clip((x - edge) / (2 * soft) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def shade(surface: Surface, name: str) -> tuple[Array, Array]:
    """(colour, glow) of pixels, f32[m,3] each; glow also feeds the bloom."""
    colors = look(name)
    table = np.stack([colors.base[material] for material in Material])
    base = table[surface.material]
    glow = np.zeros_like(base)
    _paint_skin(surface, name, base, glow)
    _paint_hair(surface, base)
    color = _lights(surface, name, base)
    _draw_eyes(surface, name, color)
    _draw_mouth(surface, color)
    for material in (Material.GLOW_WARM, Material.GLOW_COLD):
        pixels = surface.material == material
        glow[pixels] = table[material]
        color[pixels] = 0.35 + 0.65 * table[material]
    return color, glow


def _paint_skin(surface: Surface, name: str, base: Array, glow: Array) -> None:
    """Make-up and lines of light, on the face only: other skin has no unwrapped place."""
    uv = surface.coordinates[:, :2]
    face = (surface.material == Material.SKIN) & (uv[:, 0] > 0.001) & (uv[:, 1] > 0.001)
    face &= (uv < 1).all(1) & (surface.coordinates[:, 2] == 0)
    paint, cover, light = decals(name).at(uv[face])
    base[face] += (paint - base[face]) * cover
    glow[face] = light


def _paint_hair(surface: Surface, base: Array) -> None:
    hair = np.isin(surface.material, _HAIR)
    across, along, tint = surface.coordinates[hair].T
    strand = 0.03 * step(np.sin(across * 7.0), 0.3, 0.4) + 0.08 * tint
    base[hair] *= (0.94 + strand - 0.14 * step(np.abs(across), 0.78, 0.20) + 0.10 * along)[:, None]


def _amount(material: NDArray[np.int32], amounts: dict[Material, float], other: float) -> Array:
    """A number for each pixel by its material, f32[m]."""
    table = [amounts.get(material, other) for material in Material]
    return np.array(table, np.float32)[material]


_SKIN = (Material.SKIN, Material.LIPS, Material.BROW)
_HAIR = (Material.HAIR, Material.STREAK)


def _lights(surface: Surface, name: str, base: Array) -> Array:
    colors = look(name)
    n, material = surface.normal, surface.material
    key = n @ KEY
    bright = (step(key, 0.40) * surface.lit)[:, None]
    color = base * (colors.shadow + (1 - colors.shadow) * bright)
    color *= _amount(material, dict.fromkeys(_SKIN, 1.0), 0.92)[:, None]
    wash_by = _amount(material, dict.fromkeys(_SKIN, 0.80) | dict.fromkeys(_HAIR, 0.72), 0.62)
    rim_by = _amount(material, {Material.EYE: 0.0, Material.MOUTH: 0.0}, 0.40)
    rim_by *= step(1 - n[:, 2], 0.64, 0.12)
    for direction, light in ((WARM, colors.warm), (COLD, colors.cold)):
        facing = n @ direction
        wash = 0.20 * step(facing, 0.40, 0.12) + 0.44 * step(facing, 0.72, 0.10)
        amount = (wash * wash_by)[:, None]
        color *= 1 - 0.72 * amount
        color += light * (amount * (0.30 + 0.70 * base))
        color += light * (rim_by * step(facing, 0.10, 0.1))[:, None]
    color += _gleam(surface)[:, None] * (0.5 + 0.5 * colors.cold)
    return color


def _gleam(surface: Surface) -> Array:
    """Highlights: points on skin, lips and metal, a band around the hair; f32[m]."""
    n, material = surface.normal, surface.material
    toward = n @ HALF
    edge = _amount(material, {Material.SKIN: 0.9965, Material.LIPS: 0.972, Material.METAL: 0.93}, 2.0)
    strength = _amount(material, {Material.SKIN: 0.16, Material.LIPS: 0.42, Material.METAL: 0.55}, 0)
    gleam = strength * step(toward - edge, 0.0, 0.006)
    hair = np.flatnonzero(np.isin(material, _HAIR))
    wave = 0.05 * np.sin(surface.coordinates[hair, 0] * 5)
    off = np.abs(n[hair, 1] - 0.52 + wave)
    gleam[hair] += 0.24 * step(0.10 - off, 0.0, 0.10) * step(n[hair, 2], 0.25, 0.1)
    return np.asarray(gleam, np.float32)


def _draw_eyes(surface: Surface, name: str, color: Array) -> None:
    """Sclera in the lid's shade, a ringed iris that glows from below, pupil, two highlights."""
    colors = look(name)
    pixels = np.flatnonzero(surface.material == Material.EYE)
    x, y, z = surface.coordinates[pixels].T
    radius = np.hypot(x, y) / (IRIS_RADIUS / EYEBALL_RADIUS)
    radius = np.where(z > 0, radius, 9.0)
    inside = 1 - step(radius, 1.0, 0.05)
    height = y / (IRIS_RADIUS / EYEBALL_RADIUS)
    white = colors.base[Material.EYE] * (1 - 0.38 * step(y, 0.20, 0.10))[:, None]
    white = white * (1 - 0.25 * step(np.abs(x), 0.62, 0.15))[:, None]
    low = step(-height, 0.05, 0.45)[:, None]
    iris = colors.iris * (1 - low) + colors.iris_low * low
    iris = iris * (1 - 0.80 * step(radius, 0.80, 0.06))[:, None]
    iris = iris * (1 - 0.55 * step(height, 0.45, 0.2))[:, None]
    iris = iris * (1 - 0.95 * (1 - step(radius, 0.44, 0.05)))[:, None]
    out = white * (1 - inside[:, None]) + iris * inside[:, None]
    for place, size in (((-0.34, 0.40), 0.30), ((0.36, -0.38), 0.15)):
        reach = np.hypot(x / (IRIS_RADIUS / EYEBALL_RADIUS) - place[0], height - place[1])
        shine = (1 - step(reach, size, 0.05)) * (z > 0)
        out = out + (1 - out) * shine[:, None]
    color[pixels] = out


def _draw_mouth(surface: Surface, color: Array) -> None:
    """The inside of the mouth is lit from the front only, the deeper the darker."""
    for material, strength in (
        (Material.MOUTH, 1.0),
        (Material.TEETH, 0.98),
        (Material.TONGUE, 0.92),
    ):
        pixels = surface.material == material
        base = color[pixels]
        color[pixels] = np.clip(base, 0, 1) * strength
