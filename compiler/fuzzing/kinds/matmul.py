"""MatMul of constants and of two tensors, batched; Gemm in all its forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from ...arithmetic.array import Array
from ..builder import Tensor
from ..models import Builder, Shape
from ..nodes import MATRICES, STACKS, Kind, Node, Operands, several
from ..values import F32, LEVELS, LIMITS, MULTIPLIERS, NUMPY, SCALES, SEEDS, Dtype, Level
from .conv import bias_values, result_scale, stored_weights

Columns = Literal["one", "per column"]


@dataclass(frozen=True)
class Weights:
    """How a constant [K, N] is made."""

    columns: int
    how: str
    dtype: Dtype
    scale: float
    scales: Columns
    zero_points: Literal["none", "one", "per column"]
    seed: int

    def make(self, b: Builder, rows: int, stack: Shape = ()) -> tuple[Array, Any, Any]:
        """Stored values [..., rows, columns], scale and zero point."""
        random = np.random.default_rng(self.seed)
        dtype: Dtype = "u8" if (b.net.dtype, self.dtype) == ("u8", "u8") else "s8"
        values = stored_weights(self.how, dtype, (*stack, rows, self.columns), random)
        each = self.scales == "per column" and not stack
        scale: Any = F32(self.scale)
        if each:
            scale = scale * random.choice(np.array([1, 1, 0.5, 0.3, 1.7, 4], F32), self.columns)
        low, high = LIMITS[dtype]
        zero_point: Any = 0
        if self.zero_points == "one" or (self.zero_points == "per column" and not each):
            zero_point = int(random.choice([low, high, 3]))
        elif self.zero_points == "per column":
            zero_point = random.integers(low, high + 1, self.columns).astype(NUMPY[dtype])
        return values, scale, zero_point


WEIGHTS = st.builds(
    Weights,
    st.integers(1, 9),
    st.sampled_from(["random", "coarse", "coarse", "extreme", "small"]),
    st.sampled_from(["s8", "s8", "u8"]),
    SCALES,
    st.sampled_from(["one", "per column"]),
    st.sampled_from(["none", "none", "one", "per column"]),
    SEEDS,
)


@dataclass(frozen=True)
class MatMulNode(Node):
    """x times a constant matrix, a stack of them, or another tensor; without Q a float result."""

    kind: Literal["matrix", "stack", "tensor"]
    other: int
    weights: Weights
    multiplier: float
    ulps: int
    zero_point: Level
    quantized: bool

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) < 2 or x.params is None:
            return None
        if self.kind == "tensor":
            y = b.find(self.other, lambda other: _multiplies(x, other))
            if y is None or y.params is None:
                return None
            scale, how = y.params.scale, ""
        else:
            stack = x.shape[:-2] if self.kind == "stack" else ()
            values, scales, zero_point = self.weights.make(b, x.shape[-1], stack)
            y = b.q.constant_tensor(values, scales, zero_point, axis=values.ndim - 1)
            scale, how = self.weights.scale, self.weights.how
        result = result_scale(x.params.scale, scale, self.multiplier, how, self.ulps)
        return b.q.node("MatMul", [x, y], b.params(result, self.zero_point) if self.quantized else None)


def _multiplies(x: Tensor, other: Tensor) -> bool:
    if len(other.shape) < 2 or x.shape[-1] != other.shape[-2]:
        return False
    try:
        np.broadcast_shapes(x.shape[:-2], other.shape[:-2])
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class GemmNode(Node):
    """x [M, K], transposed where `trans_a`, times a constant, and a bias [N]."""

    weights: Weights
    trans_a: bool
    trans_b: bool
    alpha: float
    bias: Literal["none", "int32", "large int32", "float"]
    multiplier: float
    ulps: int
    zero_point: Level
    quantized: bool

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 2 or x.params is None:
            return None
        random = np.random.default_rng(self.weights.seed + 1)
        values, scale, zero_point = self.weights.make(b, x.shape[0 if self.trans_a else 1])
        if self.trans_b:
            values = np.ascontiguousarray(values.T)
        inputs = [x, b.q.constant_tensor(values, scale, zero_point, axis=0 if self.trans_b else 1)]
        # A float bias before a float result leaves the Gemm float; so does another scale of x.
        kind = "none" if self.bias == "float" and not self.quantized else self.bias
        unit = x.params.scale * float(np.max(scale))
        bias = bias_values(kind, self.weights.how, self.weights.columns, unit, random)
        # Sums times a negative number are taken for floats alone.
        alpha = 1.0 if bias is not None else abs(self.alpha) if self.quantized else self.alpha
        operands: list[Any] = list(inputs)
        if bias is not None and bias.dtype == np.int32:
            if x.stored in b.merged:
                return None
            operands.append(b.q.constant_tensor(bias, F32(x.params.scale) * np.asarray(scale)))
        elif bias is not None:
            operands.append((bias % 20 * unit).astype(F32))
        result = result_scale(
            x.params.scale, self.weights.scale, self.multiplier, self.weights.how, self.ulps
        )
        return b.q.node(
            "Gemm", operands, b.params(result, self.zero_point) if self.quantized else None,
            transA=int(self.trans_a), transB=int(self.trans_b), alpha=alpha,
        )  # fmt: skip


def matmuls(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        MatMulNode, x, st.booleans(), st.sampled_from(["matrix", "stack", "tensor"]), x, WEIGHTS,
        MULTIPLIERS, st.integers(-1, 1), LEVELS, st.booleans(),
    )  # fmt: skip


def gemms(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        GemmNode, x, st.booleans(), WEIGHTS, st.booleans(), st.booleans(),
        st.sampled_from([1.0, 1.0, 0.5, 0.3, -1.7]),
        st.sampled_from(["none", "int32", "large int32", "float"]),
        MULTIPLIERS, st.integers(-1, 1), LEVELS, st.booleans(),
    )  # fmt: skip


def _factors(shape: Shape) -> st.SearchStrategy[tuple[Shape, ...]]:
    """A shape, and two that it may be multiplied with."""
    columns = st.integers(1, 9)
    flat = columns.map(lambda n: (shape[-1], n))
    stacked = columns.map(lambda n: (*shape[:-2], shape[-1], n))
    return st.tuples(st.just(shape), flat, stacked)


KINDS = (
    Kind("matmul", matmuls, STACKS.flatmap(_factors)),
    Kind("gemm", gemms, several(MATRICES)),
)
