"""DynamicQuantizeLinear with ConvInteger or MatMulInteger, as dynamic quantization writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..builder import Tensor
from ..models import Builder
from ..nodes import IMAGES, STACKS, Kind, Node, Operands, several
from ..values import F32, pad_widths, pairs
from .matmul import WEIGHTS, Weights


@dataclass(frozen=True)
class DynamicNode(Node):
    """x as float, quantized by its own range; int32 sums, or floats where `scaled`."""

    conv: bool
    weights: Weights
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    scaled: bool

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) < 2 or (self.conv and len(x.shape) != 4):
            return None
        stored, scale, zero = b.q.dynamic_quantize(x)
        if self.conv:
            product, factor = self._conv(b, x, stored, zero)
        else:
            values, factor, w_zero = self.weights.make(b, x.shape[-1])
            product = b.q.integer_node(
                "MatMulInteger",
                [stored, values, zero, np.broadcast_to(np.asarray(w_zero, values.dtype),
                                                       np.shape(factor))],
                Tensor((*x.shape[:-1], self.weights.columns), dtype="i32"),
            )  # fmt: skip
        if not self.scaled:
            return product
        cast = b.q.node("Cast", [product], None, to=1)
        both = b.q.node("Mul", [Tensor((), scale), np.asarray(factor, F32)], None)
        return b.q.node("Mul", [cast, both], None)

    def _conv(self, b: Builder, x: Tensor, stored: str, zero: str) -> tuple[Tensor, Any]:
        kernel = [min(k, side) for k, side in zip(self.kernel, x.shape[2:], strict=True)]
        flat, factor, w_zero = self.weights.make(b, x.shape[1] * kernel[0] * kernel[1])
        values = np.ascontiguousarray(flat.T).reshape(self.weights.columns, x.shape[1], *kernel)
        one = np.asarray(np.ravel(w_zero)[0], values.dtype)
        sides = [
            (x.shape[2 + i] + self.pads[i] + self.pads[i + 2] - kernel[i]) // self.strides[i] + 1
            for i in range(2)
        ]
        product = b.q.integer_node(
            "ConvInteger", [stored, values, zero, one],
            Tensor((x.shape[0], self.weights.columns, *sides), dtype="i32"),
            kernel_shape=kernel, strides=list(self.strides), pads=list(self.pads),
        )  # fmt: skip
        factor = np.asarray(factor, F32)
        return product, factor.reshape(-1, 1, 1) if factor.ndim else factor


def nodes_of(conv: bool, scaled: bool, x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        DynamicNode, x, st.just(False), st.just(conv), WEIGHTS, pairs(st.integers(1, 3)),
        pairs(st.integers(1, 2)), pad_widths(2), st.just(scaled),
    )  # fmt: skip


KINDS = (
    Kind("conv_integer", lambda x: nodes_of(True, False, x), several(IMAGES)),
    Kind("matmul_integer", lambda x: nodes_of(False, False, x), several(STACKS)),
    Kind("conv_integer_scaled", lambda x: nodes_of(True, True, x), several(IMAGES)),
    Kind("matmul_integer_scaled", lambda x: nodes_of(False, True, x), several(STACKS)),
)
