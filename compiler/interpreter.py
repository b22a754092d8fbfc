"""The executable meaning of the Graph: an exact evaluation in numpy, op by op, independent of ONNX
Runtime. (The Program's is simulator.py.)

A graph of stage 1 means what ONNX Runtime makes of it, not what its float ops say: a convolution
between dequantize and quantize is the integer kernel. So a dequantized value remembers its
integers, a convolution of two such gives an int32 accumulator, and `quantize` of an accumulator is
the requantization formula. Every other float op works on plain f32. (`elementwise` alone asks ONNX
Runtime: see elementwise.py.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .arithmetic import (
    convolve,
    dequantize_linear,
    float_order,
    pad_indices,
    quantize_bias,
    quantize_linear,
    requantize,
    requantize_multiplier,
    wrap_i32,
)
from .elementwise import run_chain
from .errors import CompileError
from .ir import (
    NUMPY_DTYPES,
    Array,
    Concat,
    Conv,
    ConvolutionOp,
    Dequantize,
    Elementwise,
    Graph,
    Identity,
    Lookup,
    Op,
    Pack,
    PackedConv,
    Pad,
    QConv,
    Quantize,
    QuantizeByThresholds,
    Resize,
    TensorType,
    Unpack,
    Value,
)
from .passes.canonicalize import resize_source
from .passes.fold_constants import axis_parameters, quantized
from .passes.pack_int8 import unpack_weights


@dataclass(frozen=True)
class Dequantized:
    """A float tensor that is (q - zero_point) * scale; parameters broadcast against q."""

    q: Array
    scale: Array
    zero_point: Array

    @property
    def f32(self) -> Array:
        return dequantize_linear(self.q, self.scale, self.zero_point)


@dataclass(frozen=True)
class Accumulator:
    """A convolution's int32 sums, with the input's scale and the weights'."""

    sums: Array
    sx: float
    sw: Array


Tensor = Array | Dequantized | Accumulator


def run_graph(
    graph: Graph,
    inputs: Mapping[str, Array],
    observe: Callable[[Value, Array], None] | None = None,
) -> dict[str, Array]:
    """Outputs by name for row-major inputs; `observe` sees every byte or float tensor that is made.

    Packed values are held as logical int8 [N,C,H,W].
    """
    tensors: dict[Value, Tensor] = {}
    for value in graph.inputs:
        tensors[value] = np.asarray(inputs[value.name])
    for op in graph.ops:
        tensors[op.result] = evaluate(op, lambda v: v.array if v.data is not None else tensors[v])
        if observe is not None and not isinstance(tensors[op.result], Accumulator):
            observe(op.result, plain(tensors[op.result]))
    return {
        name: plain(tensors[value])
        for name, value in zip(graph.output_names, graph.outputs, strict=True)
    }


def plain(tensor: Tensor) -> Array:
    """A tensor as the array that is stored."""
    if isinstance(tensor, Dequantized):
        return tensor.f32
    if isinstance(tensor, Accumulator):
        raise CompileError(
            "a convolution's float result is used other than by QuantizeLinear; "
            "ONNX Runtime computes it in float, which this version does not"
        )
    return tensor


def evaluate(op: Op, get: Callable[[Value], Tensor]) -> Tensor:
    """What `op` makes of its operands' tensors."""
    match op:
        case Quantize() if op.x.data is not None:
            return quantized(op)
        case Quantize():
            return _quantize(op, get(op.x))
        case Dequantize():
            scale, zero_point = axis_parameters(op)
            return Dequantized(plain(get(op.x)), scale, zero_point)
        case Conv():
            return _float_conv(op, get)
        case Elementwise():
            x = get(op.variable)
            if isinstance(x, Accumulator) and op.op in ("Relu", "Clip"):
                return x  # redundant before quantize, which fuse_conv and the frontend insist on
            return run_chain([op], plain(x), 21)
        case Identity():
            return get(op.x)
        case Concat():
            return np.concatenate([plain(get(x)) for x in op.xs], op.axis)
        case Resize():
            x = plain(get(op.x))
            return x[:, :, resize_source(op, 0)][:, :, :, resize_source(op, 1)]
        case Pad():
            return _pad(op, plain(get(op.x)))
        case QConv():
            return _qconv(op, plain(get(op.x)))
        case Lookup():
            return op.table.array[plain(get(op.x)).view(np.uint8)]
        case QuantizeByThresholds():
            return _by_thresholds(op, plain(get(op.x)))
        case Pack() | Unpack():
            x = np.ascontiguousarray(plain(get(op.x)))
            outside = op.x.type if isinstance(op, Pack) else op.result.type
            flip = np.uint8(0x80 if outside.dtype == "u8" else 0)
            return (x.view(np.uint8) ^ flip).view(NUMPY_DTYPES[op.result.type.dtype])
        case PackedConv():
            return _packed_conv(op, plain(get(op.x)))
    raise CompileError(f"internal error: the interpreter does not know {op.kind}")


def _stored(values: Array, type_: TensorType) -> Array:
    return values.astype(NUMPY_DTYPES[type_.dtype])


def _quantize(op: Quantize, x: Tensor) -> Array:
    quantization = op.result.type.quantization
    assert quantization is not None
    limits = op.result.type.limits
    if isinstance(x, Accumulator):
        multiplier = requantize_multiplier(x.sx, x.sw, quantization.scale).reshape(-1, 1, 1)
        return _stored(
            requantize(x.sums, multiplier, quantization.zero_point, limits), op.result.type
        )
    levels = quantize_linear(plain(x), quantization.scale, quantization.zero_point, limits)
    return _stored(levels, op.result.type)


def _float_conv(op: Conv, get: Callable[[Value], Tensor]) -> Accumulator:
    x, weight = get(op.x), get(op.weight)
    if not isinstance(x, Dequantized) or not isinstance(weight, Dequantized) or x.scale.size > 1:
        raise CompileError(f"conv %{op.result.name}: a convolution of plain floats is not integer")
    sx, sw = float(x.scale.reshape(-1)[0]), weight.scale.reshape(-1)
    centred = weight.q.astype(np.int64) - weight.zero_point.astype(np.int64)
    sums = _sums(op, x.q.astype(np.int64) - x.zero_point.astype(np.int64), centred, op.group)
    if op.bias is not None:
        bias = get(op.bias)
        integers = bias.q if isinstance(bias, Dequantized) else quantize_bias(plain(bias), sx, sw)
        sums = wrap_i32(sums.astype(np.int64) + integers.reshape(-1, 1, 1))
    return Accumulator(sums, sx, sw)


def _sums(
    op: ConvolutionOp,
    x: Array,
    weight: Array,
    group: int,
    padding: int = 0,
    upsample: tuple[int, int] = (1, 1),
) -> Array:
    """Sums of products over the upsampled and padded x."""
    x = x.repeat(upsample[0], 2).repeat(upsample[1], 3)
    top, left, bottom, right = op.pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=padding)
    return convolve(x, weight, op.strides, op.dilations, group)


def _pad(op: Pad, x: Array) -> Array:
    height, width = x.shape[2:]
    rows = pad_indices(height, op.pads[0], op.pads[2], op.mode)
    columns = pad_indices(width, op.pads[1], op.pads[3], op.mode)
    moved = x[:, :, rows][:, :, :, columns]
    outside = (rows < 0)[:, None] | (columns < 0)[None, :]
    return np.where(outside, np.asarray(op.value, x.dtype), moved)


def _qconv(op: QConv, x: Array) -> Array:
    before, after = op.x.type.quantization, op.result.type.quantization
    assert before is not None
    assert after is not None
    zero_points = np.zeros(1, np.int64)
    if op.weight_zero_point is not None:
        zero_points = op.weight_zero_point.array.astype(np.int64).reshape(-1)
    centred = op.weight.array.astype(np.int64) - zero_points.reshape(-1, 1, 1, 1)
    x = x.astype(np.int64) - before.zero_point
    sums = _sums(op, x, centred, op.group, 0, op.upsample)
    if op.bias is not None:
        sums = wrap_i32(sums.astype(np.int64) + op.bias.array.reshape(-1, 1, 1))
    multiplier = requantize_multiplier(before.scale, op.weight_scale.array, after.scale)
    levels = requantize(sums, multiplier.reshape(-1, 1, 1), after.zero_point, op.result.type.limits)
    return _stored(levels, op.result.type)


def _by_thresholds(op: QuantizeByThresholds, x: Array) -> Array:
    keys = float_order(x)
    levels = np.searchsorted(op.thresholds.array, keys, side="right") - 128
    return np.where(np.isnan(x), -128, levels).astype(np.int8)


def _packed_conv(op: PackedConv, x: Array) -> Array:
    before, after = op.x.type.quantization, op.result.type.quantization
    segments = op.x.type.segments
    assert before is not None
    assert after is not None
    assert segments is not None
    assert op.bias is not None
    channels = op.result.type.shape[1]
    weight = unpack_weights(op.weight.array, segments, channels)
    sums = _sums(op, x.astype(np.int64), weight, 1, before.zero_point, op.upsample).astype(np.int64)
    sums += op.bias.array[:channels].reshape(-1, 1, 1)
    if op.weight_zero_point is not None:
        ones = np.ones((1, *weight.shape[1:]), np.int64)
        window = _sums(op, x.astype(np.int64) - before.zero_point, ones, 1, 0, op.upsample)
        sums -= window.astype(np.int64) * op.weight_zero_point.array[:channels].reshape(-1, 1, 1)
    multiplier = op.multiplier.array[:channels].reshape(-1, 1, 1)
    return _stored(
        requantize(wrap_i32(sums), multiplier, after.zero_point, (-128, 127)), op.result.type
    )
