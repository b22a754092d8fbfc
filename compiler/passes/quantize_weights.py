"""Quantizes float weights between dequantize and quantize, as ONNX Runtime does.

Rule: constant float weights of a convolution, of Gemm, and of MatMul with a bias added, become s8
behind dequantize with one scale and zero point, every operation rounded to f32 (ONNX Runtime's
WeightBiasQuantization, measured):
    low = min(w, 0); high = max(w, 0); s = (high - low) / 255; z = rne(-128 - low / s)
This changes values: what ONNX Runtime computes is the quantized form. (A float bias is quantized
where the op is fused.)

Refusals: the input does not come straight from dequantize with one scale; the path to quantize
branches, or holds anything but Relu and Clip; a MatMul without bias.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arithmetic import F32, quantize_linear
from ..ir.editor import Editor
from ..ir.graph import Graph, Op, Value
from ..operators.convolution.op import Conv
from ..operators.onnx_op import Elementwise, FloatOp
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import ACTIVATIONS, QUANTIZED_WEIGHTS


@dataclass(frozen=True)
class QuantizeWeights:
    """Float weights to s8 behind dequantize."""

    name: ClassVar[str] = "quantize_weights"

    def apply(self, graph: Graph) -> bool:
        editor = Editor(graph)
        for op in editor.ops():
            if isinstance(op, Conv | FloatOp):
                _quantize_weights(editor, op)
        return editor.close()


def _quantize_weights(editor: Editor, op: Conv | FloatOp) -> None:
    weight = _float_weights(editor, op)
    x = op.x if isinstance(op, Conv) else op.xs[0]
    if weight is None or not _leads_to_quantize(editor, op):
        return
    producer = editor.producer(x)
    if not isinstance(producer, Dequantize) or producer.scale.array.size != 1:
        return
    low, high = min(weight.array.min(), F32(0)), max(weight.array.max(), F32(0))
    # Weights that are all zero have no range to divide by.
    scale = F32(1) if low == high else (high - low) / F32(255)
    zero = int(np.rint(np.clip(F32(-128) - low / scale, -128, 127)))
    levels = quantize_linear(weight.array, float(scale), zero, (-128, 127)).astype(np.int8)
    name = weight.name
    dequantize = Dequantize(
        Value(f"{op.result.name}.weight", replace(weight.type)),
        Value.constant(f"{name}.s8", levels.reshape(weight.type.shape)),
        Value.constant(f"{name}.scale", np.asarray(scale, np.float32)),
        Value.constant(f"{name}.zero_point", np.asarray(zero, np.int8)),
    )
    editor.insert_before(op, [dequantize])
    editor.replace_operand(op, weight, dequantize.result)


def _float_weights(editor: Editor, op: Conv | FloatOp) -> Value | None:
    """Constant float weights of an op whose weights ONNX Runtime quantizes."""
    if isinstance(op, Conv):
        weight = op.weight
    elif op.op_type in QUANTIZED_WEIGHTS or _is_gemm(editor, op):
        weight = op.xs[1]
    else:
        return None
    return weight if weight.data is not None and weight.type.dtype == "f32" else None


def _is_gemm(editor: Editor, op: FloatOp) -> bool:
    """Whether ONNX Runtime makes a Gemm of a MatMul and the Add behind it."""
    add = editor.only_user(op.result) if op.op_type == "MatMul" else None
    if not isinstance(add, Elementwise) or add.op_type != "Add" or len(op.xs[1].type.shape) != 2:
        return False
    other = [x for x in add.xs if x is not op.result]
    return len(other) == 1 and other[0].type.shape == op.xs[1].type.shape[1:]


def _leads_to_quantize(editor: Editor, op: Op) -> bool:
    """Whether quantize follows, with nothing but Relu, Clip or the bias between."""
    value = op.result
    while True:
        reader = editor.only_user(value)
        if isinstance(reader, Quantize):
            return True
        # The Add right behind a MatMul, with which it becomes a Gemm.
        bias = isinstance(op, FloatOp) and op.op_type == "MatMul" and value is op.result
        if not isinstance(reader, Elementwise) or not (bias or reader.op_type in ACTIVATIONS):
            return False
        value = reader.result
