"""ONNX Concat: every operand is copied into its slice of the result.

On bytes each operand's channels are a segment of the result that starts on a word, so that
place_concat can let the producers write there themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..budgets import SEGMENTS, require_within
from ..ir.graph import Tensors, Value
from ..ir.program import BufferStore, Store, View, WordStore
from ..ir.types import Array
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from .base import FamilyOp
from .copy import CopyKernel, copy
from .moves.base import byte_move_problems
from .moves.op import Move


@dataclass(eq=False)
class Concat(FamilyOp):
    """ONNX Concat; on bytes all operands have the result's quantization."""

    kind = "concat"
    onnx = "Concat"
    moves_values = True
    xs: tuple[Value, ...]
    axis: int = 1

    def repeats(self) -> Value | None:
        return self.xs[0] if len(self.xs) == 1 else None

    def evaluate(self, tensors: Tensors) -> Array:
        return np.concatenate([tensors[x] for x in self.xs], self.axis)

    def expected_shape(self) -> tuple[int, ...] | None:
        shape = list(self.xs[0].type.shape)
        shape[self.axis] = sum(x.type.shape[self.axis] for x in self.xs)
        return tuple(shape)

    def problems(self) -> Iterator[str]:
        yield from byte_move_problems(self)

    def wanted_axis(self, operand: Value) -> int | None:
        del operand
        return self.axis

    def lower(self, lowering: Lowering) -> None:
        if not self.result.type.is_byte:
            lowering.add(self)
            return
        xs = tuple(lowering.operand(x, self.axis) for x in self.xs)
        count = sum(len(x.type.segments or ()) for x in xs)
        require_within(f"{self.title()} %{self.result.name}", count, SEGMENTS, "parts")
        segments = tuple(s for x in xs for s in x.type.segments or ())
        lowering.add(Concat(lowering.packed(self.result, segments, self.axis), xs, self.axis))

    def schedule(self, scheduler: Scheduler) -> None:
        if self.result.type.segments is None:
            self._schedule_runs(scheduler)
            return
        whole, first = scheduler.make(self.result), 0
        for x in self.xs:
            store = BufferStore(whole.slice(first, x.type.words))
            copy(x, scheduler.name(self.result), store, scheduler)
            first += x.type.words

    def _schedule_runs(self, scheduler: Scheduler) -> None:
        """Row-major operands: each row of the result is a run of each operand's elements."""
        whole, first = scheduler.make(self.result), 0
        rows = math.prod(self.result.type.shape[: self.axis])
        length = self.result.type.size // max(rows, 1)
        for x in self.xs:
            width = x.type.size // max(rows, 1)
            target = View(whole.buffer, rows, width, length, first)
            source = _in_arena(x, scheduler)
            source = View(source.buffer, rows, width, width, source.first)
            name, stores = scheduler.name(self.result), [BufferStore(target)]
            scheduler.kernel(CopyKernel(name, (rows, 1, 1), width, [*stores], source=source))
            first += width
        outputs: list[Store] = [WordStore(output) for output in scheduler.output_names(self.result)]
        if outputs:
            size, source = self.result.type.size, scheduler.view(self.result)
            name = scheduler.name(self.result)
            scheduler.kernel(CopyKernel(name, (1, 1, 1), size, outputs, source=source))


def _in_arena(value: Value, scheduler: Scheduler) -> View:
    """The words of a row-major operand; of a graph input or a constant a copy is made."""
    if not scheduler.holds(value):
        clone = Value(f"{value.name}.copy", value.type)
        Move(clone, value).schedule(scheduler)
        scheduler.views[value] = scheduler.view(clone)
    return scheduler.view(value)
