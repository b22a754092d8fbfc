"""Index maps of Resize."""

from __future__ import annotations

import numpy as np

from ..ir import Array
from .quantization import F32


def resize_indices(size: int, result: int, scale: float, coordinates: str, rounding: str) -> Array:
    """Source index of each output position of a nearest Resize along one axis, i64 [result].

    Coordinates are computed in f32, one rounding an operation; an axis of scale 1 is the identity.
    The rounding modes take what lies within 1e-6 of a half for one (measured on 1.31.1).
    """
    if scale == 1.0:
        return np.arange(result)
    o = np.arange(result, dtype=F32)
    s, half = F32(scale), F32(0.5)
    if coordinates == "asymmetric":
        c = o / s
    elif coordinates == "half_pixel" or (coordinates == "pytorch_half_pixel" and result > 1):
        c = (o + half) / s - half
    elif coordinates == "align_corners":
        c = o * F32(size - 1) / F32(result - 1) if result > 1 else np.zeros(1, F32)
    else:
        c = np.zeros(result, F32)
    halfway = np.abs(c - np.floor(c) - half) < 1e-6
    match rounding:
        case "floor":
            index = np.floor(c)
        case "ceil":
            index = np.ceil(c)
        case "round_prefer_floor":
            index = np.where(halfway, np.floor(c), np.rint(c))
        case _:  # round_prefer_ceil
            index = np.where(halfway, np.ceil(c), np.rint(c))
    clipped: Array = np.clip(index.astype(np.int64), 0, size - 1)
    return clipped
