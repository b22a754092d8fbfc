"""What an operator family brings: each file of this package holds all that one family needs.

A family is a few ops of the Graph (`FamilyOp`), the kernels they become (`FamilyKernel`), and the
rule by which ONNX Runtime makes integer ops of its nodes (`fuse`, listed in `__init__.py`); some have a rule
for what depends on the layout that ONNX Runtime runs them in (`by_layout`).
The passes, the interpreter, the simulator and codegen ask the ops and kernels themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.graph import Op, Value
from ..ir.program import Kernel
from ..ir.types import Array
from ..reference.layout import OptimizedGraph

if TYPE_CHECKING:
    from ..lowering.memory import Memory
    from ..lowering.shader import Json, Shader
    from ..passes.pack_int8 import Lowering
    from ..passes.schedule import Scheduler

Get = Callable[[Value], Array]
"""The tensor of an operand, as stored: bytes in the logical shape."""
Settlement = Callable[[OptimizedGraph], None]
"""Tells an op in which layout ONNX Runtime runs it."""
LayoutRule = Callable[[Op], Settlement | None]
"""What settles an op; None where it is not the rule's, or its result is the same in both layouts."""


@dataclass(eq=False)
class FamilyOp(Op):
    """An op that says itself what it means and how it is lowered.

    `flip` is 0 on the model's own bytes. On packed bytes, which are always s8, it is 0x80 where the
    model's are u8: formulas then work on byte ^ 0x80 seen as u8 (`stored` and `packed` below).
    """

    flip: int = field(default=0, kw_only=True)

    def evaluate(self, get: Get) -> Array:
        """The result's tensor, exactly, in the dtype and shape of `result.type`."""
        raise NotImplementedError(self.kind)

    def expected_shape(self) -> tuple[int, ...] | None:
        """The result's shape by the op's own rule; None where the op leaves it free."""
        return None

    def wanted_axis(self, operand: Value) -> int | None:
        """The axis that this op wants packed in an operand; None where any will do."""
        del operand
        return None

    def lower(self, to: Lowering) -> None:
        """Adds the packed form: by default the same op on packed operands of one layout."""
        layout: Value | None = None
        changes: dict[str, Any] = {}
        for name, held in self.operand_fields():
            if isinstance(held, Value) and to.is_packable(held):
                like = layout if layout is not None and held.type.shape == layout.type.shape else None
                packed = to.operand(held, self.wanted_axis(held), like=like)
                layout = layout or packed
                changes[name] = packed
        assert layout is not None, f"{self.kind} has no packed operand"
        result = self.result
        if to.is_packable(result):
            result = (
                to.like(result, layout)
                if result.type.shape == layout.type.shape
                else (to.packed(result, axis=layout.type.axis))
            )
        to.add(replace(self, result=result, flip=to.flip_of(self), **changes))

    def schedule(self, to: Scheduler) -> None:
        """Adds the kernels of the packed form."""
        raise NotImplementedError(self.kind)

    def stored(self, array: Array) -> Array:
        """Packed bytes as the model's own: s8 by bits, or u8 where `flip`."""
        return array if not self.flip else (array.view(np.uint8) ^ np.uint8(0x80))

    def packed(self, array: Array) -> Array:
        """The inverse of `stored`, for results."""
        return array if not self.flip else (array.astype(np.uint8) ^ np.uint8(0x80)).view(np.int8)

    def model_type(self, value: Value) -> tuple[float, int, tuple[int, int]]:
        """Scale, zero point and limits of a byte value in the model's own dtype."""
        quantization = value.type.quantization
        assert quantization is not None, f"%{value.name} has no quantization"
        if self.flip:
            return quantization.scale, quantization.zero_point + 128, (0, 255)
        return quantization.scale, quantization.zero_point, value.type.limits


@dataclass(eq=False)
class FamilyKernel(Kernel):
    """A kernel that simulates itself and says what its template needs."""

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        """What it makes: packed bytes u8 [pixels, words * 4], or whole words [pixels, words]."""
        raise NotImplementedError(self.op)

    def emit(self, shader: Shader) -> Json:
        """Binds and defines what the template `op`.wgsl needs; returns its structure.

        One invocation makes word `index % words` of pixel `index / words`, unless the structure
        holds `invocations`.
        """
        raise NotImplementedError(self.op)

    def title(self) -> str:
        """The first line of the shader: what it computes."""
        return self.op
