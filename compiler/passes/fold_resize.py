"""Makes nearest upsampling part of the convolution that reads it.

Rule: `qconv(resize(x))` becomes `qconv(x) {upsample}` where the resize repeats every row and
column a whole number of times, so that the source of position o is o // factor. The convolution
then reads each pixel where it lies; the enlarged tensor is never made.

Refusals:
- any other index map (a fractional factor, rounding that shifts): such a resize is a kernel of its
  own;
- a convolution that upsamples already.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.graph import Graph
from ..operators.convolution.op import QConv
from ..operators.moves.resize import Resize


@dataclass(frozen=True)
class FoldResize:
    """Nearest upsampling by whole factors into QConv."""

    name: ClassVar[str] = "fold_resize"

    def apply(self, graph: Graph) -> bool:
        producers = graph.producers()
        changed = False
        for op in graph.ops:
            resize = producers.get(op.x) if isinstance(op, QConv) else None
            if not isinstance(op, QConv) or not isinstance(resize, Resize):
                continue
            factors = whole_factors(resize)
            if factors is not None and op.upsample == (1, 1):
                op.x, op.upsample = resize.x, factors
                changed = True
        graph.remove_dead_ops()
        return changed


def whole_factors(op: Resize) -> tuple[int, int] | None:
    """How often the resize repeats rows and columns; None where it is no such repetition."""
    factors = []
    for axis in (0, 1):
        size, result = op.x.type.shape[2 + axis], op.result.type.shape[2 + axis]
        factor = result // size
        if factor * size != result or factor < 1:
            return None
        if not np.array_equal(op.sources(axis), np.arange(result) // factor):
            return None
        factors.append(factor)
    return factors[0], factors[1]
