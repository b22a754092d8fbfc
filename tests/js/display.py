"""What a canvas must show of a picture that is enlarged by `scaling: 'bicubic'`: for canvas.test.js.

    python -m tests.js.display WIDTH HEIGHT SHARPNESS SHOWN_WIDTH SHOWN_HEIGHT < RGBA > RESULT

reads the bytes of a picture, and writes f64[shown height, shown width, 4], in units of a byte.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weights = Callable[[Floats], list[Floats]]
AROUND = ((0, -1), (0, 1), (-1, 0), (1, 0))


def bicubic(picture: NDArray[np.uint8], width: int, height: int, sharpness: float) -> Floats:
    """u8[H, W, 4] as bytes f64[height, width, 4]: a cubic B-spline in linear light, sharpened where the
    contrast leaves room.
    """
    light = decoded(picture[..., :3] / 255)
    center = resampled(light, width, height, spline)
    around = np.stack([resampled(light, width, height, bilinear, *offset) for offset in AROUND])
    least, most = np.minimum(center, around.min(0)), np.maximum(center, around.max(0))
    room = np.clip(np.minimum(least, 1 - most) / np.maximum(most, 1e-6), 0, 1)
    weight = -sharpness / 5 * np.sqrt(room)
    colours = encoded((center + weight * around.sum(0)) / (1 + 4 * weight))
    return np.concatenate([255 * colours, np.full((height, width, 1), 255.0)], axis=2)


def resampled(light: Floats, width: int, height: int, weights: Weights, x: float = 0, y: float = 0) -> Floats:
    """f64[H, W, C] as f64[height, width, C]: each pixel where it lies in the source, moved by x and y."""
    across = axis(light.shape[1], width, weights, x)
    down = axis(light.shape[0], height, weights, y)
    result: Floats = np.einsum("yj,jic,xi->yxc", down, light, across)
    return result


def axis(size: int, count: int, weights: Weights, shift: float) -> Floats:
    """f64[count, size]: what each of `size` texels adds to each of `count` results; the last ones go on."""
    places = (np.arange(count) + 0.5) * size / count + shift - 0.5
    first = np.floor(places)
    matrix = np.zeros((count, size))
    for k, weight in enumerate(weights(places - first), start=-1):
        texels = np.clip(first + k, 0, size - 1).astype(int)
        np.add.at(matrix, (np.arange(count), texels), weight)
    return matrix


def spline(f: Floats) -> list[Floats]:
    """The weights of four texels, of which the second lies f before the place."""
    near, far = (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6
    return [(1 - f) ** 3 / 6, near, far, f**3 / 6]


def bilinear(f: Floats) -> list[Floats]:
    """Likewise."""
    return [np.zeros_like(f), 1 - f, f]


def decoded(values: Floats) -> Floats:
    """sRGB from 0 to 1 as linear light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: Floats) -> Floats:
    """Linear light as sRGB from 0 to 1."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def main(width: str, height: str, sharpness: str, shown_width: str, shown_height: str) -> None:
    """Reads and writes."""
    picture = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(int(height), int(width), 4)
    shown = bicubic(picture, int(shown_width), int(shown_height), float(sharpness))
    sys.stdout.buffer.write(shown.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
