"""Matrix products of quantized tensors: MatMul and Gemm.

Rule: `matmul(dequantize(a), dequantize(b))`, and likewise gemm, becomes `qmatmul`, where
1. a has one scale, b has one or one for each column (a constant); b is s8 where a is; the axis of
   b's scales is not looked at, so that scale k is that of column k also where they stand for rows;
2. the bias of gemm is absent, or int32 behind dequantize (its scale is not looked at), which
   quantize_weights makes of a float constant; alpha other than 1 only without bias, and beta 1 with one;
3. an `add` after matmul is the bias of a gemm where ONNX Runtime makes it one: b is a matrix,
   nobody else reads the product, and the other operand is [N], or for a matrix a [M,N], [M,1] or
   [1,N];
4. quantize alone follows and the result is requantized (QLinearMatMul, QGemm); or none does, and
   the result is float: RN(RN(acc) * scale) (MatMulIntegerToFloat, QGemm).

Refusals, because ONNX Runtime leaves these in float:
- an operand is float, or s8 times u8;
- quantize and another op, or two quantizes, read the result;
- a float bias that quantize_weights lets be;
- as many scales of b as it has no columns, in a gemm (a matmul is then refused: it can't run);
- Relu or Clip between gemm or matmul and quantize, redundant or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arithmetic import F32
from ...ir.graph import Op, Value
from ...ir.types import Array
from ..base import FamilyOp
from ..fusion import Group, NoIntegerForm, Surroundings, float_bias, require_scales
from ..moves.op import Move
from ..onnx_op import Elementwise, FloatOp
from ..quantize import Dequantize, Quantize
from .op import QMatMul


@dataclass(frozen=True)
class _Product:
    """A MatMul or Gemm: the op that ends it, its operands, and Gemm's attributes."""

    last: FamilyOp
    a: Value
    b: Value
    bias: Value | None = None
    trans_a: bool = False
    trans_b: bool = False
    alpha: float = 1.0
    beta: float = 1.0

    @property
    def is_gemm(self) -> bool:
        """Whether ONNX Runtime has a Gemm, also of MatMul and Add."""
        return self.last.onnx_name != "MatMul"


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a matrix product, of an addition that is the bias of one too."""
    product = _product(around, op)
    if product is None:
        return None
    a, (b, b_scale, b_zero_point) = around.quantized(product.a), _second(around, product)
    if a.type.dtype == "s8" and b.type.dtype == "u8":
        raise NoIntegerForm("s8 times u8 is not integer")
    if a.data is not None and b.data is not None:
        raise NoIntegerForm("both its operands are constants")
    quantize = _quantize_after(around, product.last)
    bias = _bias(around, product, a, b_scale)
    last = quantize or product.last
    if quantize is not None and quantize.result.type.dtype != a.type.dtype:
        raise NoIntegerForm(f"it takes {a.type.dtype} and gives {quantize.result.type.dtype}")
    matmul = QMatMul(
        last.result,
        a,
        b,
        bias,
        b_scale=Value.constant(f"{last.result.name}.b_scale", b_scale),
        b_zero_point=Value.constant(f"{last.result.name}.b_zero_point", b_zero_point),
        trans_a=product.trans_a,
        trans_b=product.trans_b,
        alpha=product.alpha,
    )
    if not matmul.result.type.shape:
        raise NoIntegerForm("its result is one number")
    columns = matmul.columns if len(b.type.shape) == 2 else 1
    if product.is_gemm and b_scale.size not in (1, columns):
        raise NoIntegerForm(f"its second operand has {b_scale.size} scales for {columns} columns")
    require_scales(b_scale, columns, "column")
    return Group(last, matmul)


def _product(around: Surroundings, op: Op) -> _Product | None:
    if isinstance(op, FloatOp) and op.op_type == "Gemm":
        attributes = op.attributes
        bias = op.xs[2] if len(op.xs) > 2 and op.xs[2].type.size else None
        return _Product(
            op,
            op.xs[0],
            op.xs[1],
            bias,
            bool(attributes.get("transA", 0)),
            bool(attributes.get("transB", 0)),
            float(attributes.get("alpha", 1.0)),
            float(attributes.get("beta", 1.0)),
        )
    if isinstance(op, FloatOp) and op.op_type == "MatMul":
        readers = around.users.get(op.result, [])
        alone = op.result not in around.outputs and len(readers) == 1
        if alone and _addend(readers[0], op) is not None:
            raise NoIntegerForm("the Add after it is its bias")
        return _Product(op, op.xs[0], op.xs[1])
    if isinstance(op, Elementwise) and op.op_type == "Add":
        for x in op.xs:
            producer = around.producers.get(x)
            if isinstance(producer, FloatOp) and producer.op_type == "MatMul" and x not in around.outputs:
                bias = _addend(op, producer)
                if bias is not None and len(around.users[x]) == 1:
                    return _Product(op, producer.xs[0], producer.xs[1], bias)
    return None


def _addend(op: Op, product: FloatOp) -> Value | None:
    """What `op` adds to a matmul, where ONNX Runtime makes a gemm of the two."""
    if not isinstance(op, Elementwise) or op.op_type != "Add" or len(op.xs) != 2:
        return None
    a, b = (x.type.shape for x in product.xs)
    other = op.xs[1] if op.xs[0] is product.result else op.xs[0]
    if len(b) != 2 or other is product.result:
        return None
    shape, columns = other.type.shape, b[1]
    matrices = ((a[0], columns), (a[0], 1), (1, columns)) if len(a) == 2 else ()
    return other if shape == (columns,) or shape in matrices else None


def _second(around: Surroundings, product: _Product) -> tuple[Value, Array, Array]:
    """The bytes of operand b, its scales f32 and zero points i32, one or several."""
    value, transposed = product.b, False
    producer = around.producers.get(value)
    if isinstance(producer, Move) and producer.form == "transpose" and len(producer.x.type.shape) == 2:
        transposed = list(producer.attributes["perm"]) == [1, 0]
        if transposed:
            producer = around.producers.get(producer.x)
    if not (isinstance(producer, Dequantize) and producer.x.data is not None):
        b = around.stored(value, "its second operand")
        assert b.type.quantization is not None
        scale = np.array([b.type.quantization.scale], F32)
        return b, scale, np.array([b.type.quantization.zero_point], np.int32)
    if not producer.x.type.is_byte:
        raise NoIntegerForm(f"its second operand is {producer.x.type.dtype}")
    scale = producer.scale.array.astype(F32).reshape(-1)
    zero = np.zeros(1, np.int32)
    if producer.zero_point is not None:
        zero = producer.zero_point.array.astype(np.int32).reshape(-1)
    zero = zero if zero.any() else np.zeros(1, np.int32)
    if transposed:
        b = Value.constant(f"{producer.x.name}.transposed", producer.x.array.T.copy())
        return b, scale, zero
    return producer.x, scale, zero


def _quantize_after(around: Surroundings, op: FamilyOp) -> Quantize | None:
    """The one quantize that reads the result; None where the result is float."""
    readers = around.users.get(op.result, [])
    if not any(isinstance(reader, Quantize) for reader in readers):
        return None
    return around.quantize_after(op)


def _bias(around: Surroundings, product: _Product, a: Value, b_scale: Array) -> Value | None:
    bias = product.bias
    if bias is None:
        return None
    if product.alpha != 1 or product.beta != 1:
        raise NoIntegerForm(f"with a bias, alpha {product.alpha} and beta {product.beta} must be 1")
    producer = around.producers.get(bias)
    if isinstance(producer, Dequantize) and producer.x.data is not None and producer.x.type.dtype == "i32":
        return producer.x
    if bias.data is None:
        raise NoIntegerForm("its bias is not an int32 constant behind DequantizeLinear")
    assert a.type.quantization is not None
    raise float_bias(bias, a.type.quantization.scale, b_scale)
