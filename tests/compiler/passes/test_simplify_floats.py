"""simplify_floats rewrites float ops as onnxruntime does before it looks for integer groups."""

import pytest
from onnx2wgsl.compiler.passes.simplify_floats import SimplifyFloats

from tests.builders.ir import check, unchanged

HEAD = 'graph @t (%x: f32[1,2,4,4]) -> ("y": %y{more}) opset 17 {{\n'
TANH = '  %y: f32[1,2,4,4] = elementwise([{x}], op_type="Tanh")\n}}'
NEUTRAL = [
    ("[]", "0.0", "%x, @k", "Add"),
    ("[1]", "0.0", "@k, %x", "Add"),
    ("[1,1]", "0.0", "%x, @k", "Sub"),
    ("[]", "1.0", "@k, %x", "Mul"),
    ("[]", "1.0", "%x, @k", "Div"),
]


def with_constant(shape: str, value: str, xs: str, op: str) -> str:
    text = HEAD.format(more="") + f"  @k: f32{shape} = splat {value}\n"
    return text + f'  %m: f32[1,2,4,4] = elementwise([{xs}], op_type="{op}")\n' + TANH.format(x="%m")


@pytest.mark.parametrize(("shape", "value", "xs", "op"), NEUTRAL)
def test_neutral_ops_go(shape: str, value: str, xs: str, op: str) -> None:
    text = with_constant(shape, value, xs, op)
    check(SimplifyFloats(), text, HEAD.format(more="") + TANH.format(x="%x"))


def test_identity_goes() -> None:
    text = HEAD.format(more="") + "  %m: f32[1,2,4,4] = identity(%x)\n" + TANH.format(x="%m")
    check(SimplifyFloats(), text, HEAD.format(more="") + TANH.format(x="%x"))


@pytest.mark.parametrize(
    ("shape", "value", "xs", "op"),
    [
        ("[]", "1.0", "%x, @k", "Add"),
        ("[]", "0.0", "@k, %x", "Sub"),
        ("[]", "1.0", "@k, %x", "Div"),
        ("[2,1,1]", "1.0", "%x, @k", "Mul"),
    ],
)
def test_other_ops_stay(shape: str, value: str, xs: str, op: str) -> None:
    unchanged(SimplifyFloats(), with_constant(shape, value, xs, op))


def test_a_neutral_op_that_is_an_output_stays() -> None:
    text = 'graph @t (%x: f32[1,2,4,4]) -> ("y": %y) opset 17 {\n  @k: f32[] = [0.0]\n'
    unchanged(SimplifyFloats(), text + '  %y: f32[1,2,4,4] = elementwise([%x, @k], op_type="Add")\n}')


PAD = "  %p: f32[1,2,{size}] = pad(%x, pads={pads}, mode={mode}, value={value})\n"
READERS = {
    "conv": (
        "  @w: f32[1,2,3,3] = splat 0.25\n  %y: f32[1,1,{size}] = conv({x}, weight=@w, pads={pads})\n}}"
    ),
    "max_pool": "  %y: f32[1,2,{size}] = max_pool({x}, kernel=[3, 3], pads={pads})\n}}",
    "average": (
        '  %y: f32[1,2,{size}] = float([{x}], op_type="AveragePool",'
        ' attributes={{"kernel_shape": [3, 3], "pads": {pads}{count}}})\n}}'
    ),
}


def padded(
    reader: str,
    pads: str = "[1, 0, 0, 2]",
    mode: str = '"constant"',
    value: str = "0.0",
    more: str = "",
    size: str = "5,6",
) -> str:
    text = HEAD.format(more=more) + PAD.format(size=size, pads=pads, mode=mode, value=value)
    return text + READERS[reader].format(x="%p", pads="[0, 0, 0, 0]", size="3,4", count="")


@pytest.mark.parametrize("reader", READERS)
def test_a_pad_becomes_the_readers_own(reader: str) -> None:
    count = ', "count_include_pad": 1'
    tail = READERS[reader].format(x="%x", pads="[1, 0, 0, 2]", size="3,4", count=count)
    # max_pool leaves out the padding, as onnxruntime then does
    evaluate = reader != "max_pool"
    check(SimplifyFloats(), padded(reader), HEAD.format(more="") + tail, evaluate=evaluate)


@pytest.mark.parametrize("pads", ["[0, 0, 1, 0, 0, 0, 0, 2]"])
def test_a_pad_of_all_axes_may_be_of_the_spatial_ones_alone(pads: str) -> None:
    tail = READERS["conv"].format(x="%x", pads="[1, 0, 0, 2]", size="3,4")
    check(SimplifyFloats(), padded("conv", pads), HEAD.format(more="") + tail)


@pytest.mark.parametrize(
    "text",
    [
        padded("conv", value="1.0"),
        padded("conv", mode='"edge"'),
        padded("conv", more=', "p": %p'),
    ],
    ids=["value", "mode", "output"],
)
def test_other_pads_stay(text: str) -> None:
    unchanged(SimplifyFloats(), text)
