"""Quantizes float weights and biases between dequantize and quantize, as ONNX Runtime does.

Rules, for a convolution, also a transposed one, for Gemm, and for MatMul with a bias added (ONNX
Runtime's WeightBiasQuantization, measured):
1. Constant float weights become s8 behind dequantize with one scale and zero point, every operation
   rounded to f32:
    low = min(w, 0); high = max(w, 0); s = (high - low) / 255; z = rne(-128 - low / s)
2. A constant float bias [N] becomes int32 behind dequantize: rne(RN(b / RN(sx * sw))).
This changes values: what ONNX Runtime computes is the quantized form.

Refusals: the input does not come straight from dequantize with one scale; the path to quantize
branches, or holds anything but Relu and Clip; a bias that is no constant of one axis; quantized weights
with several scales which are not one for each number of the bias, along the axis of the outputs; a
MatMul without bias.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import F32, quantize_linear
from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..ir.types import Array
from ..operators.convolution.op import Conv
from ..operators.fusion import NoIntegerForm, int32_bias
from ..operators.onnx_op import Elementwise, FloatOp
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import ACTIVATIONS, QUANTIZED_WEIGHTS


@dataclass(frozen=True)
class QuantizeWeights:
    """Float weights to s8, float biases to int32, behind dequantize."""

    name: ClassVar[str] = "quantize_weights"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            product = _product(editor, op)
            if product is not None and _leads_to_quantize(editor, product.last):
                _quantize(editor, product)
        return editor.close()


@dataclass(frozen=True)
class _Product:
    """A product, the op that ends it (that adds the bias), and its operands. `axis`: of the weights,
    whose slices are the outputs by ONNX Runtime's reckoning.
    """

    op: Op
    last: Op
    x: Value
    weight: Value
    bias: Value | None
    axis: int = 0


def _product(editor: Editor, op: Op) -> _Product | None:
    if isinstance(op, Conv):
        return _Product(op, op, op.x, op.weight, op.bias)
    if not isinstance(op, FloatOp):
        return None
    if op.op_type in QUANTIZED_WEIGHTS:
        bias = op.xs[2] if len(op.xs) > 2 and op.xs[2].type.size else None
        is_gemm = op.op_type == "Gemm"
        axis = int(is_gemm and not op.attributes.get("transB", 0))
        return _Product(op, op, op.xs[0], op.xs[1], bias, axis)
    add = _bias_of(editor, op) if op.op_type == "MatMul" else None
    return None if add is None else _Product(op, add[0], op.xs[0], op.xs[1], add[1], 1)


def _bias_of(editor: Editor, matmul: FloatOp) -> tuple[Elementwise, Value] | None:
    """The Add of which ONNX Runtime makes a Gemm with a MatMul, and the bias."""
    add = editor.only_user(matmul.result)
    if not isinstance(add, Elementwise) or add.op_type != "Add":
        return None
    other = [x for x in add.xs if x is not matmul.result]
    matrix = matmul.xs[1].type.shape
    fits = len(matrix) == 2 and len(other) == 1 and other[0].type.shape == matrix[1:]
    return (add, other[0]) if fits else None


def _leads_to_quantize(editor: Editor, op: Op) -> bool:
    """Whether quantize follows, with nothing but Relu and Clip between, also where those are outputs."""
    while True:
        readers = editor.users(op.result)
        if len(readers) != 1:
            return False
        (op,) = readers
        if isinstance(op, Quantize):
            return True
        if not isinstance(op, Elementwise) or op.op_type not in ACTIVATIONS:
            return False


def _quantize(editor: Editor, product: _Product) -> None:
    x, weight, bias = editor.producer(product.x), editor.producer(product.weight), product.bias
    if not isinstance(x, Dequantize) or x.scale.array.size != 1:
        return
    if bias is not None and (_floats(bias) is None or len(bias.type.shape) != 1):
        return
    if not isinstance(weight, Dequantize):
        if _floats(product.weight) is None:
            return
        weight = _quantized_weights(product)
        editor.insert_before(product.op, [weight])
        editor.replace_operand(product.op, product.weight, weight.result)
    if bias is None:
        return
    scale = weight.scale.array
    if scale.size == 1 or (weight.axis, scale.shape) == (product.axis, bias.type.shape):
        _quantize_bias(editor, product, bias, float(x.scale.array.reshape(-1)[0]), scale)


def _quantized_weights(product: _Product) -> Dequantize:
    """Rule 1."""
    weight, name = product.weight, product.weight.name
    low, high = min(weight.array.min(), F32(0)), max(weight.array.max(), F32(0))
    # Weights that are all zero have no range to divide by.
    scale = F32(1) if low == high else (high - low) / F32(255)
    zero = int(np.rint(np.clip(F32(-128) - low / scale, -128, 127)))
    levels = quantize_linear(weight.array, float(scale), zero, (-128, 127)).astype(np.int8)
    return Dequantize(
        Value(f"{product.op.result.name}.weight", replace(weight.type)),
        Value.constant(f"{name}.s8", levels.reshape(weight.type.shape)),
        Value.constant(f"{name}.scale", np.asarray(scale, np.float32)),
        Value.constant(f"{name}.zero_point", np.asarray(zero, np.int8)),
    )


def _quantize_bias(editor: Editor, product: _Product, bias: Value, sx: float, sw: Array) -> None:
    """Rule 2; what no int32 holds stays float, since what is made of that depends on the machine."""
    try:
        integers = int32_bias(bias, sx, sw)
    except NoIntegerForm:
        return
    scale = Value.constant(f"{integers.name}.scale", F32(sx) * sw.astype(F32))
    result = Value(f"{product.last.result.name}.bias", replace(bias.type))
    editor.insert_before(product.op, [Dequantize(result, integers, scale, axis=0)])
    editor.replace_operand(product.last, bias, result)


def _floats(value: Value) -> Array | None:
    """The elements of a float constant."""
    return value.array if value.data is not None and value.type.dtype == "f32" else None
