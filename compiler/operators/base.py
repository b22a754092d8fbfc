"""What an operator family brings: each room of this package holds all that one family needs.

A family is a few ops of the Graph (`FamilyOp`), the kernels they become (`FamilyKernel`), and the
rule by which ONNX Runtime makes integer ops of its nodes (`fuse`, listed in catalogue.py); some have a rule
for what depends on the layout that ONNX Runtime runs them in (`by_layout`).
The passes, the interpreter, the simulator and codegen ask the ops and kernels themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..ir.graph import Op, Value
from ..ir.program import Kernel
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from ..lowering.shader import Json, Shader
from ..reference.layout import OptimizedGraph

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
    keeps_layout: ClassVar[bool] = True
    """Whether its result lies as its operand does, where both have one shape."""

    def wanted_axis(self, operand: Value) -> int | None:
        """The axis that this op wants packed in an operand; None where any will do."""
        del operand
        return None

    def lower(self, lowering: Lowering) -> None:
        """Adds the packed form: by default the same op on packed operands of one layout."""
        layout: Value | None = None
        changes: dict[str, Any] = {}
        for name, operand in self.operand_fields():
            if isinstance(operand, Value) and lowering.is_packable(operand):
                like = layout if layout is not None and operand.type.shape == layout.type.shape else None
                form = lowering.operand(operand, self.wanted_axis(operand), like=like)
                layout = layout or form
                changes[name] = form
        assert layout is not None, f"{self.kind} has no packed operand"
        result = self.result
        if lowering.is_packable(result):
            result = (
                lowering.like(result, layout)
                if result.type.shape == layout.type.shape
                else (lowering.packed(result, axis=layout.type.axis))
            )
        lowering.add(replace(self, result=result, flip=lowering.flip_of(self), **changes))

    def schedule(self, scheduler: Scheduler) -> None:
        """Adds the kernels of the packed form."""
        raise NotImplementedError(self.kind)

    def refusal(self) -> str | None:
        """Why no kernel computes the op, where it is left over after all integer passes."""
        return None

    def title(self) -> str:
        """How messages call the op: the ONNX operator that it stands for."""
        return self.kind.capitalize()

    def stored(self, array: Array) -> Array:
        """Packed bytes as the model's own: s8 by bits, or u8 where `flip`."""
        return array if not self.flip else (array.view(np.uint8) ^ np.uint8(0x80))

    def packed(self, levels: Array) -> Array:
        """The inverse of `stored`, for results: stored integers of the model, of any dtype."""
        if self.flip:
            return (levels.astype(np.uint8) ^ np.uint8(0x80)).view(np.int8)
        return levels.astype(NUMPY_DTYPES[self.result.type.dtype])

    def model_type(self, value: Value) -> tuple[float, int, tuple[int, int]]:
        """Scale, zero point and limits of a byte value in the model's own dtype."""
        quantization = value.type.quantization
        assert quantization is not None, f"%{value.name} has no quantization"
        if self.flip:
            return quantization.scale, quantization.zero_point + 128, (0, 255)
        return quantization.scale, quantization.zero_point, value.type.limits


@dataclass(eq=False)
class FamilyKernel(Kernel):
    """A kernel that simulates itself and says what its template needs.

    `template_text`: the jinja2 text of an operator that stands outside this package.
    """

    template_text: ClassVar[str] = ""

    @property
    def template(self) -> str:
        """The name of its template, templates/`template`.wgsl.j2, and of its shaders."""
        return self.kind

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        """What it makes: packed bytes u8 [pixels, words * 4], or whole words [pixels, words]."""
        raise NotImplementedError(self.kind)

    def emit(self, shader: Shader) -> Json:
        """Binds and defines what its template needs; returns its structure.

        One invocation makes word `index % words` of pixel `index / words`, unless the structure
        holds `invocations`, or a `grid` of its own (`Grid`).
        """
        raise NotImplementedError(self.kind)

    def schedules(self) -> Mapping[str, FamilyKernel]:
        """What computes the same in its place, by the variant of `dot` that a device has."""
        return {}

    def substitute(self, tensors: Mapping[str, Array]) -> Array | None:
        """What it would make if it quantized to one of `tensors`, by name; None where to none."""
        del tensors
        return None

    @property
    def picture_input(self) -> str:
        """The graph input that may be a picture where this kernel alone reads it; "" for none."""
        return ""

    def of_picture(
        self, image: str, values: Array, order: tuple[int, ...], channels_last: bool
    ) -> FamilyKernel | None:
        """The kernel that reads the graph input `image` as RGBA bytes in the place of its own operand,
        `values` [C, 256] being what each byte stands for in each channel of that, `order` the place of its
        byte in RGBA.
        """
        del image, values, order, channels_last
        return None


@dataclass(frozen=True)
class Grid:
    """A dispatch in two dimensions: invocations (x, y) and the workgroup's size."""

    invocations: tuple[int, int]
    workgroup: tuple[int, int]


def quantized_byte_problems(type_: TensorType) -> Iterator[str]:
    """What is wrong with a result that must be quantized bytes."""
    if not type_.is_byte or type_.quantization is None:
        yield f"the result {type_} must be a quantized byte type"
    elif not type_.limits[0] <= type_.quantization.zero_point <= type_.limits[1]:
        yield f"the zero point lies outside {type_.limits}"
