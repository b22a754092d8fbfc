"""Nearest Resize of images: whole and fractional factors, all coordinate and rounding modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands
from ..values import F32, pairs


@dataclass(frozen=True)
class ResizeNode(Node):
    """Nearest Resize by factors, or to sizes where `to_size`."""

    factors: tuple[float, float]
    coordinates: str
    rounding: str
    to_size: bool

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        factors, sizes = [], []
        for factor, side in zip(self.factors, x.shape[2:], strict=True):
            size = int(np.floor(F32(factor) * F32(side)))
            # onnx's own shape inference may disagree where the product is rounded: whole ones only.
            fits = 1 <= size <= 32 and size == np.floor(float(F32(factor)) * side)
            factors.append(factor if fits else 1.0)
            sizes.append(size if fits else side)
        modes: dict[str, Any] = {
            "coordinate_transformation_mode": self.coordinates,
            "nearest_mode": self.rounding,
        }
        if self.to_size:
            return b.q.resize(x, sizes=sizes, **modes)
        return b.q.resize(x, factors, **modes)


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    factors = st.sampled_from([2.0, 1.0, 3.0, 1.5, 0.5, 2.5, 0.75, 1.3, 0.3])
    return st.builds(
        ResizeNode,
        x,
        st.booleans(),
        pairs(factors),
        st.sampled_from(["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]),
        st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
        st.booleans(),
    )


KIND = Kind("resize", nodes)
