"""How each ONNX operator becomes an op of the Graph, or why it can't.

A handler gets the importer (`importer.py`) and a node of onnx-graphsurgeon, and emits one op. What
it can't take it refuses with a reason (`NodeRefusal`); the importer collects them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from ..ir.graph import Value
from ..ir.types import DTYPE_NAMES, Array, TensorType
from ..operators.cast import CastToByte
from ..operators.convolution.op import Conv
from ..operators.identity import Identity
from ..operators.moves.pad import Pad
from ..operators.onnx_op import KERNELS, Elementwise
from ..operators.quantize import Dequantize, Quantize
from ..reference.facts import PURE_UNARY, PURE_WITH_CONSTANT, RANDOM, name_of_operator
from .floats import float_op
from .importer import Handler, Importer
from .integer import INTEGER
from .moves import MOVES
from .nodes import (
    NodeRefusal,
    axes_within,
    axis_attribute,
    groups_of,
    one_number,
    operator_name,
    plain_attributes,
    refuse_rank,
    required_attribute,
    text_attribute,
    window,
)
from .qlinear import QLINEAR
from .resize import RESIZE
from .windows import WINDOWS


def _quantize(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    dtype = _quantized_dtype(node, imp.constant(node, 2))
    _refuse_blocks(node)
    scale = imp.scale(node, 1, dtype)
    per_channel_weight = x.data is not None and scale.type.size > 1  # folded later
    quantization = None if per_channel_weight else imp.quantization_at(node, 1, dtype)
    imp.emit(
        node,
        Quantize,
        TensorType(dtype, x.type.shape, quantization),
        x=x,
        scale=scale,
        **_axis_and_zero_point(imp, node, x, scale, dtype),
    )


def _axis_and_zero_point(imp: Importer, node: Any, x: Value, scale: Value, dtype: str) -> dict[str, Any]:
    """The axis that has several scales, 0 where there is one, and the zero point for each."""
    zero_point, count = imp.zero_point(node, 2, dtype), scale.type.size
    if zero_point is not None and zero_point.type.size != count:
        raise NodeRefusal(f"it has {zero_point.type.size} zero points for {count} scales")
    axis = axis_attribute(node, len(x.type.shape), 1) if count != 1 else 0
    if count != 1 and x.type.shape[axis : axis + 1] != (count,):
        raise NodeRefusal(f"it has {count} scales for axis {axis} of {list(x.type.shape)}")
    return {"axis": axis, "zero_point": zero_point}


def _quantized_dtype(node: Any, zero_point: Array | None) -> str:
    if zero_point is not None:
        return DTYPE_NAMES.get(zero_point.dtype, str(zero_point.dtype))
    code = node.attrs.get("output_dtype", 0)
    return {0: "u8", onnx.TensorProto.UINT8: "u8", onnx.TensorProto.INT8: "s8"}.get(code, str(code))


def _refuse_blocks(node: Any) -> None:
    if node.attrs.get("block_size", 0):
        raise NodeRefusal("blocked quantization is not supported")


def _dequantize(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    _refuse_blocks(node)
    # A constant may have a scale for each channel; it keeps them in its op until that is fused or folded.
    if x.data is None and not _is_quantized_constant(imp, x):
        x = imp.meant(x, imp.quantization_at(node, 1, x.type.dtype))
    scale = imp.scale(node, 1, x.type.dtype)
    imp.emit(
        node,
        Dequantize,
        TensorType("f32", x.type.shape),
        x=x,
        scale=scale,
        **_axis_and_zero_point(imp, node, x, scale, x.type.dtype),
    )


def _is_quantized_constant(imp: Importer, x: Value) -> bool:
    """Whether `x` is what a QuantizeLinear makes of a constant, which fold_constants will fold."""
    op = imp.producer(x)
    return isinstance(op, Quantize) and op.x.data is not None


def _conv(imp: Importer, node: Any) -> None:
    x, weight = imp.required(node, 0), imp.required(node, 1)
    axes = len(x.type.shape) - 2
    if axes not in (1, 2):
        raise NodeRefusal(f"its input has {axes + 2} dimensions; 1-D and 2-D convolutions are taken")
    group = groups_of(node, x.type.shape, weight.type.shape)
    strides, dilations, pads = window(node, x.type.shape[2:], weight.type.shape[2:])
    bias = imp.operand(node, 2)
    if bias is not None and bias.type.shape != weight.type.shape[:1]:
        raise NodeRefusal(f"its bias has shape {list(bias.type.shape)} for {weight.type.shape[0]} channels")
    op = Conv(
        Value(node.outputs[0].name, TensorType("f32", ())),
        x,
        weight,
        bias,
        strides=strides,
        pads=pads,
        dilations=dilations,
        group=group,
    )
    imp.add(op)


def _elementwise(imp: Importer, node: Any) -> None:
    xs = [imp.operand(node, index) for index in range(len(node.inputs))]
    operands = [value for value in xs if value is not None]
    if node.op == "Clip":
        _refuse_lists(xs)
    # Integer groups and tables are of floats; the others are masks, indices and shapes.
    if any(value.type.dtype != "f32" for value in operands):
        float_op(imp, node)
        return
    if node.op == "Clip":  # absent bounds become explicit, so that operands need no gaps
        low = xs[1] if len(xs) > 1 and xs[1] else _bound(node, "min", -np.inf)
        high = xs[2] if len(xs) > 2 and xs[2] else _bound(node, "max", np.inf)
        operands = [operands[0], low, high]
    shape = np.broadcast_shapes(*(value.type.shape for value in operands))
    attributes = {} if node.op == "Clip" else plain_attributes(node)
    imp.emit(
        node, Elementwise, TensorType("f32", shape), xs=tuple(operands), op_type=operator_name(node),
        attributes=attributes,
    )  # fmt: skip


def _refuse_lists(xs: list[Value | None]) -> None:
    """Refuses bounds of a Clip that are more than one number, as onnxruntime does when it runs."""
    for index, bound in enumerate(xs[1:], 1):
        if bound is not None and bound.type.shape not in ((), (1,)):
            raise NodeRefusal(f"operand {index} has shape {list(bound.type.shape)}: it must be one number")


def _bound(node: Any, name: str, value: float) -> Value:
    limits = np.finfo(np.float32)
    # ONNX's own defaults are the least and the greatest finite number.
    finite = np.clip(node.attrs.get(name, value), limits.min, limits.max)
    return Value.constant(f"{node.outputs[0].name}.{name}", np.array(finite, np.float32))


def _pad(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    shape, rank = x.type.shape, len(x.type.shape)
    mode = text_attribute(node, "mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise NodeRefusal(f"mode {mode!r} is not supported")
    widths: Array | None = np.array(node.attrs.get("pads", []), np.int64)
    value: Array | None = np.array(node.attrs.get("value", 0.0), np.float32)
    axes = None  # attributes before opset 11
    if len(node.inputs) > 1:
        widths, axes = imp.constant(node, 1), imp.constant(node, 3)
        value = imp.constant(node, 2)
    if axes is not None:
        refuse_rank(axes, 3)
    padded_axes = axes_within(range(rank) if axes is None else axes, rank)
    if widths is None or widths.shape != (2 * len(padded_axes),):
        raise NodeRefusal(f"its pads are no list of {2 * len(padded_axes)} numbers")
    before, after = [0] * rank, [0] * rank
    for index, axis in enumerate(padded_axes):
        before[axis], after[axis] = int(widths[index]), int(widths[index + len(padded_axes)])
    if min(*before, *after) < 0:
        raise NodeRefusal(f"negative pads {widths.tolist()} are not taken: use Slice")
    if mode == "reflect" and any(
        max(one, other) >= size for one, other, size in zip(before, after, shape, strict=True)
    ):
        raise NodeRefusal(f"reflection by {widths.tolist()} does not fit {list(shape)}")
    # Of spatial axes alone where the others stay: a convolution can take such a Pad in.
    first = 2 if rank == 4 and not any(before[:2] + after[:2]) else 0
    padded_shape = tuple(a + n + b for a, n, b in zip(before, shape, after, strict=True))
    imp.emit(
        node,
        Pad,
        TensorType(x.type.dtype, padded_shape, x.type.quantization),
        x=x,
        pads=(*before[first:], *after[first:]),
        mode=mode,
        value=0.0 if value is None else one_number(value, "the constant of Pad"),
    )


def _identity(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    imp.emit(node, Identity, x.type, x=x)


def _dropout(imp: Importer, node: Any) -> None:
    """Does nothing in inference; training drops elements, unless its ratio is 0."""
    training, ratio = imp.constant(node, 2), imp.constant(node, 1)
    if training is not None and training.any() and (ratio is None or ratio.any()):
        raise NodeRefusal("its training_mode is on: export the model for inference")
    _identity(imp, node)


def _cast(imp: Importer, node: Any) -> None:
    """Cast to the same type; of or to bytes; any other is a float op."""
    x = imp.required(node, 0)
    dtype = DTYPE_NAMES.get(onnx.helper.tensor_dtype_to_np_dtype(int(required_attribute(node, "to"))))
    if dtype == x.type.dtype:
        _identity(imp, node)
    elif dtype in ("u8", "s8") and not x.type.is_byte:
        imp.emit(node, CastToByte, TensorType(dtype, x.type.shape), x=x)
    else:
        float_op(imp, node)


HANDLERS: dict[str, Handler] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Conv": _conv,
    "Pad": _pad,
    "Identity": _identity,
    "Dropout": _dropout,
    "Cast": _cast,
    **dict.fromkeys(PURE_WITH_CONSTANT, _elementwise),
    **MOVES,
    **WINDOWS,
    **RESIZE,
    **QLINEAR,
    **INTEGER,
}


def has_handler(node: onnx.NodeProto) -> bool:
    """Whether a node of a file has one."""
    name = name_of_operator(node.domain, node.op_type)
    return name in HANDLERS or name in PURE_UNARY or name in KERNELS


def handler_of(node: Any) -> Handler:
    """The handler of a node's operator."""
    name = operator_name(node)
    if name in RANDOM:
        raise NodeRefusal("it draws random numbers, anew at every run: make them an input of the model")
    handler = HANDLERS.get(name)
    if handler is None and name in PURE_UNARY:
        handler = _elementwise
    if handler is None and name in KERNELS:
        handler = float_op
    if handler is None:
        raise NodeRefusal(
            "this operator is not supported; convolutions, matrix products, pools, reductions, "
            "normalizations, elementwise functions and moves are: replace it, or end the model "
            "before it"
        )
    return handler
