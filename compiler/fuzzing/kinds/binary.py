"""Add and Mul of two tensors, of one twice, and with constants; with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder, Shape
from ..nodes import ANY_SHAPES, Kind, Node, Operands, Result, results
from ..values import LEVELS, LIMITS, NUMPY, SCALES, SEEDS, Level

Other = Literal["tensor", "itself", "scalar", "one", "channels", "last", "whole"]
OTHERS: tuple[Other, ...] = ("tensor", "tensor", "itself", "scalar", "one", "channels", "last",
                             "whole")  # fmt: skip


@dataclass(frozen=True)
class BinaryNode(Node):
    """x and another tensor, itself, or a constant behind a DequantizeLinear; maybe swapped."""

    op: str
    kind: Other
    other: int
    swapped: bool
    scale: float
    zero_point: Level
    result: Result
    seed: int

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        y: Tensor | None = x
        if self.kind == "tensor":
            y = b.find(self.other, lambda other: other is not x and broadcasts(x, other))
        elif self.kind != "itself":
            y = self.constant(b, x.shape)
        if y is None:
            return None
        return b.q.op(self.op, [y, x] if self.swapped else [x, y], self.result.of(b, x))

    def constant(self, b: Builder, shape: Shape) -> Tensor:
        """Stored bytes of the form that `kind` names."""
        match self.kind:
            case "scalar":
                form: Shape = ()
            case "one":
                form = (1,)
            case "channels":
                form = shape[1:2] + (1,) * len(shape[2:])
            case "last":
                form = shape[-1:]
            case _:
                form = shape
        low, high = LIMITS[b.net.dtype]
        random = np.random.default_rng(self.seed)
        values = random.integers(low, high + 1, form).astype(NUMPY[b.net.dtype])
        return b.q.constant_tensor(values, self.scale, self.zero_point.of(b.net.dtype))


def broadcasts(x: Tensor, other: Tensor) -> bool:
    """Whether two tensors broadcast with each other."""
    try:
        return len(np.broadcast_shapes(x.shape, other.shape)) <= 4
    except ValueError:
        return False


def nodes_of(op: str, x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        BinaryNode, x, st.booleans(), st.just(op), st.sampled_from(OTHERS), x, st.booleans(),
        SCALES, LEVELS, results("other", "other", "same"), SEEDS,
    )  # fmt: skip


def _related(shape: Shape) -> st.SearchStrategy[Shape]:
    """Shapes that broadcast with this one."""
    shrunk = st.tuples(*(st.sampled_from([1, side]) for side in shape))
    return st.builds(lambda sides, cut: sides[cut:], shrunk, st.integers(0, len(shape) - 1))


SHAPES = ANY_SHAPES.flatmap(
    lambda shape: st.tuples(st.just(shape), _related(shape), st.one_of(st.just(shape)))
)
KINDS = (
    Kind("add", lambda x: nodes_of("Add", x), SHAPES),
    Kind("mul", lambda x: nodes_of("Mul", x), SHAPES),
)
