"""The executable meaning of the Graph: an exact evaluation in numpy, op by op, independent of ONNX
Runtime. (The Program's is simulator.py.)

A graph of stage 1 means what ONNX Runtime makes of it, not what its float ops say: a convolution
between dequantize and quantize is the integer kernel. So each group that ONNX Runtime runs in
integers (`fusion.groups`) is evaluated as the one integer op that it is. Every other float op is
evaluated by running that one node in ONNX Runtime (reference/node.py), since that is what defines
what its Tanh or its sums give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..arithmetic import (
    convolve,
    dequantize_linear,
    float_order,
    quantize_linear,
    requantize_multiplier,
    wrap_i32,
)
from ..errors import CompileError
from ..ir.graph import (
    Concat,
    Conv,
    ConvolutionOp,
    Dequantize,
    Graph,
    Identity,
    Lookup,
    OnnxOp,
    Op,
    Pad,
    QConv,
    Quantize,
    Resize,
    Stage,
    Value,
)
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..operators.base import FamilyOp, Get
from ..operators.fusion import groups
from ..operators.matmul.op import finished
from ..operators.moves.op import moved
from ..operators.packed_ops import Pack, PackedConv, QuantizeByThresholds, Unpack
from ..passes.fold_constants import axis_parameters, quantized
from ..passes.pack_int8 import lanes_of, unpack_weights
from ..reference.node import convolution_attributes, run_node


def run_graph(
    graph: Graph,
    inputs: Mapping[str, Array],
    observe: Callable[[Value, Array], None] | None = None,
    given: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Outputs by name for row-major inputs; `observe` sees every tensor that is made.

    Packed values are held as logical int8 in their logical shape. `given`: tensors by value name
    that are taken as they are instead of evaluated.
    """
    tensors: dict[Value, Array] = {}
    for value in graph.inputs:
        tensors[value] = np.asarray(inputs[value.name])
    for op in needed_ops(graph):
        if given is not None and op.result.name in given:
            tensors[op.result] = given[op.result.name]
        else:
            tensors[op.result] = evaluate(
                op, lambda v: v.array if v.data is not None else tensors[v], graph.opset
            )
        if observe is not None:
            observe(op.result, tensors[op.result])
    return {name: tensors[value] for name, value in zip(graph.output_names, graph.outputs, strict=True)}


def needed_ops(graph: Graph) -> list[Op]:
    """The ops that the outputs need, in order, integer groups as the ops that they are."""
    replaced = groups(graph) if graph.stage is Stage.IMPORTED else {}
    needed, kept = set(graph.outputs), []
    for op in reversed(graph.ops):
        if op.result in needed:
            one = replaced.get(op, op)
            needed.update(one.operands)
            kept.append(one)
    return kept[::-1]


def evaluate(op: Op, get: Get, opset: int = 21) -> Array:
    """What `op` makes of its operands' tensors."""
    match op:
        case FamilyOp():
            return op.evaluate(get)
        case Quantize() if op.x.data is not None:
            return quantized(op)
        case Quantize():
            return _quantize(op, get(op.x))
        case Dequantize():
            return dequantize_linear(get(op.x), *axis_parameters(op))
        case Conv():
            return _float_conv(op, get, opset)
        case OnnxOp():
            return run_node(op.op, op.attributes, [get(x) for x in op.xs], opset)
        case Identity():
            return get(op.x)
        case Concat():
            return np.concatenate([get(x) for x in op.xs], op.axis)
        case Resize() | Pad():
            return moved(op, get(op.x), op.value if isinstance(op, Pad) else 0)
        case QConv():
            return _qconv(op, get(op.x), _zero_point(op, get))
        case Lookup():
            return op.table.array[get(op.x).view(np.uint8)]
        case QuantizeByThresholds():
            return _by_thresholds(op, get(op.x))
        case Pack() | Unpack():
            x = np.ascontiguousarray(get(op.x))
            outside = op.x.type if isinstance(op, Pack) else op.result.type
            flip = np.uint8(0x80 if outside.dtype == "u8" else 0)
            made = (x.view(np.uint8) ^ flip).view(NUMPY_DTYPES[op.result.type.dtype])
            return made.reshape(op.result.type.shape)
        case PackedConv():
            return _packed_conv(op, get(op.x), _zero_point(op, get))
    raise CompileError(f"internal error: the interpreter does not know {op.kind}")


def _stored(values: Array, type_: TensorType) -> Array:
    return values.astype(NUMPY_DTYPES[type_.dtype]).reshape(type_.shape)


def _quantize(op: Quantize, x: Array) -> Array:
    quantization = op.result.type.quantization
    assert quantization is not None
    limits = op.result.type.limits
    levels = quantize_linear(x, quantization.scale, quantization.zero_point, limits)
    return _stored(levels, op.result.type)


def _float_conv(op: Conv, get: Get, opset: int) -> Array:
    xs = [get(x) for x in (op.x, op.weight, op.bias) if x is not None]
    return run_node("Conv", convolution_attributes(op), xs, opset)


def as_image(x: Array) -> Array:
    """[N,C,W] as [N,C,1,W]; images as they are."""
    return x[:, :, None] if x.ndim == 3 else x


def _sums(
    op: ConvolutionOp,
    x: Array,
    weight: Array,
    group: int,
    padding: int = 0,
    upsample: tuple[int, int] = (1, 1),
) -> Array:
    """Sums of products over the upsampled and padded x."""
    x = as_image(x)
    x = x.repeat(upsample[0], 2).repeat(upsample[1], 3)
    top, left, bottom, right = op.pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=padding)
    return convolve(x, weight, op.strides, op.dilations, group)


def _zero_point(op: QConv | PackedConv, get: Get) -> int:
    """The zero point of x, of its type or computed."""
    if op.x_zero_point is not None:
        return int(get(op.x_zero_point).reshape(-1)[0])
    assert op.x.type.quantization is not None
    return op.x.type.quantization.zero_point


def _qconv(op: QConv, x: Array, zero_point: int) -> Array:
    before, after = op.x.type.quantization, op.result.type.quantization
    zero_points = np.zeros(1, np.int64)
    if op.weight_zero_point is not None:
        zero_points = op.weight_zero_point.array.astype(np.int64).reshape(-1)
    centred = as_image(op.weight.array.astype(np.int64)) - zero_points.reshape(-1, 1, 1, 1)
    x = x.astype(np.int64) - zero_point
    sums = _sums(op, x, centred, op.group, 0, op.upsample)
    if op.bias is not None:
        sums = wrap_i32(sums.astype(np.int64) + op.bias.array.reshape(-1, 1, 1))
    multiplier = np.ones(1, np.float32)
    if after is not None:
        assert before is not None
        multiplier = requantize_multiplier(before.scale, op.weight_scale.array, after.scale)
    made = finished(sums, multiplier.reshape(-1, 1, 1), op.result.type)
    return made.reshape(op.result.type.shape)


def _by_thresholds(op: QuantizeByThresholds, x: Array) -> Array:
    keys = float_order(x)
    levels = np.searchsorted(op.thresholds.array, keys, side="right") - 128
    return np.where(np.isnan(x), -128, levels).astype(np.int8)


def _packed_conv(op: PackedConv, x: Array, zero_point: int) -> Array:
    segments = op.x.type.segments
    assert segments is not None
    assert op.bias is not None
    channels = op.result.type.shape[1]
    lanes = lanes_of(op.result.type, channels)
    if op.depthwise:
        weight = np.moveaxis(op.weight.array[:, :, 0], -1, 1)
        weight = weight.reshape(-1, 1, *weight.shape[2:])[lanes]
    else:
        held = segments if op.group == 1 else (op.x.type.channels // op.group,)
        weight = unpack_weights(op.weight.array, held, channels)
    x = x.astype(np.int64)
    sums = _sums(op, x, weight, op.group, zero_point, op.upsample).astype(np.int64)
    sums += op.bias.array[lanes].reshape(-1, 1, 1)
    if op.weight_sums is not None:
        sums -= zero_point * op.weight_sums.array[lanes].astype(np.int64).reshape(-1, 1, 1)
    if op.weight_zero_point is not None:
        ones = np.ones((op.group, *weight.shape[1:]), np.int64)
        window = _sums(op, x - zero_point, ones, op.group, 0, op.upsample)
        window = window.repeat(channels // op.group, 1).astype(np.int64)
        sums -= window * op.weight_zero_point.array[lanes].reshape(-1, 1, 1)
    multiplier = op.multiplier.array[lanes].reshape(-1, 1, 1)
    return finished(wrap_i32(sums), multiplier, op.result.type).reshape(op.result.type.shape)
