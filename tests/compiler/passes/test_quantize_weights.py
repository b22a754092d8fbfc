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


@pytest.mark.parametrize(
    "text",
    [
        HEAD + INPUT + CONV.format(w="@w") + RELU.replace("Relu", "Tanh") + QUANTIZE.format(x="%r"),
        HEAD.replace("u8[1,2,2,2]{s=0.5, z=7}", "f32[1,2,2,2]")
        + CONV.format(w="@w").replace("%d", "%x")
        + QUANTIZE.format(x="%c"),
        HEAD.replace('"y": %y', '"y": %y, "c": %c') + INPUT + CONV.format(w="@w") + QUANTIZE.format(x="%c"),
    ],
    ids=["activation", "float input", "output"],
)
def test_other_weights_stay(text: str) -> None:
    unchanged(QuantizeWeights(), text)
