"""A function of one byte, by a table: requantization, activations, casts, floats at an output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..ir.graph import Tensors, Value
from ..ir.layout import channels_of_lanes
from ..ir.program import BufferStore, OutputStore, View
from ..ir.types import NUMPY_DTYPES, Array
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from .base import FamilyOp
from .copy import copy


@dataclass(eq=False)
class Lookup(FamilyOp):
    """result = table[byte of x], table of 256 entries, s8 bytes taken as 0..255 by their bits."""

    kind = "lookup"
    x: Value
    table: Value

    def evaluate(self, tensors: Tensors) -> Array:
        result: Array = self.table.array[tensors[self.x].view(np.uint8)]
        return result.astype(NUMPY_DTYPES[self.result.type.dtype], copy=False)

    def expected_shape(self) -> tuple[int, ...] | None:
        return self.x.type.shape

    @property
    def is_same(self) -> bool:
        """Whether the result is the same bytes, which may mean something else."""
        same = self.result.type.dtype == self.x.type.dtype
        return same and bool((self.table.array.view(np.uint8) == np.arange(256)).all())

    def problems(self) -> Iterator[str]:
        if self.table.type.shape != (256,):
            yield f"the table has shape {self.table.type.shape}, not (256,)"

    def lower(self, lowering: Lowering) -> None:
        x = lowering.operand(self.x)
        table = Value.constant(f"{self.table.name}.packed", self._packed_table(), self.table)
        is_byte = self.result.type.is_byte
        lowering.add(Lookup(lowering.like(self.result, x) if is_byte else self.result, x, table))

    def _packed_table(self) -> Array:
        """The table indexed by the bits of the packed byte, with packed bytes as entries."""
        index = np.arange(256) ^ self.x.type.flip
        table: Array = self.table.array[index]
        if not self.result.type.is_byte:
            return table if table.dtype == np.float32 else table.astype(np.int32)  # words
        return (table ^ np.uint8(0x80)).view(np.int8) if self.result.type.dtype == "u8" else table

    def schedule(self, scheduler: Scheduler) -> None:
        if self.result.type.is_byte:
            name = scheduler.name(self.result)
            store = BufferStore(scheduler.make(self.result), self.table.array)
            copy(self.x, name, store, scheduler)
        else:
            self._schedule_words(scheduler)

    def _schedule_words(self, scheduler: Scheduler) -> None:
        """Words by table into graph outputs, and into a buffer where an op reads them."""
        places: list[tuple[str, View | None]]
        places = [(name, None) for name in scheduler.output_names(self.result)]
        if not places or scheduler.users.get(self.result):
            places.append(("", scheduler.make(self.result)))
        channels = channels_of_lanes(self.x.type)
        for output, view in places:
            store = OutputStore(output, self.table.array, channels, self.x.type.channels, view)
            copy(self.x, scheduler.name(self.result), store, scheduler)
