"""Integer convolution."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from .array import Array

BLOCK = 1 << 23
"""Elements of the windows that are laid side by side at a time: 32 MiB as f32."""


def convolve(
    x: Array,
    weight: Array,
    strides: tuple[int, int],
    dilations: tuple[int, int],
    group: int = 1,
) -> Array:
    """Sum of products in int32 that wraps: integers x [N,C,H,W] (padded already) and weight
    [O,C/group,KH,KW] of at most 2^20 in size.
    """
    out_channels, _, kernel_h, kernel_w = weight.shape
    reach = [
        (size - 1) * dilation + 1 for size, dilation in zip((kernel_h, kernel_w), dilations, strict=True)
    ]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]
    batch, channels, out_h, out_w = windows.shape[:4]
    matrix = weight.reshape(group, out_channels // group, -1)
    total = np.empty((batch, group, out_channels // group, out_h, out_w), np.int32)
    for image, rows, columns in _blocks((batch, out_h, out_w), channels * kernel_h * kernel_w):
        block = windows[image, :, rows, columns].transpose(0, 1, 4, 5, 2, 3)
        part = total[image, :, :, rows, columns]
        part[:] = _products(matrix, block, group).reshape(part.shape)
    return total.reshape(batch, out_channels, out_h, out_w)


def _blocks(shape: tuple[int, int, int], depth: int) -> Iterator[tuple[slice, ...]]:
    """Images, rows and columns that are computed at a time, for windows of `depth` elements."""
    steps: list[int] = []
    room = max(1, BLOCK // depth)
    for size in reversed(shape):
        steps.insert(0, min(size, room))
        room = max(1, room // size)
    starts = (range(0, size, step) for size, step in zip(shape, steps, strict=True))
    for corner in itertools.product(*starts):
        yield tuple(slice(at, at + step) for at, step in zip(corner, steps, strict=True))


def _products(matrix: Array, block: Array, group: int) -> Array:
    """i32 that wraps [N, G, O/G, pixels] of weights [G, O/G, K] and windows [N, C, KH, KW, rows, columns]."""
    depth, largest = matrix.shape[2], _largest(matrix) * _largest(block)
    columns = block.astype(np.float32 if largest < 1 << 24 else np.float64)
    columns = columns.reshape(len(block), group, depth, -1)
    parts = (matrix[..., some].astype(columns.dtype) @ columns[:, :, some] for some in _exact(depth, largest))
    sums: Array = sum(part.astype(np.int64).astype(np.int32) for part in parts)
    return sums


def _largest(values: Array) -> int:
    return max(int(values.max()), -int(values.min()), 1)


def _exact(depth: int, largest: int) -> Iterator[slice]:
    """Parts of a sum of `depth` products, each up to `largest`, that floats hold exactly in any order."""
    # BLAS is far faster on floats than numpy is on integers.
    step = (1 << 24 if largest < 1 << 24 else 1 << 53) // largest
    return (slice(first, first + step) for first in range(0, depth, step))
