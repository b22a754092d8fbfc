"""From a state to its picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .background import background
from .body import NECK_LINE
from .looks import look
from .parts import Material
from .rasterizer import gather, rasterize
from .scene import Scene, scene
from .shading import Array, Surface, shade
from .state import FaceState

_HEAD = (Material.SKIN, Material.LIPS, Material.BROW, Material.HAIR, Material.STREAK)


def render(state: FaceState, size: int) -> NDArray[np.uint8]:
    """The avatar of a state: u8[size,size,3], RGB. Equal states give equal bytes.

    Supersampled twice, four times below 128 pixels.
    """
    fine = size * (2 if size >= 128 else 4)
    mesh = scene(state)
    triangle, inside, depth = rasterize(mesh.points * [fine, fine, 1.0], mesh.triangles, fine)
    material, line = _per_pixel(mesh, triangle)
    picture = background(state.look, fine).copy()
    visible = triangle >= 0
    surface = _surface(mesh, triangle, inside, visible, _lit(material, line, depth))
    color, light = shade(surface, state.look)
    picture[visible] = np.clip(color, 0, 1.2)
    picture = _inked(picture, material, line, depth, state.look)
    glow = np.zeros_like(picture)
    glow[visible] = light
    picture += (glow - picture) * np.minimum(glow.max(-1, keepdims=True) * 1.3, 1)
    picture = _bloomed(picture, glow)
    # The mean of 2x2 alone would leave stairs on lines.
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), fine / size / 3), np.float32)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def _per_pixel(mesh: Scene, triangle: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Material and ink line number of each pixel; -1 on the background."""
    material = np.append(mesh.material, -1).astype(np.int32)[triangle]
    line = np.append(mesh.line, -1).astype(np.int32)[triangle]
    return material, line


def _surface(
    mesh: Scene,
    triangle: NDArray[np.int32],
    inside: NDArray[np.float32],
    visible: NDArray[np.bool_],
    lit: Array,
) -> Surface:
    values = np.concatenate([mesh.normals, mesh.coordinates], axis=1).astype(np.float32)
    t = triangle[visible]
    at = gather(values, mesh.triangles, t, inside[visible])
    normal = at[:, :3]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    normal *= np.where(normal[:, 2:] < 0, np.float32(-1), np.float32(1))
    return Surface(mesh.material[t], normal, at[:, 3:], lit[visible])


def _lit(material: NDArray[np.int32], line: NDArray[np.int32], depth: Array) -> Array:
    """Where the key light reaches, f32 of pixels: hair shades the face, the head shades the neck.

    A shadow is its caster's silhouette, shifted down: right enough for a light from above.
    """
    size = len(material)
    hair = np.isin(material, (Material.HAIR, Material.STREAK))
    head = np.isin(material, _HEAD) & (line != NECK_LINE)
    lit = np.ones((size, size), np.float32)
    for caster, receivers, shift, nearer in (
        (
            hair,
            np.isin(material, (Material.SKIN, Material.BROW, Material.EYE)),
            (0.006, 0.022),
            0.004,
        ),
        (
            head,
            (line == NECK_LINE) | np.isin(material, (Material.SHIRT, Material.JACKET)),
            (0.01, 0.075),
            0.02,
        ),
    ):
        dx, dy = int(shift[0] * size), int(shift[1] * size)
        shadow = np.zeros_like(caster)
        shadow[dy:, : size - dx] = caster[: size - dy, dx:]
        front = np.full_like(depth, np.inf)
        front[dy:, : size - dx] = depth[: size - dy, dx:]
        lit[shadow & receivers & (front < depth - nearer)] = 0.0
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), size / 200), np.float32)


def _inked(
    picture: Array, material: NDArray[np.int32], line: NDArray[np.int32], depth: Array, name: str
) -> Array:
    """Draws ink where parts meet and where one lies well behind another."""
    size = len(picture)
    flat = np.where(np.isfinite(depth), depth, 9.0).astype(np.float32)
    strength = np.zeros((size, size), np.float32)
    hair = np.isin(material, (Material.HAIR, Material.STREAK))
    for axis in (0, 1):
        other_line, other_hair = np.roll(line, 1, axis), np.roll(hair, 1, axis)
        gap = np.abs(flat - np.roll(flat, 1, axis))
        seams = (line != other_line) & (line != 0) & (other_line != 0)
        weight = np.where(hair & other_hair, 0.18, 1.0) * (seams | (gap > 0.035))
        weight[(slice(0, 1), slice(None)) if axis == 0 else (slice(None), slice(0, 1))] = 0
        strength = np.maximum(strength, weight.astype(np.float32))
    width = max(1, round(size / 320))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1))
    soft = cv2.GaussianBlur(cv2.dilate(strength, kernel), (0, 0), size / 900)
    alpha = np.clip(soft, 0, 1)[..., None] * 0.75
    return np.asarray(picture * (1 - alpha) + look(name).ink * alpha, np.float32)


def _bloomed(picture: Array, glow: Array) -> Array:
    """Light spills around what glows."""
    size = len(picture)
    small = cv2.resize(glow, (size // 4, size // 4), interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), size / 130)
    near = cv2.GaussianBlur(small, (0, 0), size / 420)
    spill = cv2.resize(0.9 * wide + 0.5 * near, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(picture + (1 - np.clip(picture, 0, 1)) * np.clip(spill, 0, 1), np.float32)
