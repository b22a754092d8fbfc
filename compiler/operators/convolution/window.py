"""The window of a convolution: what the op, its packed form and its kernel have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...arithmetic import convolve
from ...ir.types import Array


@dataclass(eq=False, kw_only=True)
class Window:
    """How a convolution's window moves over the picture; pads (top, left, bottom, right)."""

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1

    def result_shape(self, x: tuple[int, ...], kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
        """[N, channels, H, W], or [N, channels, W], for an operand of shape `x`.

        >>> Window(strides=(2, 2), pads=(1, 1, 1, 1)).result_shape((1, 3, 8, 8), (4, 4), 16)
        (1, 16, 4, 4)
        """
        top, left, bottom, right = self.pads
        batch, _, *size = x
        sizes = []
        for axis, pad in ((0, top + bottom), (1, left + right)):
            padded = (size if len(size) == 2 else [1, *size])[axis] * self.scale(axis) + pad
            reach = (kernel[axis] - 1) * self.dilations[axis] + 1
            sizes.append((padded - reach) // self.strides[axis] + 1)
        return (batch, channels, *sizes[2 - len(size) :])

    def scale(self, axis: int) -> int:
        """By how much rows (0) or columns (1) are upsampled first."""
        del axis
        return 1

    @property
    def window(self) -> dict[str, Any]:
        """The fields of the window, for the next form of the convolution."""
        return {item.name: getattr(self, item.name) for item in fields(Window)}


@dataclass(eq=False, kw_only=True)
class IntegerWindow(Window):
    """That of an integer convolution; the picture is upsampled by whole factors (y, x) first.

    `float_reference`: ONNX Runtime computes this in float (a transposed convolution).
    """

    upsample: tuple[int, int] = (1, 1)
    float_reference: bool = False

    def scale(self, axis: int) -> int:
        return self.upsample[axis]

    @property
    def window(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(IntegerWindow)}

    def sums(self, x: Array, weight: Array, padding: int = 0, group: int | None = None) -> Array:
        """Sums of products over the upsampled and padded picture x [N,C,H,W]; i32 that wrap."""
        x = x.repeat(self.upsample[0], 2).repeat(self.upsample[1], 3)
        top, left, bottom, right = self.pads
        x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=padding)
        return convolve(x, weight, self.strides, self.dilations, self.group if group is None else group)


def as_image(x: Array) -> Array:
    """[N,C,W] as the picture of one row [N,C,1,W]; images as they are."""
    return x[:, :, None] if x.ndim == 3 else x
