"""A 3x3 convolution of an upsampled picture by nine products for four pixels, in the place of 36.

Where a picture shows each source pixel x[k] twice, two neighbours of the result are, along one axis,

    y[2k]     = w0 x[k-1] + (w1 + w2) x[k] = w0 (x[k-1] - x[k]) + (w0 + w1 + w2) x[k]
    y[2k + 1] = (w0 + w1) x[k] + w2 x[k+1] = (w0 + w1 + w2) x[k] - w2 (x[k] - x[k+1])

three products for two pixels; along both axes nine for four. It is minimal filtering (Winograd, Arithmetic
Complexity of Computations, 1980) with factors that stay whole, so that the sums are the same integers. They
leave int8: products are f32's, which are exact while sums stay below 2^24.

    >>> import numpy as np
    >>> x, w = np.array([5, -3, 7]), np.array([2, -1, 4])  # x[k-1], x[k], x[k+1]
    >>> a, b, c = w[0] * (x[0] - x[1]), w.sum() * x[1], w[2] * (x[1] - x[2])
    >>> [int(a + b), int(b - c)], np.convolve(x.repeat(2), w[::-1], "valid")[1:3].tolist()
    ([1, 25], [1, 25])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...lowering.shader import Json, Shader
from ..base import FamilyKernel, Grid
from .kernel import ConvKernel
from .tile import Tile, workgroup_of

F32_INTEGERS = 1 << 24
"""Up to here f32 has all integers."""
SOURCES = 4
"""Source pixels of a tile, at most: 16 pixels of the result."""
LEAST_PIXELS = 16
"""Source pixels of a picture that is worth shaders of its own."""
STEP = 1 << 21
"""More than what the four channels of a word come to before they are summed."""


@dataclass(eq=False)
class UpsampledKernel(ConvKernel):
    """A convolution that nine products for four pixels may compute (`is_upsampled`)."""

    def schedules(self) -> dict[str, FamilyKernel]:
        """Nine products for four where a device has no packed ones; few sums an invocation."""
        batch, _, height, width = self.x_type.shape
        pixels = 1
        while pixels * 2 <= SOURCES and -width % (pixels * 2) * 8 <= width:
            pixels *= 2
        tiles = batch * height * -(-width // pixels)
        tile = Tile(pixels, 1, workgroup_of(tiles))
        return {"emulated": WinogradKernel(**_values(self) | {"tile": tile})}


@dataclass(eq=False)
class WinogradKernel(UpsampledKernel):
    """The same by nine products; a tile's pixels are those of a source row."""

    @property
    def template(self) -> str:
        return "conv_winograd"

    @property
    def uses(self) -> list[str]:
        return ["requantize"] if self.elements == "bytes" else []

    def schedules(self) -> dict[str, FamilyKernel]:
        return {}

    def title(self) -> str:
        tile = f"tiles of 2x{2 * self.tile.pixels} pixels x 4 channels"
        return f"conv 3x3, upsampled 2 times, {tile}, nine products for four pixels"

    def emit(self, shader: Shader) -> Json:
        tile = self.tile
        batch, _, height, width = self.x_type.shape
        row_tiles = -(-width // tile.pixels)
        tiles = batch * height * row_tiles
        shader.arena()
        shader.define(tiles=tiles, row_tiles=row_tiles)
        shader.define(lanes=tile.workgroup[0], groups=tile.workgroup[1])
        shader.define(words=self.words, height=2 * height, width=2 * width)
        self._define_source(shader)
        self._define_sums(shader)
        last = (row_tiles - 1) * tile.pixels
        return {
            "columns": [(c, c == 0 or last + c > width) for c in range(tile.pixels + 2)],
            "sources": range(tile.pixels),
            "pixels": range(2 * tile.pixels),
            "elements": self.elements,
            "computed": False,
            "grid": Grid((tiles, self.words), tile.workgroup),
        }


def of_upsampled(kernel: ConvKernel) -> ConvKernel:
    """The same kernel, with other schedules where nine products for four pixels compute it."""
    return UpsampledKernel(**_values(kernel)) if is_upsampled(kernel) else kernel


def _values(kernel: ConvKernel) -> dict[str, Any]:
    return {item.name: getattr(kernel, item.name) for item in fields(kernel)}


def is_upsampled(kernel: ConvKernel) -> bool:
    """Whether nine products for four pixels compute a convolution, in f32 exactly, and it pays."""
    window = (kernel.kernel_size, kernel.upsample, kernel.strides, kernel.dilations, kernel.pads)
    if window != ((3, 3), (2, 2), (1, 1), (1, 1), (1, 1, 1, 1)) or kernel.depthwise or kernel.group > 1:
        return False
    if math.prod(kernel.x_type.shape[2:]) < LEAST_PIXELS:
        return False
    if kernel.words == 1:  # a picture's last convolution: shaders of its own, for a tenth of the time
        return False
    if kernel.flat or kernel.weight_zero_point is not None or kernel.zero_source is not None:
        return False
    lanes = np.ascontiguousarray(kernel.weight.astype("<u4"))[..., None].view(np.int8)
    sums = np.abs(lanes.astype(np.int64)).sum((1, 2, 3, 5))  # [OW, 4]
    return bool(128 * sums.max() + STEP < F32_INTEGERS)
