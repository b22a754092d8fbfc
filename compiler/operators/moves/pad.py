"""ONNX Pad in the modes constant, reflect and edge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...arithmetic import pad_indices
from ...ir.graph import Op, Tensors, Value
from ...ir.types import Array
from .base import MoveOp


@dataclass(eq=False)
class Pad(MoveOp):
    """ONNX Pad of the last axes: pads before each, then after each; `value` in x's dtype."""

    kind = "pad"
    onnx = "Pad"
    is_never_view = True
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    mode: str = "constant"
    value: float = 0

    @property
    def fill(self) -> int:
        if self.result.type.dtype == "f32":
            return int(np.float32(self.value).view(np.int32))
        return int(self.value)

    @property
    def adds(self) -> bool:
        return True

    def repeats(self) -> Value | None:
        return None if any(self.pads) else self.x

    def evaluate(self, tensors: Tensors) -> Array:
        return self.apply(tensors[self.x], self.value)

    def apply(self, x: Array, fill: Any = 0) -> Array:
        axes = len(self.pads) // 2
        outside = np.zeros((1,) * x.ndim, bool)
        for number in range(axes):
            axis = x.ndim - axes + number
            indices = pad_indices(x.shape[axis], self.pads[number], self.pads[axes + number], self.mode)
            x = x.take(indices, axis)
            shape = [1] * x.ndim
            shape[axis] = len(indices)
            outside = outside | (indices < 0).reshape(shape)
        return np.where(outside, np.asarray(fill, x.dtype), x)

    def expected_shape(self) -> tuple[int, ...] | None:
        axes = len(self.pads) // 2
        shape = list(self.x.type.shape)
        for number in range(axes):
            shape[number - axes] += self.pads[number] + self.pads[axes + number]
        return tuple(shape)

    def of_packed(self, result: Value, x: Value) -> Op:
        return replace(self, result=result, x=x, value=self.value - self.result.type.flip)
