"""How each ONNX operator becomes an op of the Graph, or why it can't.

A handler gets the importer (`frontend.py`) and a node of onnx-graphsurgeon, and emits one op. What
it can't take it refuses with a reason; the importer collects them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from .ir import (
    DTYPE_NAMES,
    Array,
    Concat,
    Conv,
    Dequantize,
    Elementwise,
    Identity,
    Pad,
    Quantization,
    Quantize,
    Resize,
    TensorType,
    Value,
)
from .oracle import IMPURE_UNARY, PURE_UNARY, PURE_WITH_CONSTANT
from .verifier import expected_shape

if TYPE_CHECKING:
    from .frontend import Importer


class Refusal(Exception):  # noqa: N818
    """A node that can't be taken; collected, so that one message names them all."""


def _scalar(data: Array | None, what: str) -> float:
    if data is None or data.size != 1:
        size = 0 if data is None else data.size
        raise Refusal(f"{what} must be one constant number, it has {size}")
    return float(data.reshape(-1)[0])


def _quantization(imp: Importer, node: Any, dtype: str) -> Quantization:
    scale = _scalar(imp.constant(node, 1), "the scale of an activation")
    zero_point = imp.constant(node, 2)
    z = 0 if zero_point is None else int(_scalar(zero_point, "the zero point of an activation"))
    if not (scale > 0 and math.isfinite(scale)):
        raise Refusal(f"the scale {scale} is not a positive number")
    if dtype not in ("u8", "s8"):
        raise Refusal(f"activations of dtype {dtype} are not supported, only uint8 and int8")
    return Quantization(scale, z)


def _quantize(imp: Importer, node: Any) -> None:
    x, scale = imp.required(node, 0), imp.required(node, 1)
    dtype = _quantized_dtype(node, imp.constant(node, 2))
    _refuse_blocks(node)
    per_channel_weight = x.data is not None and scale.array.size > 1  # folded later
    quantization = None if per_channel_weight else _quantization(imp, node, dtype)
    imp.emit(
        node,
        Quantize,
        TensorType(dtype, x.type.shape, quantization),
        x=x,
        scale=scale,
        zero_point=imp.operand(node, 2),
        axis=_axis(node, x) if per_channel_weight else 0,
    )


def _axis(node: Any, x: Value) -> int:
    return int(node.attrs.get("axis", 1)) % max(1, len(x.type.shape))


def _quantized_dtype(node: Any, zero_point: Array | None) -> str:
    if zero_point is not None:
        return DTYPE_NAMES.get(zero_point.dtype, str(zero_point.dtype))
    named = node.attrs.get("output_dtype", 0)
    return {0: "u8", onnx.TensorProto.UINT8: "u8", onnx.TensorProto.INT8: "s8"}.get(
        named, str(named)
    )


def _refuse_blocks(node: Any) -> None:
    if node.attrs.get("block_size", 0):
        raise Refusal("blocked quantization is not supported")


def _dequantize(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    _refuse_blocks(node)
    if x.data is None and not _is_quantized_constant(imp, x):
        quantization = _quantization(imp, node, x.type.dtype)
        if x.type.quantization not in (None, quantization):
            raise Refusal(
                f"it reads {x.name!r} with {quantization}, "
                f"which was made with {x.type.quantization}"
            )
        if x in _graph_inputs(imp):
            x.type = TensorType(x.type.dtype, x.type.shape, quantization)
    imp.emit(
        node,
        Dequantize,
        TensorType("f32", x.type.shape),
        x=x,
        scale=imp.required(node, 1),
        zero_point=imp.operand(node, 2),
        axis=_axis(node, x) if imp.required(node, 1).array.size > 1 else 0,
    )


def _is_quantized_constant(imp: Importer, x: Value) -> bool:
    """Whether `x` is what a QuantizeLinear makes of a constant, which fold_constants will fold."""
    made = (op for op in imp.ops if op.result is x and isinstance(op, Quantize))
    return any(op.x.data is not None for op in made)


def _graph_inputs(imp: Importer) -> set[Value]:
    return {imp.values[tensor.name] for tensor in imp.source.inputs}


def _conv(imp: Importer, node: Any) -> None:
    x, weight = imp.required(node, 0), imp.required(node, 1)
    if len(x.type.shape) != 4:
        raise Refusal(f"its input has {len(x.type.shape)} dimensions; 2-D convolutions are taken")
    strides = tuple(node.attrs.get("strides", (1, 1)))
    dilations = tuple(node.attrs.get("dilations", (1, 1)))
    pads = _conv_pads(node, x.type.shape[2:], weight.type.shape[2:], strides, dilations)
    group = int(node.attrs.get("group", 1))
    channels = weight.type.shape[1] * group
    if x.type.shape[1] != channels:
        raise Refusal(f"its input has {x.type.shape[1]} channels, its weights take {channels}")
    op = Conv(
        Value(node.outputs[0].name, TensorType("f32", ())),
        x,
        weight,
        imp.operand(node, 2),
        strides,
        pads,
        dilations,
        group,
    )
    shape = expected_shape(op)
    assert shape is not None
    if min(shape) < 1:
        raise Refusal(f"its result would have shape {list(shape)}")
    op.result.type = TensorType("f32", shape)
    imp.ops.append(op)
    imp.values[op.result.name] = op.result


def _conv_pads(
    node: Any,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, int, int, int]:
    mode = node.attrs.get("auto_pad", "NOTSET")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    if mode in ("NOTSET", ""):
        top, left, bottom, right = node.attrs.get("pads", (0, 0, 0, 0))
        if min(top, left, bottom, right) < 0:
            raise Refusal(f"negative pads {[top, left, bottom, right]}")
        return top, left, bottom, right
    before, after = [0, 0], [0, 0]
    if mode != "VALID":
        for axis in (0, 1):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            steps = -(-size[axis] // strides[axis])
            total = max(0, (steps - 1) * strides[axis] + reach - size[axis])
            small, large = total // 2, total - total // 2
            before[axis], after[axis] = (small, large) if mode == "SAME_UPPER" else (large, small)
    return before[0], before[1], after[0], after[1]


def _elementwise(imp: Importer, node: Any) -> None:
    xs = [imp.operand(node, index) for index in range(len(node.inputs))]
    variables = [value for value in xs if value is not None and value.data is None]
    if len(variables) != 1:
        raise Refusal(
            f"it combines {len(variables)} computed tensors; one and scalar constants are taken"
        )
    for value in xs:
        if value is not None and value.data is not None and value.array.size != 1:
            raise Refusal(f"its constant {value.name!r} has {value.array.size} elements, not one")
    if variables[0].type.dtype != "f32":
        raise Refusal(
            f"it works on {variables[0].type.dtype}; only float32 between DQ and Q is taken"
        )
    attributes = dict(node.attrs)
    op = node.op
    if op == "Clip":  # absent bounds become explicit, so that operands need no gaps
        low = xs[1] if len(xs) > 1 and xs[1] else _bound(node, "min", -np.inf)
        high = xs[2] if len(xs) > 2 and xs[2] else _bound(node, "max", np.inf)
        xs = [xs[0], low, high]
    operands = tuple(value for value in xs if value is not None)
    type_ = TensorType("f32", variables[0].type.shape)
    imp.emit(node, Elementwise, type_, xs=operands, op=op, attributes=attributes)


def _bound(node: Any, name: str, value: float) -> Value:
    finite = np.clip(value, np.finfo(np.float32).min, np.finfo(np.float32).max)
    return Value.constant(f"{node.outputs[0].name}.{name}", np.array(finite, np.float32))


def _concat(imp: Importer, node: Any) -> None:
    xs = [imp.required(node, index) for index in range(len(node.inputs))]
    rank = len(xs[0].type.shape)
    axis = int(node.attrs["axis"]) % rank
    if rank != 4 or axis != 1:
        raise Refusal(f"axis {axis} of {rank} dimensions; channels (axis 1 of 4) are taken")
    if any(value.data is not None for value in xs):
        raise Refusal("a constant operand is not supported")
    shape = list(xs[0].type.shape)
    shape[1] = sum(x.type.shape[1] for x in xs)
    imp.emit(
        node,
        Concat,
        TensorType(_moved_type(xs).dtype, tuple(shape), _moved_type(xs).quantization),
        xs=tuple(xs),
        axis=axis,
    )


def _moved_type(xs: list[Value]) -> TensorType:
    """The common type of values that are moved together, shapes apart."""
    kinds = {(x.type.dtype, x.type.quantization) for x in xs}
    if len(kinds) > 1:
        raise Refusal(f"its operands differ in type: {', '.join(str(x.type) for x in xs)}")
    return xs[0].type


def _resize(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    attrs: dict[str, Any] = {
        k: v.decode() if isinstance(v, bytes) else v for k, v in node.attrs.items()
    }
    shape = x.type.shape
    if len(shape) != 4:
        raise Refusal(f"its input has {len(shape)} dimensions; 4 are taken")
    if attrs.get("mode", "nearest") != "nearest":
        raise Refusal(f"mode {attrs['mode']!r}; only nearest is taken")
    coordinates = attrs.get("coordinate_transformation_mode", "half_pixel")
    if coordinates not in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        raise Refusal(f"coordinate_transformation_mode {coordinates!r} is not supported")
    if attrs.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refusal("keep_aspect_ratio_policy other than stretch is not supported")
    scales, sizes = imp.constant(node, 2), imp.constant(node, 3)
    axes = [axis % 4 for axis in attrs.get("axes", range(4))]
    full_scales, full_sizes = np.ones(4, np.float32), list(shape)
    for index, axis in enumerate(axes):
        if sizes is not None and sizes.size:
            full_sizes[axis] = int(sizes[index])
            full_scales[axis] = np.float32(full_sizes[axis]) / np.float32(shape[axis])
        elif scales is not None and scales.size:
            full_scales[axis] = scales[index]
            full_sizes[axis] = math.floor(np.float32(scales[index]) * np.float32(shape[axis]))
    if full_sizes[:2] != list(shape[:2]):
        raise Refusal(f"it resizes batch or channels: {list(shape)} -> {full_sizes}")
    imp.emit(
        node,
        Resize,
        TensorType(x.type.dtype, tuple(full_sizes), x.type.quantization),
        x=x,
        scales=(float(full_scales[2]), float(full_scales[3])),
        coordinates=coordinates,
        rounding=attrs.get("nearest_mode", "round_prefer_floor"),
    )


def _pad(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    mode = node.attrs.get("mode", "constant")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    if len(x.type.shape) != 4 or mode not in ("constant", "reflect", "edge"):
        raise Refusal(f"mode {mode!r} on {len(x.type.shape)} dimensions is not supported")
    given, axes = imp.constant(node, 1), imp.constant(node, 3)
    assert given is not None
    listed = [int(axis) % 4 for axis in axes] if axes is not None else list(range(4))
    before, after = [0] * 4, [0] * 4
    for index, axis in enumerate(listed):
        before[axis], after[axis] = int(given[index]), int(given[index + len(listed)])
    pads = (before[2], before[3], after[2], after[3])
    if any(before[:2] + after[:2]) or min(pads) < 0:
        raise Refusal(
            f"pads {given.tolist()}: only the spatial axes, and no negative ones, are taken"
        )
    height, width = x.type.shape[2:]
    if mode == "reflect" and (max(pads[0], pads[2]) >= height or max(pads[1], pads[3]) >= width):
        raise Refusal(f"reflection by {list(pads)} does not fit {height}x{width}")
    value = imp.constant(node, 2)
    shape = (*x.type.shape[:2], height + pads[0] + pads[2], width + pads[1] + pads[3])
    imp.emit(
        node,
        Pad,
        TensorType(x.type.dtype, shape, x.type.quantization),
        x=x,
        pads=pads,
        mode=mode,
        value=0.0 if value is None else _scalar(value, "the constant of Pad"),
    )


def _identity(imp: Importer, node: Any) -> None:
    x = imp.required(node, 0)
    imp.emit(node, Identity, x.type, x=x)


HANDLERS: dict[str, Callable[[Importer, Any], None]] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Conv": _conv,
    "Concat": _concat,
    "Resize": _resize,
    "Pad": _pad,
    "Identity": _identity,
    "Dropout": _identity,
    **dict.fromkeys(PURE_WITH_CONSTANT, _elementwise),
}
SUPPORTED = "Conv, Concat, Resize (nearest), Pad, Identity and unary operators, between DQ and Q"


def handler_of(node: Any) -> Callable[[Importer, Any], None]:
    """The handler of a node's operator."""
    handler = HANDLERS.get(node.op) if node.domain in ("", "ai.onnx", None) else None
    if handler is None and node.op in PURE_UNARY:
        handler = _elementwise
    if node.op in IMPURE_UNARY:
        raise Refusal(
            "onnxruntime's own result depends on an element's position in the tensor, "
            "so that no table meets it exactly; take HardSwish, Gelu, Tanh or another pure one"
        )
    if handler is None:
        raise Refusal("this operator is not supported; onnx2wgsl takes " + SUPPORTED)
    return handler
