"""QuantizeLinear with other parameters, directly after DequantizeLinear."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import INNER_LEVELS, SCALES, Level


@dataclass(frozen=True)
class RequantizeNode(Node):
    """QuantizeLinear with other parameters."""

    scale: float
    zero_point: Level

    def make(self, b: Builder) -> Tensor:
        result = b.q.quantize(b.pick(self.x), b.params(self.scale, self.zero_point))
        b.merged.add(result.stored or "")
        return result


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    """Inner zero points, because two pairs in a row without a common range are refused."""
    return st.builds(RequantizeNode, x, st.booleans(), SCALES, INNER_LEVELS)


KIND = Kind("requantize", nodes)
