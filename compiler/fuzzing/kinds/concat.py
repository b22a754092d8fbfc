"""Concat along the channels."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import LEVELS, SCALES, Level, tuples


@dataclass(frozen=True)
class ConcatNode(Node):
    """Concat of `x` and those of `others` that fit it; without a scale, x's parameters."""

    others: tuple[int, ...]
    scale: float | None
    zero_point: Level

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        others = [b.peek(number, lambda other: _fits(x, other)) for number in self.others]
        xs = [x, *(other for other in others if other is not None)]
        params = x.params if self.scale is None else b.params(self.scale, self.zero_point)
        return b.q.concat(xs, params)


def _fits(x: Tensor, other: Tensor) -> bool:
    return (other.shape[:1], other.shape[2:]) == (x.shape[:1], x.shape[2:])


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        ConcatNode, x, st.booleans(), tuples(x, 1, 3), st.one_of(st.none(), SCALES), LEVELS
    )  # fmt: skip


KIND = Kind("concat", nodes)
