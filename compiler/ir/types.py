"""dtypes, quantization and tensor types: what is known of a tensor before it is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic.array import Array

__all__ = ["DTYPE_NAMES", "NUMPY_DTYPES", "Array", "Quantization", "TensorType"]

NUMPY_DTYPES: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "u8": np.dtype(np.uint8),
    "s8": np.dtype(np.int8),
    "i32": np.dtype(np.int32),
    "u32": np.dtype(np.uint32),
    "i64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}
DTYPE_NAMES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}


@dataclass(frozen=True)
class Quantization:
    """Of an activation, per tensor: real = (stored - zero_point) * scale; scale is an f32."""

    scale: float
    zero_point: int

    def __str__(self) -> str:
        return f"{{s={np.float32(self.scale)!s}, z={self.zero_point}}}"


@dataclass(frozen=True)
class TensorType:
    """dtype, logical shape, quantization, and for packed activations their layout.

    Packed: the `axis` (the channels) lies four bytes to a word, the other axes follow in their
    order as pixels. `segments` lists the channels of each part of a concatenation; every segment
    starts on a word, so physical channels number 4 * words. None means row-major in memory: bytes
    at graph inputs and outputs, one word an element elsewhere.
    """

    dtype: str
    shape: tuple[int, ...]
    quantization: Quantization | None = None
    segments: tuple[int, ...] | None = None
    axis: int = 1

    def __str__(self) -> str:
        text = f"{self.dtype}[{','.join(map(str, self.shape))}]"
        if self.quantization is not None:
            text += str(self.quantization)
        if self.segments is not None:
            text += f"<{'+'.join(map(str, self.segments))}"
            text += ">" if self.axis == 1 else f", axis={self.axis}>"
        return text

    @property
    def words(self) -> int:
        """Words a pixel takes in the packed layout."""
        assert self.segments is not None, f"{self} is not packed"
        return sum(-(-channels // 4) for channels in self.segments)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def channels(self) -> int:
        """Elements along the packed axis; 1 where there is no such axis."""
        return self.shape[self.axis] if self.axis < len(self.shape) else 1

    @property
    def inner(self) -> int:
        """Elements between neighbours along the packed axis, row-major."""
        return math.prod(self.shape[self.axis + 1 :])

    @property
    def pixels(self) -> int:
        """Elements of all axes but the packed one."""
        return math.prod(size for number, size in enumerate(self.shape) if number != self.axis)

    @property
    def is_byte(self) -> bool:
        return self.dtype in ("u8", "s8")

    @property
    def flip(self) -> int:
        """0x80 where bytes are u8, and so XORed when packed; else 0."""
        return 0x80 if self.dtype == "u8" else 0

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest stored value of a byte type."""
        return (0, 255) if self.dtype == "u8" else (-128, 127)
