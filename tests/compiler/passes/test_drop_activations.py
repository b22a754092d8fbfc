"""drop_activations leaves to quantize what its saturation does."""

import pytest
from onnx2wgsl.compiler.passes.drop_activations import DropActivations

from tests.builders.ir import check, unchanged

TEXT = """
graph @t (%x: f32[1,2,4,4]) -> ("y": %y{more}) opset 17 {{
  @s: f32[] = [{scale}]
  @z: {dtype}[] = [{zero}]
  @low: f32[] = [0.0]
  @high: f32[] = [6.0]
  %t: f32[1,2,4,4] = elementwise([%x], op_type="Neg")
{act}
  %y: {dtype}[1,2,4,4]{{s={scale}, z={zero}}} = quantize({x}, scale=@s, zero_point=@z)
}}
"""
RELU = '  %r: f32[1,2,4,4] = elementwise([%t], op_type="Relu")'
CLIP = '  %r: f32[1,2,4,4] = elementwise([%t, @low, @high], op_type="Clip")'


def before(act: str, scale: float, zero: int, dtype: str = "u8", more: str = "") -> str:
    return TEXT.format(act=act, scale=scale, zero=zero, dtype=dtype, more=more, x="%r")


@pytest.mark.parametrize(
    ("act", "scale", "zero", "dtype"),
    [
        (RELU, 0.05, 0, "u8"),
        (RELU, 0.05, -128, "s8"),
        (CLIP, 0.0235, 0, "u8"),  # 6 / s = 255.3
        (CLIP, 0.02357, 0, "u8"),  # 254.6
        (CLIP, 0.0235, -128, "s8"),
    ],
)
def test_a_redundant_activation_goes(act: str, scale: float, zero: int, dtype: str) -> None:
    after = TEXT.format(act="", scale=scale, zero=zero, dtype=dtype, more="", x="%t")
    check(DropActivations(), before(act, scale, zero, dtype), after)


def test_a_chain_of_them_goes() -> None:
    act = RELU + '\n  %q: f32[1,2,4,4] = elementwise([%r, @low, @high], op_type="Clip")'
    text = before(act, 0.0235, 0).replace("quantize(%r", "quantize(%q")
    check(
        DropActivations(),
        text,
        TEXT.format(act="", scale=0.0235, zero=0, dtype="u8", more="", x="%t"),
    )


@pytest.mark.parametrize(
    "text",
    [
        before(RELU, 0.05, 1),
        before(RELU, 0.05, -127, "s8"),
        before(CLIP, 0.0236, 0),  # 254.2
        before(RELU, 0.05, 0, more=', "r": %r'),
        before('  %r: f32[1,2,4,4] = elementwise([%t], op_type="Abs")', 0.05, 0),
    ],
)
def test_what_matters_stays(text: str) -> None:
    unchanged(DropActivations(), text)
