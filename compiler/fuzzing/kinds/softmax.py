"""Softmax over any axis, and ArgMax."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import ANY_SHAPES, AXES, Kind, Node, Operands, Result, axis_of, results, several


@dataclass(frozen=True)
class SoftmaxNode(Node):
    """Softmax over one axis."""

    axis: int
    result: Result

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if not x.shape:
            return None
        axis = axis_of(self.axis, len(x.shape))
        return b.q.node("Softmax", [x], self.result.of(b, x), axis=axis)


@dataclass(frozen=True)
class ArgMaxNode(Node):
    """The place of the largest value, the first or the last of them: an int64 output."""

    op_type: str
    axis: int
    keepdims: bool
    last: bool

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if not x.shape:
            return None
        return b.q.node(
            self.op_type, [x], None, axis=axis_of(self.axis, len(x.shape)),
            keepdims=int(self.keepdims), select_last_index=int(self.last),
        )  # fmt: skip


def softmaxes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(SoftmaxNode, x, st.booleans(), AXES, results("other", "same"))


def argmaxes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        ArgMaxNode, x, st.booleans(), st.sampled_from(["ArgMax", "ArgMax", "ArgMin"]), AXES,
        st.booleans(), st.booleans(),
    )  # fmt: skip


KINDS = (
    Kind("softmax", softmaxes, several(ANY_SHAPES)),
    Kind("argmax", argmaxes, several(ANY_SHAPES)),
)
