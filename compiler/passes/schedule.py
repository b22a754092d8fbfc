"""Turns the packed graph into a Program: kernels for each op, a buffer for each value.

Rules:
1. What an op becomes it says itself (`operators.base.FamilyOp.schedule`): a kernel, several, or a
   view of its operand where it only moves elements.
2. `lookup` and each operand of `concat` become a `copy`; place_concat then removes those whose
   producers can write in their stead.
3. Packed values get a buffer of packed words, row-major ones one word an element; a row-major
   result that is a graph output is written there directly.
4. Of the graph outputs that one value is, those that its kernel has no binding left for are copied.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph
from ..ir.limits import STORAGE_BUFFERS, WEIGHTS
from ..ir.program import (
    Buffer,
    BufferStore,
    Kernel,
    Program,
    View,
    WordStore,
    inputs_read,
    output_words,
    touches,
)
from ..lowering.scheduling import Scheduler
from ..operators.copy import CopyKernel


@dataclass(frozen=True)
class Schedule:
    """Graph to Program."""

    name: ClassVar[str] = "schedule"

    def apply(self, graph: Graph) -> Program:
        """A program whose buffers have no place yet."""
        scheduler = Scheduler(graph)
        for op in graph.ops:
            scheduler.schedule(op)
        program = scheduler.program()
        spread_outputs(program)
        return program


def spread_outputs(program: Program) -> None:
    """Rule 4, in place."""
    kernels: list[Kernel] = []
    for kernel in program.kernels:
        kernels.append(kernel)
        outputs = [store for store in kernel.stores if isinstance(store, WordStore)]
        free = STORAGE_BUFFERS - WEIGHTS - len(inputs_read(kernel))
        if len(outputs) + any(True for _ in touches(kernel)) > free:
            kernels += _copies(program, kernel, outputs[free - 1 :])  # one for the arena
    program.kernels = kernels


def _copies(program: Program, kernel: Kernel, outputs: list[WordStore]) -> Iterator[CopyKernel]:
    """Kernels that store `outputs` in the place of `kernel`, from a buffer that it stores."""
    kept = [store for store in kernel.stores if store not in outputs]
    views = [store.view for store in kept if isinstance(store, BufferStore)]
    if not views:
        size = output_words(program.outputs[outputs[0].output])
        views = [View(Buffer(kernel.name, size), 1, size, size)]
        kept.append(BufferStore(views[0]))
    kernel.stores = kept
    batch = STORAGE_BUFFERS - WEIGHTS - 1
    for first in range(0, len(outputs), batch):
        name, some = f"{kernel.name}.outputs{first // batch}", outputs[first : first + batch]
        yield CopyKernel(name, (1, 1, 1), views[0].words, list(some), source=views[0])
