"""strip_zero_points drops zero points that say nothing, and no others."""

import pytest
from onnx2wgsl.compiler.passes.strip_zero_points import StripZeroPoints

from tests.builders.ir import check, unchanged

PAIR = """
graph @t (%x: f32[1,1,2,2]) -> ("y": %y) opset 21 {{
  @s: f32[] = [0.5]
  @z: {dtype}[] = [{zero}]
  %q: {dtype}[1,1,2,2]{{s=0.5, z={zero}}} = quantize(%x, scale=@s{q})
  %y: f32[1,1,2,2] = dequantize(%q, scale=@s{d})
}}
"""


def pair(dtype: str, zero: int, *, quantize: bool = True, dequantize: bool = True) -> str:
    return PAIR.format(
        dtype=dtype,
        zero=zero,
        q=", zero_point=@z" if quantize else "",
        d=", zero_point=@z" if dequantize else "",
    )


def test_uint8_zeros_go() -> None:
    check(StripZeroPoints(), pair("u8", 0), pair("u8", 0, quantize=False, dequantize=False))


def test_an_int8_zero_of_dequantize_goes_but_that_of_quantize_stays() -> None:
    check(StripZeroPoints(), pair("s8", 0), pair("s8", 0, dequantize=False))


@pytest.mark.parametrize(("dtype", "zero"), [("u8", 128), ("u8", 1), ("s8", -128)])
def test_zero_points_that_say_something_stay(dtype: str, zero: int) -> None:
    unchanged(StripZeroPoints(), pair(dtype, zero))


def test_the_zeros_of_an_int32_bias_go_for_each_channel() -> None:
    text = """
    graph @t (%x: f32[1,1,2,2]) -> ("y": %b) opset 21 {{
      @q: i32[2] = [5, -7]
      @s: f32[2] = [0.5, 0.25]
      @z: i32[2] = [0, 0]
      %b: f32[2] = dequantize(@q, scale=@s{})
    }}
    """
    check(StripZeroPoints(), text.format(", zero_point=@z"), text.format(""))


def test_one_zero_among_others_stays() -> None:
    unchanged(
        StripZeroPoints(),
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %b) opset 21 {
          @q: s8[2] = [5, -7]
          @s: f32[2] = [0.5, 0.25]
          @z: s8[2] = [0, 3]
          %b: f32[2] = dequantize(@q, scale=@s, zero_point=@z)
        }
        """,
    )
