"""The tile of a convolution: what one invocation computes, and the columns that its windows touch."""

from __future__ import annotations

from dataclasses import dataclass

TILE_PIXELS = 8
WORKGROUP = 32


@dataclass(frozen=True)
class Tile:
    """What one invocation computes (pixels along x, words of output channels) and the workgroup
    (pixel tiles, words).
    """

    pixels: int = 4
    words: int = 1
    workgroup: tuple[int, int] = (64, 1)


def choose_tile(shape: tuple[int, int, int], words: int, factor: int) -> Tile:
    """Tile of a convolution with result [N, H, W], that many output words a pixel, upsampled by
    `factor` along x.

    The pixels of a tile are whole groups of upsampled ones, so that source columns stand at fixed
    distances from the tile's first; at most an eighth of the width is computed in vain. Two words
    a tile where the rows are long; few pixels want many invocations.

    >>> choose_tile((1, 128, 128), 4, 1)
    Tile(pixels=8, words=2, workgroup=(16, 2))
    >>> choose_tile((1, 1, 1), 32, 1)
    Tile(pixels=1, words=1, workgroup=(1, 32))
    """
    batch, height, width = shape
    pixels = factor
    while pixels * 2 <= TILE_PIXELS and -width % (pixels * 2) * 8 <= width:
        pixels *= 2
    wide = words % 2 == 0 and pixels >= TILE_PIXELS
    return Tile(pixels, 2 if wide else 1, workgroup_of(batch * height * -(-width // pixels)))


def workgroup_of(tiles: int) -> tuple[int, int]:
    """The workgroup (pixel tiles, words) where there are so many pixel tiles."""
    lanes = 1
    while lanes < WORKGROUP // 2 and lanes < tiles:
        lanes *= 2
    return lanes, WORKGROUP // lanes


@dataclass(frozen=True)
class Column:
    """A source column that a tile's windows touch, relative to the tile's first.

    Guarded where it may lie outside.
    """

    number: int
    offset: int
    guarded: bool


def columns_of(
    pixels: int, kernel: int, stride: int, dilation: int, pad: int, factor: int, last: int, width: int
) -> tuple[list[Column], list[list[int]]]:
    """The columns of a tile of so many pixels, and for pixel p and tap kx the number of its column.

    `last`: first column of the row's last tile; `factor`: of upsampling along x.

    Two pixels of a 3-wide window with a pad of 1 touch four columns, the outer ones of which may lie
    outside (the last tile of a row of 4 begins at 2):

    >>> columns, taps = columns_of(2, 3, 1, 1, 1, 1, 2, 4)
    >>> [(c.offset, c.guarded) for c in columns], taps
    ([(-1, True), (0, False), (1, False), (2, True)], [[0, 1, 2], [1, 2, 3]])
    """
    offsets = [[(p * stride + kx * dilation - pad) // factor for kx in range(kernel)] for p in range(pixels)]
    distinct = sorted({offset for row in offsets for offset in row})
    columns = [Column(n, o, o < 0 or last + o >= width) for n, o in enumerate(distinct)]
    numbers = {offset: n for n, offset in enumerate(distinct)}
    return columns, [[numbers[offset] for offset in row] for row in offsets]
