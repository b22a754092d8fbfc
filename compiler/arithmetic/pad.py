"""Index maps of Pad."""

from __future__ import annotations

import numpy as np

from .array import Array


def pad_indices(size: int, before: int, after: int, mode: str) -> Array:
    """Source index of each output position of Pad along one axis, i64; -1 where the constant
    stands.

    >>> [pad_indices(3, 2, 1, mode).tolist() for mode in ("constant", "edge", "reflect", "wrap")]
    [[-1, -1, 0, 1, 2, -1], [0, 0, 0, 1, 2, 2], [2, 1, 0, 1, 2, 1], [1, 2, 0, 1, 2, 0]]
    """
    o = np.arange(-before, size + after)
    if mode == "edge":
        return np.clip(o, 0, size - 1)
    if mode == "wrap":
        return np.mod(o, size)
    if mode == "reflect":
        # The edge is not repeated, so positions come again after that many; one element is all there is.
        period = 2 * (size - 1)
        folded = np.mod(o, period) if period else np.zeros_like(o)
        return np.where(folded >= size, period - folded, folded)
    return np.where((o < 0) | (o >= size), -1, o)
