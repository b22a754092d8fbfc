"""What the template of a convolution needs: the columns and taps of a tile, sizes, offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...ir.layout import physical_channels
from ...ir.program import ConvKernel
from ...ir.types import Array
from ...lowering.shader import Json, Shader, byte_word, start_of


@dataclass(frozen=True)
class _Column:
    """A source column that a tile's windows touch, relative to the tile's first.

    Guarded where it may lie outside.
    """

    number: int
    offset: int
    guarded: bool


def emit_convolution(shader: Shader, kernel: ConvKernel) -> tuple[Json, tuple[int, int], tuple[int, int]]:
    """Template structure, invocations (tiles of pixels, tiles of words) and workgroup size."""
    tile, (kernel_h, kernel_w) = kernel.tile, kernel.kernel_size
    assert kernel.words % tile.words == 0, "a tile's words must divide the result's"
    assert not kernel.depthwise or tile.words == 1, "a depthwise tile has one input word, that of its result"
    batch, height, width = kernel.picture
    _, _, source_height, source_width = kernel.x_type.shape
    row_tiles = -(-width // tile.pixels)
    tiles = batch * height * row_tiles
    columns, taps = _columns(
        tile.pixels,
        row_tiles,
        kernel.x_type.shape[3],
        kernel_w,
        kernel.strides[1],
        kernel.dilations[1],
        kernel.pads[1],
        kernel.upsample[1],
    )
    last_row = (height - 1) * kernel.strides[0] + (kernel_h - 1) * kernel.dilations[0]
    last_row -= kernel.pads[0]
    quantization = kernel.x_type.quantization
    assert quantization is not None
    shader.arena()
    shader.define(tiles=tiles, row_tiles=row_tiles)
    shader.define(lanes=tile.workgroup[0], groups=tile.workgroup[1])
    shader.define(words=kernel.words, height=height, width=width)
    shader.define(source=start_of(kernel.source), pitch=kernel.source.pitch)
    shader.define(source_height=source_height, source_width=source_width)
    shader.define(in_words=kernel.weight.shape[2])
    if kernel.zero_source is None:
        shader.define(padding=byte_word(quantization.zero_point))
    else:
        assert kernel.weight_sums is not None
        shader.define(zero_at=start_of(kernel.zero_source))
        shader.define(weight_sums_at=shader.vectors(kernel.weight_sums))
    if kernel.made == "bytes":
        shader.define("i32", zero_point=kernel.zero_point)
    else:
        shader.define(plane=kernel.shape[1] * kernel.shape[2], channels=kernel.out_channels)
    shader.define(weights_at=shader.vectors(kernel.weight), bias_at=shader.vectors(kernel.bias))
    if kernel.made != "integers":
        shader.define(multiplier_at=shader.vectors(kernel.multiplier.astype(np.float32)))
    grouped = kernel.group > 1 and not kernel.depthwise
    if grouped:
        shader.define(group_words=kernel.words // kernel.group)
    structure: Json = {
        "pixels": range(tile.pixels),
        "q_words": tile.words,
        "kernel_height": kernel_h,
        "kernel_width": kernel_w,
        "stride_y": kernel.strides[0],
        "stride": kernel.strides[1],
        "dilation_y": kernel.dilations[0],
        "pad_top": kernel.pads[0],
        "upsample_y": kernel.upsample[0],
        "upsample": kernel.upsample[1],
        "columns": columns,
        "taps": taps,
        "rows_guarded": kernel.pads[0] > 0 or last_row >= source_height * kernel.upsample[0],
        "window": False,
        "made": kernel.made,
        "first": " + first" if grouped else "",
        "computed": kernel.zero_source is not None,
    }
    if kernel.weight_zero_point is not None:
        structure |= _window(shader, kernel, kernel.weight_zero_point, quantization.zero_point)
    word_tiles = -(-kernel.words // tile.words)
    return structure, (tiles, word_tiles), tile.workgroup


def _columns(
    pixels: int, tiles: int, width: int, taps: int,
    stride: int = 1, dilation: int = 1, pad: int = 0, factor: int = 1,
) -> tuple[list[_Column], list[list[int]]]:  # fmt: skip
    """The columns of a tile, and for pixel p and tap kx the number of its column.

    A row of the result is that many tiles of that many pixels, a row of the source `width` pixels, which are
    upsampled by `factor`.

    >>> columns, taps = _columns(pixels=4, tiles=2, width=8, taps=3, pad=1)
    >>> [(c.offset, c.guarded) for c in columns]
    [(-1, True), (0, False), (1, False), (2, False), (3, False), (4, True)]
    >>> taps
    [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    >>> _columns(pixels=4, tiles=2, width=4, taps=3, pad=1, factor=2)[1]  # every column twice
    [[0, 1, 1], [1, 1, 2], [1, 2, 2], [2, 2, 3]]
    """
    offsets = [[(p * stride + kx * dilation - pad) // factor for kx in range(taps)] for p in range(pixels)]
    ordered = sorted({offset for row in offsets for offset in row})
    last_tile = (tiles - 1) * pixels * stride // factor
    columns = [_Column(n, o, o < 0 or last_tile + o >= width) for n, o in enumerate(ordered)]
    return columns, [[ordered.index(offset) for offset in row] for row in offsets]


def _window(shader: Shader, kernel: ConvKernel, weight_zero_point: Array, zero_point: int) -> Json:
    """What the sum over the window needs, where weights have zero points."""
    assert kernel.x_type.segments is not None
    real = np.array([c >= 0 for c in physical_channels(kernel.x_type.segments)], np.uint8)
    kernel_h, kernel_w = kernel.kernel_size
    channels = int(real.sum()) // kernel.group
    if kernel.zero_source is None:
        shader.define("i32", window_offset=zero_point * channels * kernel_h * kernel_w)
    else:
        shader.define("i32", window_size=channels * kernel_h * kernel_w)
    shader.define(weight_zero_point_at=shader.vectors(weight_zero_point))
    if not real.all():
        shader.define(ones_at=shader.table(real))
    return {"window": True, "masked": not real.all()}
