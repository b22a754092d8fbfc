"""Nearest and linear Resize of images: whole and fractional factors, all coordinate and rounding
modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import Kind, Node, Operands, Result, results
from ..values import F32, pairs

FACTORS = st.sampled_from([2.0, 1.0, 3.0, 1.5, 0.5, 2.5, 0.75, 1.3, 0.3])
COORDINATES = ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric")
CROP = "tf_crop_and_resize"


@dataclass(frozen=True)
class ResizeNode(Node):
    """Nearest Resize by factors, or to sizes where `to_size`; of `roi` where it crops."""

    factors: tuple[float, float]
    coordinates: str
    rounding: str
    to_size: bool
    roi: tuple[tuple[float, float], tuple[float, float]]

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        factors, sizes = _fitting(self.factors, x)
        modes: dict[str, Any] = {
            "coordinate_transformation_mode": self.coordinates,
            "nearest_mode": self.rounding,
        }
        if self.coordinates == CROP:
            modes["roi"] = [end for ends in zip(*self.roi, strict=True) for end in ends]
        if self.to_size:
            return b.q.resize(x, sizes=sizes, **modes)
        return b.q.resize(x, factors, **modes)


@dataclass(frozen=True)
class LinearNode(Node):
    """Linear Resize by factors, or to sizes where `to_size`."""

    factors: tuple[float, float]
    coordinates: str
    to_size: bool
    result: Result

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        factors, sizes = _fitting(self.factors, x)
        modes: dict[str, Any] = {
            "mode": "linear",
            "coordinate_transformation_mode": self.coordinates,
        }
        params = self.result.of(b, x)
        if self.to_size:
            return b.q.resize(x, sizes=sizes, params=params, **modes)
        return b.q.resize(x, factors, params=params, **modes)


def _fitting(factors: tuple[float, float], x: Tensor) -> tuple[list[float], list[int]]:
    """Factors and the sizes that they make; 1 where that is none or too large."""
    fitting, sizes = [], []
    for factor, side in zip(factors, x.shape[2:], strict=True):
        size = int(np.floor(F32(factor) * F32(side)))
        # onnx's own shape inference may disagree where the product is rounded: whole ones only.
        fits = 1 <= size <= 32 and size == np.floor(float(F32(factor)) * side)
        fitting.append(factor if fits else 1.0)
        sizes.append(size if fits else side)
    return fitting, sizes


def nodes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        ResizeNode,
        x,
        st.booleans(),
        pairs(FACTORS),
        st.sampled_from([*COORDINATES, CROP]),
        st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
        st.booleans(),
        pairs(pairs(st.integers(0, 20).map(lambda n: n / 20))),
    )


def linear_nodes(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        LinearNode,
        x,
        st.booleans(),
        pairs(FACTORS),
        st.sampled_from(COORDINATES),
        st.booleans(),
        results("other", "same"),
    )


KIND = Kind("resize", nodes)
LINEAR = Kind("resize_linear", linear_nodes)
