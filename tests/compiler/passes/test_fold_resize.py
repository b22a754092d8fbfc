"""fold_resize makes nearest upsampling by whole factors part of the convolution."""

import pytest
from onnx2wgsl.compiler.passes.fold_resize import FoldResize

from tests.builders.ir import check, unchanged

TEXT = """
graph @t (%x: u8[1,1,3,4]{{s=0.5, z=7}}) -> ("y": %y) opset 21 {{
  @w: s8[1,1,2,2] = [1, -2, 3, 90]
  @s: f32[1] = [0.01]
  {resize}
  %y: u8[1,1,{out}]{{s=0.25, z=9}} = qconv({x}, weight=@w{more}, weight_scale=@s)
}}
"""


def resize(size: str, scales: str, *modes: str) -> str:
    names = ", ".join(f'{key}="{mode}"' for key, mode in zip(("coordinates", "rounding"), modes, strict=True))
    return f"%r: u8[1,1,{size}]{{s=0.5, z=7}} = resize(%x, scales=[{scales}], {names})"


@pytest.mark.parametrize(
    "modes",
    [
        ("asymmetric", "floor"),
        ("half_pixel", "round_prefer_floor"),
        ("half_pixel", "round_prefer_ceil"),
    ],
)
def test_whole_factors_are_folded(modes: tuple[str, str]) -> None:
    before = TEXT.format(resize=resize("6,12", "2.0, 3.0", *modes), x="%r", out="5,11", more="")
    after = TEXT.format(resize="", x="%x", out="5,11", more=", upsample=[2, 3]")
    check(FoldResize(), before, after)


def test_a_resize_with_another_reader_stays_for_it() -> None:
    outputs = '"y": %y, "r": %r'
    op = resize("6,12", "2.0, 3.0", "asymmetric", "floor")
    before = TEXT.format(resize=op, x="%r", out="5,11", more="").replace('"y": %y', outputs)
    after = TEXT.format(resize=op, x="%x", out="5,11", more=", upsample=[2, 3]")
    check(FoldResize(), before, after.replace('"y": %y', outputs))


@pytest.mark.parametrize(
    ("size", "scales", "modes", "out"),
    [
        ("4,6", "1.5, 1.5", ("asymmetric", "floor"), "3,5"),
        ("6,12", "2.0, 3.0", ("asymmetric", "ceil"), "5,11"),
        ("6,12", "2.0, 3.0", ("align_corners", "floor"), "5,11"),
        ("2,2", "0.75, 0.5", ("asymmetric", "floor"), "1,1"),
    ],
    ids=["fraction", "ceil", "align_corners", "down"],
)
def test_other_index_maps_stay(size: str, scales: str, modes: tuple[str, str], out: str) -> None:
    op = resize(size, scales, *modes)
    unchanged(FoldResize(), TEXT.format(resize=op, x="%r", out=out, more=""))


def test_a_convolution_that_upsamples_already_keeps_the_resize() -> None:
    op = resize("6,12", "2.0, 3.0", "asymmetric", "floor")
    unchanged(FoldResize(), TEXT.format(resize=op, x="%r", out="11,23", more=", upsample=[2, 2]"))
