"""ONNX operators on floats: what stands between dequantize and quantize, and what stays in float.

Such an op means what ONNX Runtime computes for its one node. How the device computes it is said in
float/, in the file of its kind of kernel, which enters the operator into `KERNELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.graph import Tensors, Value
from ..ir.types import Array
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..reference.node import run_node
from .base import FamilyOp

WGSL_TYPES = {"f32": "f32", "i32": "i32", "i64": "i32", "bool": "bool"}
"""What a value of each dtype is inside a shader. An i64 is a word, as everywhere in a program."""


@dataclass(eq=False)
class OnnxOp(FamilyOp):
    """An ONNX operator on floats that means what ONNX Runtime computes, by name and attributes.

    An absent operand is a constant without elements.
    """

    xs: tuple[Value, ...]
    op_type: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def onnx_name(self) -> str:
        return self.op_type

    @property
    def variables(self) -> list[Value]:
        """The operands that are not constants, each once."""
        return list(dict.fromkeys(value for value in self.xs if value.data is None))

    def evaluate(self, tensors: Tensors) -> Array:
        return run_node(self.op_type, self.attributes, [tensors[x] for x in self.xs], tensors.opset)

    def lower(self, lowering: Lowering) -> None:
        """Row-major words are what float ops work on: the op stays as it is."""
        lowering.add(self)

    def schedule(self, scheduler: Scheduler) -> None:
        KERNELS[self.op_type].schedule(self, scheduler)

    def refusal(self) -> str | None:
        if self.op_type not in KERNELS:
            return "it stays in float, and no kernel computes it"
        for value in (*(x for x in self.xs if x.data is None), self.result):
            if value.type.dtype not in WGSL_TYPES:
                return (
                    f"%{value.name} is {value.type.dtype}; left out of an integer group it is computed "
                    "on floats, 32-bit integers and booleans"
                )
            if value.type.dtype != "f32" and not KERNELS[self.op_type].any_dtype and value is not self.result:
                return f"%{value.name} is {value.type.dtype}; float32 is taken"
        if not all(x.type.size or x.data is not None for x in self.xs):
            return "an operand has no elements"
        return KERNELS[self.op_type].refuse(self)

    def title(self) -> str:
        return self.op_type


@dataclass(frozen=True)
class FloatKernel:
    """How an operator that stays in float becomes kernels, and why it can't where it can't.

    `any_dtype`: it is also computed on integers and booleans.
    """

    schedule: Callable[[Any, Scheduler], None]
    refuse: Callable[[Any], str | None] = lambda _: None
    any_dtype: bool = False


KERNELS: dict[str, FloatKernel] = {}
"""By ONNX operator; filled by the files of float/. What has no entry is never left in float."""


@dataclass(eq=False)
class Elementwise(OnnxOp):
    """Element by element, with broadcasting; the result's value depends on nothing but the values
    of its operands (`facts.PURE_UNARY`, `facts.PURE_WITH_CONSTANT`).

    `swapped`: whether ONNX Runtime's QLinearAdd gives the operands each other's roles, where their
    shapes alone don't tell (`by_layout` in operators/binary.py).
    """

    kind = "elementwise"
    swapped: bool | None = None

    @property
    def variable(self) -> Value:
        """The one operand that is not a constant."""
        (variable,) = self.variables
        return variable

    def expected_shape(self) -> tuple[int, ...] | None:
        return np.broadcast_shapes(*(x.type.shape for x in self.xs if x.type.size))


@dataclass(eq=False)
class FloatOp(OnnxOp):
    """Any other operator on floats: sums, normalizations, interpolations, impure functions."""

    kind = "float"
