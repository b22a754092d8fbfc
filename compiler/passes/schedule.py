"""Turns the packed graph into a Program: kernels for each op, a buffer for each value.

Rules:
1. What an op becomes it says itself (`operators.base.FamilyOp.schedule`): a kernel, several, or a
   view of its operand where it only moves elements.
2. `lookup` and each operand of `concat` become a `copy`; place_concat then removes those whose
   producers can write in their stead.
3. Packed values get a buffer of packed words, row-major ones one word an element; a row-major
   result that is a graph output is written there directly.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph
from ..ir.program import Program
from ..lowering.scheduling import Scheduler


@dataclass(frozen=True)
class Schedule:
    """Graph to Program."""

    name: ClassVar[str] = "schedule"

    def apply(self, graph: Graph) -> Program:
        """A program whose buffers have no place yet."""
        scheduler = Scheduler(graph)
        for op in graph.ops:
            scheduler.schedule(op)
        return scheduler.program()
