"""quantize_weights makes s8 of float weights, where onnxruntime does."""

import pytest
from onnx2wgsl.compiler.passes.quantize_weights import QuantizeWeights

from tests.builders.ir import check, unchanged

HEAD = """
graph @t (%x: u8[1,2,2,2]{s=0.5, z=7}) -> ("y": %y) opset 17 {
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  @w: f32[1,2,1,1] = [-0.5, 2.05]
"""
S8 = HEAD.replace(
    "  @w: f32[1,2,1,1] = [-0.5, 2.05]\n",
    "  @w.s8: s8[1,2,1,1] = [-128, 127]\n  @w.scale: f32[] = [0.01]\n  @w.zero_point: s8[] = [-78]\n",
)
INPUT = "  %d: f32[1,2,2,2] = dequantize(%x, scale=@sx, zero_point=@zx)\n"
WEIGHT = "  %c.weight: f32[1,2,1,1] = dequantize(@w.s8, scale=@w.scale, zero_point=@w.zero_point)\n"
CONV = "  %c: f32[1,1,2,2] = conv(%d, weight={w})\n"
RELU = '  %r: f32[1,1,2,2] = elementwise([%c], op_type="Relu")\n'
QUANTIZE = "  %y: u8[1,1,2,2]{{s=0.5, z=7}} = quantize({x}, scale=@sx, zero_point=@zx)\n}}"


@pytest.mark.parametrize(("between", "last"), [("", "%c"), (RELU, "%r")])
def test_weights_of_a_convolution(between: str, last: str) -> None:
    tail = between + QUANTIZE.format(x=last)
    check(
        QuantizeWeights(),
        HEAD + INPUT + CONV.format(w="@w") + tail,
        S8 + INPUT + WEIGHT + CONV.format(w="%c.weight") + tail,
        evaluate=False,
    )


def test_weights_of_what_is_an_output_too() -> None:
    tail = QUANTIZE.format(x="%c")
    head, s8 = (text.replace('"y": %y', '"y": %y, "c": %c') for text in (HEAD, S8))
    after = s8 + INPUT + WEIGHT + CONV.format(w="%c.weight") + tail
    check(QuantizeWeights(), head + INPUT + CONV.format(w="@w") + tail, after, evaluate=False)


BIAS = "  @b: f32[1] = [0.0126]\n"
INT32 = "  @b.i32: i32[1] = [3]\n  @b.i32.scale: f32[] = [0.005]\n"


def test_a_float_bias() -> None:
    tail = CONV.format(w="{w}, bias={b}") + QUANTIZE.format(x="%c").replace("{", "{{").replace("}", "}}")
    weight = WEIGHT + "  %c.bias: f32[1] = dequantize(@b.i32, scale=@b.i32.scale)\n"
    check(
        QuantizeWeights(),
        HEAD + BIAS + INPUT + tail.format(w="@w", b="@b"),
        S8 + INT32 + INPUT + weight + tail.format(w="%c.weight", b="%c.bias"),
        evaluate=False,
    )


@pytest.mark.parametrize("scale", ["[] = [0.01]", "[1] = [0.01]"])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_float_bias_beside_quantized_weights(scale: str, axis: int) -> None:
    head = S8.replace("@w.scale: f32[] = [0.01]", f"@w.scale: f32{scale}")
    weight = WEIGHT.replace("zero_point=@w.zero_point)", f"zero_point=@w.zero_point, axis={axis})")
    tail = CONV.format(w="%c.weight, bias={b}") + QUANTIZE.format(x="%c").replace("{", "{{").replace(
        "}", "}}"
    )
    int32 = INT32.replace("f32[] = [0.005]", f"f32{scale}".replace("0.01", "0.005"))
    bias = "  %c.bias: f32[1] = dequantize(@b.i32, scale=@b.i32.scale)\n"
    check(
        QuantizeWeights(),
        head + BIAS + INPUT + weight + tail.format(b="@b"),
        head + int32 + INPUT + weight + bias + tail.format(b="%c.bias"),
        evaluate=False,
    )


@pytest.mark.parametrize(
    "text",
    [
        HEAD + INPUT + CONV.format(w="@w") + RELU.replace("Relu", "Tanh") + QUANTIZE.format(x="%r"),
        HEAD.replace("u8[1,2,2,2]{s=0.5, z=7}", "f32[1,2,2,2]")
        + CONV.format(w="@w").replace("%d", "%x")
        + QUANTIZE.format(x="%c"),
        HEAD
        + "  @i: i32[1] = [3]\n  %b: f32[1] = dequantize(@i, scale=@sx)\n"
        + INPUT
        + CONV.format(w="@w, bias=%b")
        + QUANTIZE.format(x="%c"),
        HEAD
        + "  @b: f32[1] = [0.3]\n"
        + INPUT
        + CONV.format(w="@w, bias=@b")
        + '  %t: f32[1,1,2,2] = elementwise([%c], op_type="Tanh")\n'
        + QUANTIZE.format(x="%t"),
    ],
    ids=["activation", "float input", "int32 bias", "float bias"],
)
def test_other_weights_stay(text: str) -> None:
    unchanged(QuantizeWeights(), text)
