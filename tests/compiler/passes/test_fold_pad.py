"""fold_pad makes padding by the zero point the convolution's own."""

import pytest
from onnx2wgsl.compiler.passes.fold_pad import FoldPad

from tests.builders.ir import check, unchanged

TEXT = """
graph @t (%x: u8[1,1,3,4]{{s=0.5, z=7}}) -> ("y": %y) opset 21 {{
  @w: s8[1,1,2,2] = [1, -2, 3, 90]
  @s: f32[1] = [0.01]
  {pad}
  %y: u8[1,1,{size}]{{s=0.25, z=9}} = qconv({x}, weight=@w, pads=[{pads}]{more}, weight_scale=@s)
}}
"""


def text(pad: str, x: str, pads: str, size: str = "5,8", more: str = "") -> str:
    return TEXT.format(pad=pad, x=x, pads=pads, size=size, more=more)


PAD = "%p: u8[1,1,5,8]{s=0.5, z=7} = pad(%x, pads=[2, 1, 0, 3], value=7)"


def test_a_pad_by_the_zero_point_is_added_to_the_convolutions() -> None:
    check(FoldPad(), text(PAD, "%p", "0, 1, 1, 0"), text("", "%x", "2, 2, 1, 3"))


def test_a_chain_of_pads_is_folded() -> None:
    two = PAD + "\n  %p2: u8[1,1,6,8]{s=0.5, z=7} = pad(%p, pads=[0, 0, 1, 0], value=7)"
    check(FoldPad(), text(two, "%p2", "0, 1, 0, 0"), text("", "%x", "2, 2, 1, 3"))


def test_a_pad_with_another_reader_stays_for_it() -> None:
    graph = text(PAD, "%p", "0, 1, 1, 0").replace('"y": %y', '"y": %y, "p": %p')
    after = text(PAD, "%x", "2, 2, 1, 3").replace('"y": %y', '"y": %y, "p": %p')
    check(FoldPad(), graph, after)


@pytest.mark.parametrize("options", ["value=0", 'mode="edge"', 'mode="reflect"'])
def test_another_constant_or_mode_stays(options: str) -> None:
    pad = f"%p: u8[1,1,5,8]{{s=0.5, z=7}} = pad(%x, pads=[1, 1, 1, 3], {options})"
    unchanged(FoldPad(), text(pad, "%p", "0, 1, 1, 0"))


def test_a_convolution_that_upsamples_the_padded_stays() -> None:
    unchanged(FoldPad(), text(PAD, "%p", "0, 1, 1, 0", "10,16", ", upsample=[2, 2]"))
