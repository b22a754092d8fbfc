"""Where the elements of a tensor lie: pixel and lane of each, for packed and row-major types."""

from __future__ import annotations

import numpy as np

from .types import Array, TensorType


def physical_channels(segments: tuple[int, ...]) -> list[int]:
    """Logical channel of each physical one; -1 where a lane is padding.

    >>> physical_channels((5, 3))
    [0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, -1]
    """
    channels: list[int] = []
    first = 0
    for count in segments:
        channels += range(first, first + count)
        channels += [-1] * (-count % 4)
        first += count
    return channels


def pixel_shape(type_: TensorType) -> tuple[int, int, int]:
    """Pixels of a packed type as three axes: [N, H, W] of images, else [outer, 1, inner]."""
    if len(type_.shape) == 4 and type_.axis == 1:
        return type_.shape[0], type_.shape[2], type_.shape[3]
    return type_.pixels // type_.inner, 1, type_.inner


def lanes_of_channels(type_: TensorType) -> Array:
    """Lane of each channel of a packed type, i64 [channels]."""
    assert type_.segments is not None
    physical = np.array(physical_channels(type_.segments))
    return np.flatnonzero(physical >= 0)


def channels_of_lanes(type_: TensorType) -> tuple[int, ...]:
    """Channel of each lane of a packed type, -1 where a lane is padding."""
    assert type_.segments is not None
    return tuple(physical_channels(type_.segments))


def positions(type_: TensorType) -> tuple[Array, Array]:
    """Pixel and lane of every element, two i32 arrays of the type's shape.

    A row-major type is one pixel whose lanes are the elements.

    >>> pixel, lane = positions(TensorType("s8", (1, 2, 1, 3), segments=(2,)))  # two channels, three pixels
    >>> pixel.tolist(), lane.tolist()
    ([[[[0, 1, 2]], [[0, 1, 2]]]], [[[[0, 0, 0]], [[1, 1, 1]]]])
    """
    if type_.segments is None:
        index = np.arange(type_.size, dtype=np.int32).reshape(type_.shape)
        return np.zeros_like(index), index
    if not type_.shape:
        return np.zeros((), np.int32), np.zeros((), np.int32)
    outer = type_.pixels // type_.inner
    pixel = np.arange(type_.pixels, dtype=np.int32).reshape(outer, 1, type_.inner)
    shape = (outer, type_.channels, type_.inner)
    lanes = lanes_of_channels(type_).astype(np.int32)[None, :, None]
    return (
        np.broadcast_to(pixel, shape).reshape(type_.shape),
        np.broadcast_to(lanes, shape).reshape(type_.shape),
    )


def to_lanes(array: Array, type_: TensorType, padding: int = 0) -> Array:
    """Logical bytes as they lie packed: u8 [pixels, words * 4]; padding lanes hold `padding`.

    >>> picture = np.array([[[[10, 20]], [[11, 21]], [[12, 22]]]])  # [1, 3, 1, 2]
    >>> to_lanes(picture, TensorType("s8", picture.shape, segments=(3,))).tolist()
    [[10, 11, 12, 0], [20, 21, 22, 0]]
    """
    outer = type_.pixels // type_.inner
    image = np.ascontiguousarray(array).reshape(outer, type_.channels, type_.inner)
    last = np.moveaxis(image, 1, -1).reshape(type_.pixels, type_.channels)
    lanes = np.full((type_.pixels, type_.words * 4), padding & 0xFF, np.uint8)
    lanes[:, lanes_of_channels(type_)] = last.astype(np.int64).astype(np.uint8)
    return lanes


def from_lanes(lanes: Array, type_: TensorType) -> Array:
    """The inverse of `to_lanes` for any dtype of lane: logical array in the type's shape."""
    channels = lanes[:, lanes_of_channels(type_)]
    image = channels.reshape(type_.pixels // type_.inner, type_.inner, type_.channels)
    return np.moveaxis(image, -1, 1).reshape(type_.shape)


def to_planar_lanes(x: Array, shape: tuple[int, int, int], channels: tuple[int, ...], padding: int) -> Array:
    """Row-major integers [N, C, H * W] of the pixels `shape` [N, H, W] as bytes u8 [pixels, lanes];
    `channels`: the channel of each lane, -1 for one that holds `padding`.

    >>> to_planar_lanes(np.arange(6), (1, 1, 2), (0, 1, 2, -1), 9).tolist()
    [[0, 2, 4, 9], [1, 3, 5, 9]]
    """
    outer, inner = shape[0], shape[1] * shape[2]
    last = np.moveaxis(x.reshape(outer, -1, inner), 1, -1).reshape(outer * inner, -1)
    physical = np.array(channels)
    lanes = np.full((len(last), len(physical)), padding & 0xFF, np.uint8)
    lanes[:, physical >= 0] = last[:, physical[physical >= 0]].astype(np.uint8)
    return lanes
