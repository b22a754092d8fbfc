"""What all moves share: how they are packed, and the view or the gather that they become.

A move is a map from each element of its result to one of its operand, or to a constant (`pad`). It
is evaluated by moving the operand; its kernel is made by moving the operand's *positions*: where
the moved positions are already those of some layout, the result is a view of the operand's words
and costs nothing; else one `gather` kernel reads them through address tables, one for each axis of
the result where the addresses are sums over the axes, or one entry for each element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...ir.graph import Op, Tensors, Value
from ...ir.layout import positions
from ...ir.program import View
from ...ir.types import Array, TensorType
from ...lowering.packing import Lowering
from ...lowering.scheduling import Scheduler
from ..base import FamilyOp
from .gather import OUTSIDE, Addresses, GatherKernel


@dataclass(eq=False)
class MoveOp(FamilyOp):
    """An op that only moves the elements of one operand, whatever their dtype."""

    moves_values = True
    is_never_view: ClassVar[bool] = False
    """Whether no axis makes the result a view; channels then stay where they are."""
    x: Value

    def apply(self, x: Array, fill: Any = 0) -> Array:
        """What it makes of an array of its operand's shape; `fill` stands where `pad` adds."""
        raise NotImplementedError(self.kind)

    @property
    def fill(self) -> int:
        """What stands where `pad` adds: a byte, or the bits of a word."""
        return 0

    @property
    def adds(self) -> bool:
        """Whether it puts constants beside the elements."""
        return False

    def evaluate(self, tensors: Tensors) -> Array:
        return self.apply(tensors[self.x])

    def problems(self) -> Iterator[str]:
        yield from byte_move_problems(self)

    # ------------------------------------------------------------------------------ lowering

    def lower(self, lowering: Lowering) -> None:
        """On packed bytes, or on row-major words of any other dtype."""
        if not lowering.is_packable(self.x):
            lowering.add(self)
            return
        form = lowering.operand(self.x)
        axis = self.axis_of_view(form.type, lowering.demand(self.result))
        lowering.add(self.of_packed(lowering.packed(self.result, axis=axis), form))

    def of_packed(self, result: Value, x: Value) -> Op:
        """The same move of packed bytes."""
        return replace(self, result=result, x=x)

    def axis_of_view(self, x: TensorType, demand: int | None) -> int | None:
        """The axis to pack the result along: one that makes it a view, else the demanded one."""
        shape = self.result.type.shape
        if self.is_never_view or not shape:
            return x.axis if demand is None else demand
        pixel, lane = (self.apply(part) for part in positions(x))
        own = View(None, x.pixels, x.words, x.words)  # type: ignore[arg-type]
        order = sorted(range(len(shape)), key=lambda axis: (axis != demand, -axis))
        for axis in order:
            type_ = TensorType("s8", shape, None, (shape[axis],), axis)
            if as_view(own, type_, pixel, lane) is not None:
                return axis
        if demand is None and len(shape) == len(x.shape):
            return x.axis
        return demand

    # ------------------------------------------------------------------------------ scheduling

    def schedule(self, scheduler: Scheduler) -> None:
        """A view where the moved positions are those of the result's layout. Else a gather, which is
        made when an op that is no move reads the result: of moves in a row only the last one is.
        """
        type_, fill = self.result.type, self.fill
        before = scheduler.pending.get(self.x)
        if not isinstance(before, PendingMove) or self._differs(before):
            scheduler.make_pending(self.x)
            root, (pixel, lane) = self.x, positions(self.x.type)
        else:
            root, pixel, lane = before.root, before.pixel, before.lane
            scheduler.leave_pending(self.x)
            fill = fill if self.adds else before.fill
        pixel, lane = self.apply(pixel, OUTSIDE), self.apply(lane, 0)
        source = scheduler.source(root)
        is_output = type_.segments is None and bool(scheduler.output_names(self.result))
        if isinstance(source, View) and (pixel >= 0).all() and not is_output:
            view = as_view(source, type_, pixel, lane)
            if view is not None:
                scheduler.views[self.result] = view
                return
        scheduler.pending[self.result] = PendingMove(self, root, pixel, lane, fill)
        if is_output:
            scheduler.make_pending(self.result)

    def _differs(self, before: PendingMove) -> bool:
        """Whether two moves in a row put different constants in."""
        return self.adds and self.fill != before.fill and bool((before.pixel < 0).any())


def byte_move_problems(op: Op) -> Iterator[str]:
    """Bytes that are moved keep their dtype and quantization."""
    result = op.result.type
    for value in op.takes_from if result.is_byte else ():
        if (value.type.dtype, value.type.quantization) != (result.dtype, result.quantization):
            yield f"%{value.name}: {value.type} is moved into {result} without a lookup"


@dataclass(frozen=True, eq=False)
class PendingMove:
    """A value that no kernel has made yet: where its elements lie in `root`, and the last move."""

    op: MoveOp
    root: Value
    pixel: Array
    lane: Array
    fill: int

    def make(self, scheduler: Scheduler) -> None:
        """Adds the gather that makes it."""
        type_ = self.op.result.type
        scheduler.kernel(
            GatherKernel(
                *scheduler.frame(self.op),
                source=scheduler.source(self.root),
                tables=Addresses.of_elements(type_, self.pixel, self.lane),
                fill=self.fill,
                bytes=type_.segments is not None,
            )
        )


def as_view(x: View, type_: TensorType, pixel: Array, lane: Array) -> View | None:
    """The view of `x` that holds a result whose elements lie at (pixel, lane) of it, if any.

    >>> x = View(Buffer("x", 8), pixels=4, words=2, pitch=2)  # eight channels of four pixels
    >>> half = TensorType("s8", (1, 4, 2, 2), segments=(4,))
    >>> pixel, lane = positions(half)
    >>> str(as_view(x, half, pixel, lane + 4)), as_view(x, half, pixel, lane + 2)  # from channel 4, and 2
    ("buffer 'x', words 1:2 of 2", None)
    """
    if type_.size == 0:
        return None
    target_pixel, target_lane = positions(type_)
    if type_.segments is None:
        words = lane + pixel * x.pitch
        first = int(words.flat[0])
        if np.array_equal(words - first, target_lane):
            return View(x.buffer, 1, type_.size, type_.size, x.first + first)
        return None
    first = int(lane.flat[0]) - int(target_lane.flat[0])
    same_pixels = x.pixels == type_.pixels and np.array_equal(pixel, target_pixel)
    if same_pixels and first % 4 == 0 and np.array_equal(lane - first, target_lane):
        return x.slice(first // 4, type_.words)
    address = pixel * x.pitch * 4 + lane
    target = target_pixel * type_.words * 4 + target_lane
    first = int(address.flat[0]) - int(target.flat[0])
    if first % 4 == 0 and np.array_equal(address - first, target):
        return View(x.buffer, type_.pixels, type_.words, type_.words, x.first + first // 4)
    return None
