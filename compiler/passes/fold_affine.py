"""Folds what scales and shifts the channels of a product into its constants, as ONNX Runtime does.

Rules, each where nobody else reads what goes, and every operation rounded to f32:
1. BatchNormalization behind a convolution, also a transposed one (ConvBNFusion):
   k = scale / sqrt(var + epsilon); w' = w * k; b' = (b - mean) * k + B, or without b: B - mean * k.
2. Mul of a convolution by one number, or by one for each channel (ConvMulFusion): w' = w * k, b' = b * k.
3. Add of one number for each channel to a convolution (ConvAddFusion): b' = b + k.
4. BatchNormalization behind a MatMul of matrices, also where Reshape or Transpose stand between
   (MatMulBNFusion): the MatMul becomes a Gemm, its columns with rule 1.
5. Sum of a Gemm without bias and its bias (GemmSumFusion).

This changes bits where the weights are quantized after it (quantize_weights).

Refusals: weights or bias that are not float constants; a constant that is the first operand, or one
number in a tensor of any axis; a product or move that is a graph output or has other readers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import F32
from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..ir.types import Array
from ..operators.convolution.op import Conv
from ..operators.moves.op import Move
from ..operators.onnx_op import FloatOp, OnnxOp
from ..reference.facts import LET_NORMALIZATION_THROUGH


@dataclass(frozen=True)
class FoldAffine:
    """Scales and shifts of channels into weights and biases."""

    name: ClassVar[str] = "fold_affine"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            product: Op | None = op if op in editor else None
            # Several may stand in a row.
            while product is not None:
                product = _folded(editor, product, editor.only_user(product.result))
        return editor.close()


def _folded(editor: Editor, op: Op, reader: Op | None) -> Op | None:
    """The product in the place of `op` and of what follows it; None where that stays."""
    if isinstance(op, FloatOp) and op.op_type == "MatMul":
        return _of_matmul(editor, op, reader)
    if not isinstance(reader, OnnxOp):
        return None
    product: Op | None = None
    if isinstance(op, Conv):
        product = _of_convolution(op, reader)
    elif isinstance(op, FloatOp) and op.op_type == "ConvTranspose":
        product = _of_transposed(op, reader)
    elif isinstance(op, FloatOp) and op.op_type == "Gemm":
        product = _of_gemm(op, reader)
    if product is not None:
        editor.replace(reader, [product])
    return product


def _of_convolution(conv: Conv, reader: OnnxOp) -> Conv | None:
    """Rules 1 to 3."""
    w, b = _floats(conv.weight), None if conv.bias is None else _floats(conv.bias)
    if w is None or (conv.bias is not None and (b is None or b.shape != w.shape[:1])):
        return None
    folded = _normalized(reader, w, b, 0) or _scaled_or_shifted(conv, reader, w, b)
    if folded is None:
        return None
    weight = conv.weight if folded[0] is w else _constant(reader, "weight", folded[0])
    bias = None if folded[1] is None else _constant(reader, "bias", folded[1])
    return replace(conv, result=reader.result, weight=weight, bias=bias)


def _scaled_or_shifted(
    conv: Conv, reader: OnnxOp, w: Array, b: Array | None
) -> tuple[Array, Array | None] | None:
    """Weights and bias with a Mul or Add in them; None where that stays."""
    scales, shifts = reader.op_type == "Mul", reader.op_type == "Add"
    if not (scales or shifts) or reader.xs[0] is not conv.result:
        return None
    k = _floats(reader.xs[1])
    rank, outputs = w.ndim, w.shape[0]
    per_channel = ((outputs, *(1,) * (rank - 2)), (1, outputs, *(1,) * (rank - 2)))
    if k is None or not (k.shape in per_channel or (scales and not k.shape)):
        return None
    k = k.reshape(-1)
    if shifts:
        return w, k if b is None else b + k
    return w * k.reshape(-1, *(1,) * (rank - 1)), None if b is None else b * k


def _normalized(norm: OnnxOp, w: Array, b: Array | None, axis: int) -> tuple[Array, Array] | None:
    """Weights and bias with a BatchNormalization in them, whose channels are `axis` of the weights; None
    where it is none, or not of constants.
    """
    if norm.op_type != "BatchNormalization":
        return None
    parameters = [values for x in norm.xs[1:5] if (values := _floats(x)) is not None]
    if len(parameters) != 4 or norm.attributes.get("training_mode", 0):
        return None
    scale, shift, mean, variance = parameters
    if any(values.shape != (w.shape[axis],) for values in parameters):
        return None
    k = scale / np.sqrt(variance + F32(norm.attributes.get("epsilon", 1e-5)))
    ones = [1] * w.ndim
    ones[axis] = -1
    return w * k.reshape(ones), shift - mean * k if b is None else (b - mean) * k + shift


def _of_transposed(op: FloatOp, reader: OnnxOp) -> FloatOp | None:
    """Rule 1: weights [C, O/group, ...], those of a group for its channels of C."""
    w, group = _floats(op.xs[1]), int(op.attributes.get("group", 1))
    has_bias = len(op.xs) > 2 and op.xs[2].type.size > 0
    b = _floats(op.xs[2]) if has_bias else None
    if w is None or has_bias != (b is not None):
        return None
    outputs = w.shape[1] * group
    by_output = w.reshape(group, -1, *w.shape[1:]).swapaxes(1, 2).reshape(outputs, -1)
    folded = _normalized(reader, by_output, b, 0)
    if folded is None or (b is not None and b.shape != (outputs,)):
        return None
    scaled = folded[0].reshape(group, w.shape[1], -1, *w.shape[2:]).swapaxes(1, 2).reshape(w.shape)
    xs = (op.xs[0], _constant(reader, "weight", scaled), _constant(reader, "bias", folded[1]))
    return FloatOp(reader.result, xs, op.op_type, op.attributes)


def _of_matmul(editor: Editor, matmul: FloatOp, reader: Op | None) -> FloatOp | None:
    """Rule 4."""
    w, last = _floats(matmul.xs[1]), reader
    while isinstance(last, Move) and last.onnx_name in LET_NORMALIZATION_THROUGH:
        last = editor.only_user(last.result)
    if w is None or not w.ndim == len(matmul.xs[0].type.shape) == 2 or not isinstance(last, OnnxOp):
        return None
    folded = _normalized(last, w, None, 1)
    if folded is None:
        return None
    xs = (matmul.xs[0], _constant(last, "weight", folded[0]), _constant(last, "bias", folded[1]))
    if last is reader:
        gemm = FloatOp(last.result, xs, "Gemm")
        editor.replace(last, [gemm])
        return gemm
    move = editor.producer(last.xs[0])
    assert isinstance(move, Move)
    editor.replace(last, [replace(move, result=last.result)])
    gemm = FloatOp(matmul.result, xs, "Gemm")
    editor.replace(matmul, [gemm])
    return gemm


def _of_gemm(gemm: FloatOp, reader: OnnxOp) -> FloatOp | None:
    """Rule 5."""
    if reader.op_type != "Sum" or len(reader.xs) != 2 or any(x.type.size for x in gemm.xs[2:]):
        return None
    (other,) = [x for x in reader.xs if x is not gemm.result] or [gemm.result]
    rows, columns = gemm.result.type.shape
    if other.type.shape not in ((columns,), (1, columns), (rows, 1), (rows, columns)) or other is gemm.result:
        return None
    return FloatOp(reader.result, (*gemm.xs[:2], other), "Gemm", {**gemm.attributes, "beta": 1.0})


def _constant(reader: Op, what: str, values: Array) -> Value:
    """Weights or bias that `reader` was folded into."""
    return Value.constant(f"{reader.result.name}.folded_{what}", values)


def _floats(value: Value) -> Array | None:
    """The elements of a float constant."""
    return value.array if value.data is not None and value.type.dtype == "f32" else None
