"""Pad of rows and columns by nothing, 0, any stored level, reflection and edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from ...arithmetic import dequantize_linear
from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import LEVELS, Level, pad_widths


@dataclass(frozen=True)
class PadNode(Node):
    """Pad of the spatial axes; the constant is the real value of a stored level, or absent."""

    pads: tuple[int, int, int, int]
    mode: str
    level: Level | None

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        widths = self.pads
        if self.mode == "reflect":
            top, left, bottom, right = widths
            height, width = (side - 1 for side in x.shape[2:])
            widths = (min(top, height), min(left, width), min(bottom, height), min(right, width))
        value = None
        constant = self.level is not None and self.mode == "constant"
        if constant and x.params is not None and x.stored not in b.merged:
            assert self.level is not None
            level = np.array(self.level.of(b.net.dtype))
            value = float(dequantize_linear(level, x.params.scale, x.params.zero_point))
        return b.q.pad(x, widths, mode=self.mode, value=value)


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        PadNode,
        x,
        st.booleans(),
        pad_widths(3),
        st.sampled_from(["constant", "constant", "reflect", "edge"]),
        st.one_of(st.none(), LEVELS),
    )


KIND = Kind("pad", nodes)
