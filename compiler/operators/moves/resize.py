"""ONNX Resize of mode nearest: every element of the result is one of the operand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arithmetic import resize_indices
from ...ir.graph import Value
from ...ir.types import Array
from .base import MoveOp


@dataclass(eq=False)
class Resize(MoveOp):
    """ONNX Resize, mode nearest; `scales` of the last axes as the f32 values that ONNX Runtime divides by.

    `roi`: of tf_crop_and_resize the starts of those axes, then their ends, as parts of their lengths.
    """

    kind = "resize"
    onnx = "Resize"
    is_never_view = True
    scales: tuple[float, ...] = (1.0, 1.0)
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    roi: tuple[float, ...] = ()

    def repeats(self) -> Value | None:
        return self.x if self.x.type.shape == self.result.type.shape else None

    def apply(self, x: Array, fill: Any = 0) -> Array:
        del fill
        for axis in range(len(self.scales)):
            x = x.take(self.sources(axis), x.ndim - len(self.scales) + axis)
        return x

    def sources(self, axis: int) -> Array:
        """Source index of each position of the result along one of the axes that `scales` names.

        Below 0 where it lies outside. A Resize to the same shape copies, whatever its scales and modes say,
        as ONNX Runtime does.
        """
        at = len(self.x.type.shape) - len(self.scales) + axis
        size, result = self.x.type.shape[at], self.result.type.shape[at]
        if self.x.type.shape == self.result.type.shape:
            return np.arange(size)
        roi = self.roi[axis :: len(self.scales)] or (0.0, 1.0)
        return resize_indices(size, result, self.scales[axis], self.coordinates, self.rounding, roi)
