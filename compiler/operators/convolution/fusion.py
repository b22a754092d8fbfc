"""When ONNX Runtime runs a convolution in integers.

Rule: `quantize(act?(conv(dequantize(x), dequantize(w), bias)))` becomes `qconv`, where
1. x has one scale; x and the result have the same dtype;
2. w is constant, s8 or u8 (s8 where x is s8), with one scale or one for each output channel; their
   axis is not looked at, so that scale k is that of output k also where they stand for another;
3. bias is absent, or an int32 constant whose scale lies within 1 % + 1e-6 of sx * sw (ONNX Runtime's
   tolerance; the integers are then taken as they are); quantize_weights makes one of a float constant;
4. act is absent, or a Relu or Clip that the saturation of quantize makes redundant.

Refusals, because ONNX Runtime leaves these in float (its results could not be met exactly):
- the result of conv or act has another reader, or is a graph output;
- any other activation stands between conv and quantize;
- the input or the weights of conv are not dequantized;
and because what ONNX Runtime makes of it depends on the machine:
- a float bias that does not fit in int32 at the scale sx * sw.
"""

import numpy as np

from ...arithmetic import F32
from ...ir.graph import Op, Value
from ...ir.types import Array
from ...reference.facts import ACTIVATIONS
from ..base import FamilyOp
from ..fusion import Group, NoIntegerForm, Surroundings, float_bias, int32_bias, require_scales
from ..onnx_op import Elementwise
from ..quantize import Dequantize, Quantize
from .op import Conv, QConv


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of a convolution: the quantize that ends it, and the op that takes its place."""
    if not isinstance(op, Conv):
        return None
    producers = around.producers
    x = around.stored(op.x)
    if x.data is not None:
        raise NoIntegerForm(f"its input @{x.name} is a constant")
    weight = producers.get(op.weight)
    if not isinstance(weight, Dequantize) or weight.x.data is None:
        raise NoIntegerForm("its weights are not an int8 constant behind DequantizeLinear")
    quantize = requantization(around, op)
    assert x.type.quantization is not None
    sx = x.type.quantization.scale
    scale, zero_point = _weight_parameters(weight, x.type.dtype)
    if x.type.dtype != quantize.result.type.dtype:
        raise NoIntegerForm(
            f"it takes {x.type.dtype} and gives {quantize.result.type.dtype}; the two must agree"
        )
    if op.bias is not None and op.bias.data is not None:
        raise float_bias(op.bias, sx, scale)
    bias = quantized_bias(producers, op.bias, sx, scale)
    require_scales(scale, weight.x.type.shape[0], "output channel")
    return Group(
        quantize,
        QConv(
            quantize.result,
            x,
            _as_image(weight.x),
            bias,
            weight_scale=Value.constant(f"{weight.x.name}.scale", scale),
            weight_zero_point=zero_point,
            **op.window,
        ),
    )


def _as_image(weight: Value) -> Value:
    """Weights [O,C,W] of a convolution along one axis as [O,C,1,W]."""
    if len(weight.type.shape) == 4:
        return weight
    return Value.constant(weight.name, weight.array[:, :, None])


def requantization(around: Surroundings, conv: FamilyOp) -> Quantize:
    """The quantize after `conv`, directly or behind a redundant Relu or Clip."""
    user = around.only_reader(conv.result)
    if not isinstance(user, Elementwise) or user.op_type not in ACTIVATIONS:
        return around.quantize_after(conv)
    quantize = around.quantize_after(user)
    if not is_redundant(user, quantize):
        quantization = quantize.result.type.quantization
        raise NoIntegerForm(
            f"the {user.op_type} after it is not implied by QuantizeLinear {quantization}: "
            f"quantize between {conv.title()} and the activation"
        )
    return quantize


def is_redundant(activation: Elementwise, quantize: Quantize) -> bool:
    """Whether saturation in `quantize` does what the activation does (ONNX Runtime's condition)."""
    quantization = quantize.result.type.quantization
    assert quantization is not None
    low, high = quantize.result.type.limits
    if activation.op_type == "Relu":
        return quantization.zero_point == low
    scale = F32(quantization.scale)
    bounds = [value.array.reshape(-1)[0] for value in activation.xs[1:]]
    if len(bounds) != 2:
        return False
    with np.errstate(over="ignore"):
        first, last = (np.rint(F32(bound) / scale) + quantization.zero_point for bound in bounds)
    return bool(first <= low and last >= high)


def _weight_parameters(weight: Dequantize, dtype: str) -> tuple[Array, Value | None]:
    """Scales f32 [1] or [O], and the zero points where any is not zero."""
    scale = weight.scale.array.astype(F32).reshape(-1)
    if not weight.x.type.is_byte or (dtype == "s8" and weight.x.type.dtype == "u8"):
        raise NoIntegerForm(f"{weight.x.type.dtype} weights with {dtype} activations are not integer")
    zero_point = weight.zero_point
    if zero_point is not None and zero_point.array.any():
        return scale, zero_point
    return scale, None


def quantized_bias(producers: dict[Value, Op], bias: Value | None, sx: float, sw: Array) -> Value | None:
    """A bias as the int32 that are added to the sums of x * w."""
    if bias is None:
        return None
    if bias.data is not None:
        return int32_bias(bias, sx, sw)
    dequantize = producers.get(bias)
    if (
        not isinstance(dequantize, Dequantize)
        or dequantize.x.data is None
        or dequantize.x.type.dtype != "i32"
    ):
        raise NoIntegerForm("its bias is neither an int32 constant behind DequantizeLinear nor a float one")
    if dequantize.zero_point is not None and dequantize.zero_point.array.any():
        raise NoIntegerForm("its bias has a zero point")
    expected = F32(sx) * sw
    bias_scale = dequantize.scale.array.astype(F32).reshape(-1)
    if bias_scale.size not in (1, expected.size) and expected.size != 1:
        raise NoIntegerForm(f"its bias has {bias_scale.size} scales, its weights {expected.size}")
    if (np.abs(bias_scale - expected) > 0.01 * np.abs(expected) + 1e-6).any():
        raise NoIntegerForm("the scale of its bias is not the product of input and weight scale")
    return dequantize.x
