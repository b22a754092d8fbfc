"""What every kind of operator is made of: a node of plain data, and how it is drawn.

A node names its operands by small integers that always mean something (`Builder.pick`), whatever
stands before it, so that Hypothesis can delete, shrink and reorder nodes freely and every such net
is again valid. Weights come from seeds and names of distributions, not from drawn numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from .builder import QuantParams, Tensor
from .models import Builder, Results, Shape
from .values import LEVELS, SCALES, Level, tuples

Operands = st.SearchStrategy[int]

_SIDES = st.integers(1, 9)
_BATCHES = st.sampled_from([1, 1, 1, 2])
IMAGES: st.SearchStrategy[Shape] = st.tuples(_BATCHES, _SIDES, _SIDES, _SIDES)
"""[N, C, H, W]: up to 9 channels of 9x9 and two samples."""
SEQUENCES: st.SearchStrategy[Shape] = st.tuples(_BATCHES, _SIDES, _SIDES)
"""[N, C, L]."""
MATRICES: st.SearchStrategy[Shape] = st.tuples(_SIDES, _SIDES)
STACKS: st.SearchStrategy[Shape] = st.one_of(MATRICES, SEQUENCES, IMAGES)
"""A matrix, or several: what MatMul takes."""
ANY_SHAPES: st.SearchStrategy[Shape] = st.one_of(IMAGES, SEQUENCES, MATRICES, st.tuples(_SIDES))


def several(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[tuple[Shape, ...]]:
    """One to three shapes that have nothing to do with each other."""
    return tuples(shapes, 1, 3)


SEVERAL_IMAGES = several(IMAGES)


@dataclass(frozen=True)
class Node:
    """Operand `x` (see `Builder.pick`); whether an output of it is bytes or float values."""

    x: int
    bytes_out: bool

    def make(self, b: Builder) -> Results:
        """Adds the node; its results. None, and nothing added, where the operands don't fit."""
        raise NotImplementedError


@dataclass(frozen=True)
class Result:
    """How a result is quantized: as the operand, by a scale and a zero point, or not at all."""

    how: Literal["same", "other", "float"]
    scale: float
    zero_point: Level

    def of(self, b: Builder, x: Tensor) -> QuantParams | None:
        """Parameters for a result of an op on x."""
        match self.how:
            case "same":
                return x.params
            case "other":
                return b.params(self.scale, self.zero_point)
        return None


def results(*how: str) -> st.SearchStrategy[Result]:
    """Results of these kinds."""
    return st.builds(Result, st.sampled_from(how), SCALES, LEVELS)


def axis_of(number: int, rank: int) -> int:
    """A drawn number as an axis, negative ones included: -rank..rank-1."""
    return (number + rank) % (2 * rank) - rank


AXES = st.integers(-4, 3)


@dataclass(frozen=True)
class Kind:
    """A kind of operator: how nodes of it are drawn, given how operands are.

    `shapes`: those of the inputs of a batch, which fit each other where an operator takes several.
    """

    name: str
    nodes: Callable[[Operands], st.SearchStrategy[Node]]
    shapes: st.SearchStrategy[tuple[Shape, ...]] = SEVERAL_IMAGES
