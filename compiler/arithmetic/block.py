"""Large arrays in blocks, so that what is computed on the way takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from .array import Array

BLOCK = 1 << 20
"""Elements at a time."""


def blocks(count: int, width: int = 1) -> Iterator[slice]:
    """So many rows of a width, in blocks.

    >>> [*blocks(5, BLOCK // 2)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    step = max(1, BLOCK // max(1, width))
    return (slice(first, first + step) for first in range(0, count, step))


def blockwise(function: Callable[..., Array], dtype: DTypeLike, *arrays: Array) -> Array:
    """What an elementwise function makes of arrays of one shape, in a dtype."""
    rows = [array.reshape(-1) for array in arrays]
    result: Array = np.empty(rows[0].shape, dtype)
    for some in blocks(result.size):
        result[some] = function(*(row[some] for row in rows))
    return result.reshape(arrays[0].shape)
