"""Matrix products of quantized tensors, of MatMul, Gemm and MatMulInteger.

A product with constant weights is a convolution over the rows; that of two activations has a kernel
of its own (kernel.py). Which products are integer is said in fusion.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...arithmetic import F32, wrap_i32
from ...ir.graph import Tensors, Value
from ...ir.layout import to_lanes
from ...ir.program import View
from ...ir.types import Array, Quantization, TensorType
from ...lowering.packing import Lowering
from ...lowering.scheduling import Scheduler
from ..base import FamilyOp
from ..convolution.kernel import ConvKernel
from ..convolution.packed import pack_weights
from ..convolution.tile import choose_tile
from ..moves.op import Move
from ..sums import ELEMENTS, refusal_of_multiplier, result_of_sums
from .kernel import MatMulKernel


@dataclass(eq=False)
class QMatMul(FamilyOp):
    """acc = bias + sum over k of (a - za)(b - zb), in int32 that wraps, with MatMul's broadcasting.

    The result by its dtype: i32 acc; f32 RN(RN(acc) * sc) with sc = RN(RN(alpha * sa) * sb); bytes
    rne(clamp(RN(RN(acc) * RN(sc / sy)))) + zy. `b_scale` and `b_zero_point` (i32): one, or one a
    column; `bias`: i32, broadcast against the result. `a_zero_point`: a byte, constant or computed,
    in the place of that of a's type. `trans_a`, `trans_b`: of matrices, as Gemm's.
    """

    kind = "qmatmul"
    a: Value
    b: Value
    bias: Value | None = None
    b_scale: Value = field(kw_only=True)
    b_zero_point: Value = field(kw_only=True)
    trans_a: bool = False
    trans_b: bool = False
    alpha: float = 1.0
    a_zero_point: Value | None = None

    @property
    def a_axis(self) -> int:
        """The axis of a that is summed over."""
        rank = len(self.a.type.shape)
        return max(rank - (2 if self.trans_a else 1), 0)

    @property
    def b_axis(self) -> int:
        """The axis of b that is summed over."""
        rank = len(self.b.type.shape)
        return max(rank - (1 if self.trans_b else 2), 0)

    @property
    def columns(self) -> int:
        """Columns of b; 1 where b is a vector."""
        shape = self.b.type.shape
        return 1 if len(shape) == 1 else shape[-2 if self.trans_b else -1]

    @property
    def rows(self) -> int:
        """Rows of one matrix a; 1 where a is a vector."""
        shape = self.a.type.shape
        return 1 if len(shape) == 1 else shape[-1 if self.trans_a else -2]

    def wanted_axis(self, operand: Value) -> int | None:
        return self.a_axis if operand is self.a else self.b_axis if operand is self.b else None

    def expected_shape(self) -> tuple[int, ...] | None:
        a, b = self.a.type.shape, self.b.type.shape
        batch = np.broadcast_shapes(a[:-2], b[:-2])
        return (*batch, *((self.rows,) * (len(a) > 1)), *((self.columns,) * (len(b) > 1)))

    @property
    def multiplier(self) -> Array:
        """The factor of a sum, f32 [1] or [N]; all 1 where the sums are the result."""
        if self.result.type.dtype == "i32":
            return np.ones(1, F32)
        assert self.a.type.quantization is not None
        after = self.result.type.quantization
        with np.errstate(over="ignore"):
            scale = F32(self.alpha) * F32(self.a.type.quantization.scale)
            factor: Array = scale * self.b_scale.array.astype(F32).reshape(-1)
            return factor if after is None else factor / F32(after.scale)

    def zero_point_of_a(self) -> int:
        """The constant zero point of a; 0 where it is computed."""
        if self.a_zero_point is not None:
            data = self.a_zero_point.data
            return 0 if data is None else int(data.reshape(-1)[0])
        assert self.a.type.quantization is not None
        return self.a.type.quantization.zero_point

    def evaluate(self, tensors: Tensors) -> Array:
        a_zero_point = self.zero_point_of_a()
        if self.a_zero_point is not None:
            a_zero_point = int(tensors[self.a_zero_point].reshape(-1)[0])
        a = tensors[self.a].astype(np.float64) - a_zero_point
        b = tensors[self.b].astype(np.float64)
        a = a.swapaxes(-1, -2) if self.trans_a else a
        b = b.swapaxes(-1, -2) if self.trans_b else b
        zero_point = self.b_zero_point.array.reshape(-1)
        b = b - (zero_point if b.ndim > 1 else zero_point[0])
        # f64 holds sums of byte products exactly up to 2^53
        sums = np.matmul(a, b).astype(np.int64).reshape(self.result.type.shape)
        if self.bias is not None:
            sums = sums + self.bias.array
        return result_of_sums(wrap_i32(sums), self.multiplier, self.result.type)

    def refusal(self) -> str | None:
        return refusal_of_multiplier(self.multiplier, self.result.type)

    # ------------------------------------------------------------------------------ lowering

    def lower(self, lowering: Lowering) -> None:
        if len(self.b.type.shape) == 1:
            self._lower_vector(lowering)
            return
        a = lowering.operand(self.a, self.a_axis)
        depth = TensorType("s8", self.b.type.shape, None, a.type.segments, self.b_axis)
        b = lowering.operand(self.b, like=Value("", depth))
        zero_point = self.b_zero_point.array.astype(np.int32) - self.b.type.flip
        result = self.result
        if lowering.is_packable(result):
            result = lowering.packed(result, axis=len(result.type.shape) - 1)
        of_b = Value.constant(f"{result.name}.b_zero_point", zero_point)
        of_a = None if self.a_zero_point is None else lowering.operand(self.a_zero_point)
        form = replace(self, result=result, a=a, b=b, b_zero_point=of_b, a_zero_point=of_a)
        lowering.add(form)

    def _lower_vector(self, lowering: Lowering) -> None:
        """A product with a vector b, as one with a matrix of one column."""
        b, result = _column(self.b), _column(self.result)
        if b.data is None:
            Move(b, self.b).lower(lowering)
        replace(self, result=result, b=b).lower(lowering)
        Move(self.result, result).lower(lowering)

    # ------------------------------------------------------------------------------ kernels

    @property
    def depth(self) -> int:
        """Products in a sum."""
        return self.a.type.shape[self.a_axis]

    def per_column(self, values: Array, fill: int = 0) -> Array:
        """Values [N] or [1] for every lane of the result's words."""
        lanes = np.full(-(-self.columns // 4) * 4, fill, values.dtype)
        lanes[: self.columns] = np.broadcast_to(values.reshape(-1), self.columns)
        return lanes

    def schedule(self, scheduler: Scheduler) -> None:
        one_bias = self.bias is None or self.bias.type.size in (1, self.columns)
        plain = self.b.data is not None and len(self.b.type.shape) == 2 and one_bias
        if plain and self.a.data is None:
            scheduler.kernel(self._convolution(scheduler))
        else:
            scheduler.kernel(self._product(scheduler))

    def _convolution(self, scheduler: Scheduler) -> ConvKernel:
        """A product with constant weights: a convolution over the rows as pixels of one line."""
        name, shape, _, stores = scheduler.frame(self)
        x, words = self.a.type, -(-self.columns // 4)
        assert x.segments is not None
        zero_of_a, zero_source = self.zero_point_of_a(), self._zero_source(scheduler)
        weight = self.b.array if self.trans_b else self.b.array.T
        weight = weight.astype(np.int64)[:, :, None, None]
        bias = self.per_column(self._bias().reshape(-1))
        sums = self.per_column(weight.sum((1, 2, 3)))
        quantization = Quantization(1.0, zero_of_a)
        zero_point = self.per_column(self.b_zero_point.array)
        after = self.result.type.quantization
        return ConvKernel(
            name,
            shape if self.result.type.is_byte else (x.pixels, 1, 1),
            words,
            stores,
            source=scheduler.view(self.a),
            zero_source=zero_source,
            weight_sums=None if zero_source is None else sums.astype(np.int32),
            x_type=TensorType("s8", (1, self.depth, 1, x.pixels), quantization, x.segments),
            weight=pack_weights(weight, x.segments, words),
            bias=wrap_i32(bias - zero_of_a * sums),
            multiplier=self.per_column(self.multiplier, 1),
            weight_zero_point=zero_point if zero_point.any() else None,
            zero_point=0 if after is None else after.zero_point,
            out_channels=self.columns,
            elements=ELEMENTS[self.result.type.dtype],
            flat=True,
            tile=choose_tile((1, 1, x.pixels), words, 1),
        )

    def _zero_source(self, scheduler: Scheduler) -> View | None:
        """Where a computed zero point of a lies."""
        if self.a_zero_point is None or self.a_zero_point.data is not None:
            return None
        return scheduler.view(self.a_zero_point)

    def _bias(self) -> Array:
        """The bias, i64: [1, 1] or [1, N], or [M, N] where it has rows."""
        if self.bias is None:
            return np.zeros((1, 1), np.int64)
        bias = np.atleast_2d(self.bias.array.astype(np.int64))
        rows = bias.shape[0]
        return bias if rows == 1 else np.broadcast_to(bias, (rows, self.columns))

    def _product(self, scheduler: Scheduler) -> MatMulKernel:
        a, b = self.a.type.shape, self.b.type.shape
        batch = np.broadcast_shapes(a[:-2], b[:-2])
        firsts = [
            np.broadcast_to(np.arange(int(np.prod(s[:-2]))).reshape(s[:-2]), batch).reshape(-1)
            for s in (a, b)
        ]
        assert self.a.type.segments is not None
        bias = np.stack([self.per_column(row) for row in self._bias()])
        after = self.result.type.quantization
        mask = to_lanes(
            np.ones(self.depth, np.uint8),
            TensorType("s8", (self.depth,), None, self.a.type.segments, 0),
        )
        return MatMulKernel(
            *scheduler.frame(self),
            sources=(scheduler.source(self.a), scheduler.source(self.b)),
            zero_source=self._zero_source(scheduler),
            firsts=(firsts[0] * self.rows, firsts[1] * self.columns),
            size=(self.rows, self.columns),
            mask=mask.reshape(-1),
            zero_points=(self.zero_point_of_a(), self.per_column(self.b_zero_point.array)),
            bias=wrap_i32(bias),
            multiplier=self.per_column(self.multiplier, 1),
            zero_point=0 if after is None else after.zero_point,
            elements=ELEMENTS[self.result.type.dtype],
        )


def _column(value: Value) -> Value:
    """`value` with a last axis of 1; a constant as such."""
    type_ = replace(value.type, shape=(*value.type.shape, 1))
    data = None if value.data is None else value.data[..., None]
    return Value(f"{value.name}.column", type_, data)
