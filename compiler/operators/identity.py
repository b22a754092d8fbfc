"""ONNX Identity, and Dropout, Cast and the like where they change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.graph import Tensors, Value
from ..ir.types import Array
from .base import FamilyOp


@dataclass(eq=False)
class Identity(FamilyOp):
    """The operand itself; `canonicalize` removes it."""

    kind = "identity"
    onnx = "Identity"
    moves_values = True
    x: Value

    def repeats(self) -> Value | None:
        return self.x

    def evaluate(self, tensors: Tensors) -> Array:
        return tensors[self.x]

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape
