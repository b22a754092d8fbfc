"""A street at night behind the avatar: the same in every frame of a look."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .looks import look


@lru_cache(maxsize=8)
def background(name: str, size: int) -> NDArray[np.float32]:
    """f32[size,size,3] in [0,1]: towers with lit windows, signs out of focus, haze."""
    colors = look(name)
    y = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    x = np.linspace(0, 1, size, dtype=np.float32)[None, :, None]
    top, bottom = colors.night
    picture = top + (bottom - top) * y**1.3
    picture = picture + 0.30 * colors.warm * (1 - x) ** 2.2 + 0.26 * colors.cold * x**2.2
    random = np.random.default_rng(20)
    picture = _towers(picture.astype(np.float32), random, colors.signs, top * 0.55)
    lights = np.zeros((size, size, 3), np.float32)
    for index in range(18):
        side = random.choice([random.uniform(0, 0.30), random.uniform(0.70, 1.0)])
        color = colors.signs[index % len(colors.signs)]
        center = (int(side * size), int(random.uniform(0.05, 0.95) * size))
        if index % 3:
            radius = int(random.uniform(0.012, 0.04) * size)
            disc = np.zeros_like(lights)
            cv2.circle(disc, center, radius, (color * random.uniform(0.25, 0.6)).tolist(), -1, cv2.LINE_AA)
            lights = np.maximum(lights, disc)
        else:
            height, width = (
                int(random.uniform(0.1, 0.3) * size),
                int(random.uniform(0.01, 0.022) * size),
            )
            corner = (center[0] + max(1, width), center[1] + height)
            cv2.rectangle(lights, center, corner, color.tolist(), -1)
    soft = cv2.GaussianBlur(lights, (0, 0), size * 0.006)
    halo = cv2.GaussianBlur(lights, (0, 0), size * 0.035)
    return np.asarray(np.clip(picture + 0.8 * soft + 0.6 * halo, 0, 1), np.float32)


def _towers(
    picture: NDArray[np.float32],
    random: np.random.Generator,
    signs: tuple[NDArray[np.float32], ...],
    dark: NDArray[np.float32],
) -> NDArray[np.float32]:
    size = len(picture)
    left = 0.0
    while left < 1:
        width = random.uniform(0.08, 0.16)
        top = random.uniform(0.08, 0.45)
        start, end = (int(left * size), int(top * size)), (int((left + width) * size), size)
        shade = dark * random.uniform(0.6, 1.4)
        cv2.rectangle(picture, start, end, shade.tolist(), -1)
        for row in np.arange(top + 0.03, 1.0, 0.045):
            for column in np.arange(left + 0.015, left + width - 0.02, 0.03):
                if random.uniform() < 0.35:
                    color = signs[int(random.integers(len(signs)))] * random.uniform(0.2, 0.55)
                    a = (int(column * size), int(row * size))
                    b = (int((column + 0.012) * size), int((row + 0.018) * size))
                    cv2.rectangle(picture, a, b, color.tolist(), -1)
        left += width + random.uniform(0.0, 0.02)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), size * 0.008), np.float32)
