"""fuse_groups takes the convolutions that onnxruntime runs in integers, and says why not others."""

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.convolution.op import Conv
from onnx2wgsl.compiler.operators.convolution.packed import PackedConv
from onnx2wgsl.compiler.passes.fuse_groups import FuseGroups
from onnx2wgsl.compiler.passes.pack_int8 import PackInt8

from tests.builders.ir import check_fused, check_left_in_float

HEAD = 'graph @t (%x: {x}[1,2,3,3]{{s=0.5, z=7}}) -> ("y": %y{outputs}) opset 21 {{'
WEIGHTS = """
  @wq: s8[2,2,1,1] = [1, -2, 3, 90]
  @sw: f32[] = [0.01]
  %w: f32[2,2,1,1] = dequantize(@wq, scale=@sw)
"""
INPUT = """
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  %d: f32[1,2,3,3] = dequantize(%x, scale=@sx, zero_point=@zx)
"""
CONV = "  %c: f32[1,2,3,3] = conv(%d, weight=%w)\n"
OUTPUT = """
  @sy: f32[] = [0.25]
  @zy: {y}[] = [{z}]
  %y: {y}[1,2,3,3]{{s=0.25, z={z}}} = quantize({c}, scale=@sy, zero_point=@zy)
}}
"""
QCONV = """
  @sw1: f32[1] = [0.01]
  %y: u8[1,2,3,3]{{s=0.25, z={z}}} = qconv(%x, weight=@wq{more}, weight_scale=@sw1)
}}
"""


def before(
    conv: str = CONV,
    *,
    x: str = "u8",
    y: str = "u8",
    z: int = 9,
    c: str = "%c",
    weights: str = WEIGHTS,
    source: str = INPUT,
    outputs: str = "",
) -> str:
    head = HEAD.format(x=x, outputs=outputs)
    return head + source + weights + conv + OUTPUT.format(y=y, z=z, c=c)


def after(more: str = "", z: int = 9, weights: str = "  @wq: s8[2,2,1,1] = [1, -2, 3, 90]") -> str:
    text = HEAD.format(x="u8", outputs="") + "\n" + weights + QCONV.format(more=more, z=z)
    return text.replace("@sw1", '@"wq.scale"')


def reason(text: str) -> str:
    check_left_in_float(text)
    graph = parse_graph(text)
    (conv,) = [op for op in graph.ops if isinstance(op, Conv)]
    return explain(graph, conv)


# --- what is fused


def test_the_plain_group() -> None:
    check_fused(before(), after())


def test_attributes_are_kept() -> None:
    attributes = ", strides=[2, 1], pads=[1, 0, 1, 0], dilations=[1, 2], group=2"
    text = before(f"  %c: f32[1,2,3,3] = conv(%d, weight=%w{attributes})\n")
    text = text.replace("[2,2,1,1] = [1, -2, 3, 90]", "[2,1,1,2] = [1, -2, 3, 90]")
    text = text.replace("%w: f32[2,2,1,1]", "%w: f32[2,1,1,2]")
    text = text.replace("%c: f32[1,2,3,3]", "%c: f32[1,2,3,1]")
    text = text.replace("%y: u8[1,2,3,3]", "%y: u8[1,2,3,1]")
    expected = after(attributes.removesuffix(", group=2"), weights="")
    expected = expected.replace('"wq.scale")', '"wq.scale", group=2)')
    expected = expected.replace("opset 21 {\n", "opset 21 {\n  @wq: s8[2,1,1,2] = [1, -2, 3, 90]\n")
    check_fused(text, expected.replace("%y: u8[1,2,3,3]", "%y: u8[1,2,3,1]"))


@pytest.mark.parametrize("scale", ["0.005", "0.00503"])
def test_an_int32_bias_within_1_percent_of_its_scale(scale: str) -> None:
    bias = f"""
      @bq: i32[2] = [300, -5]
      @sb: f32[] = [{scale}]
      %b: f32[2] = dequantize(@bq, scale=@sb)
      %c: f32[1,2,3,3] = conv(%d, weight=%w, bias=%b)
    """
    weights = "  @wq: s8[2,2,1,1] = [1, -2, 3, 90]\n  @bq: i32[2] = [300, -5]"
    check_fused(before(bias), after(", bias=@bq", weights=weights))


@pytest.mark.parametrize(
    ("activation", "constants"),
    [
        ('elementwise([%c], op_type="Relu")', ""),
        ('elementwise([%c, @lo, @hi], op_type="Clip")', "@lo: f32[] = [0.0]\n  @hi: f32[] = [63.75]\n"),
        ('elementwise([%c, @lo, @hi], op_type="Clip")', "@lo: f32[] = [-9.0]\n  @hi: f32[] = [99.0]\n"),
    ],
)
def test_an_activation_that_saturation_implies(activation: str, constants: str) -> None:
    conv = f"{CONV}  {constants}  %a: f32[1,2,3,3] = {activation}\n"
    check_fused(before(conv, z=0, c="%a"), after(z=0))


def test_scales_and_zero_points_of_each_channel() -> None:
    weights = """
      @wq: s8[2,2,1,1] = [1, -2, 3, 90]
      @sw: f32[2] = [0.01, 0.02]
      @zw: s8[2] = [0, -3]
      %w: f32[2,2,1,1] = dequantize(@wq, scale=@sw, zero_point=@zw)
    """
    graph = check_fused(
        before(weights=weights),
        HEAD.format(x="u8", outputs="")
        + """
        @wq: s8[2,2,1,1] = [1, -2, 3, 90]
        @"wq.scale": f32[2] = [0.01, 0.02]
        @zw: s8[2] = [0, -3]
        %y: u8[1,2,3,3]{s=0.25, z=9} =
          qconv(%x, weight=@wq, weight_scale=@"wq.scale", weight_zero_point=@zw)
        }
        """,
    )
    assert len(graph.ops) == 1


def test_several_readers_of_the_input_are_each_served() -> None:
    text = before(outputs=', "d": %d')
    expected = after().replace('"y": %y', '"y": %y, "d": %d')
    expected = expected.replace("opset 21 {\n", "opset 21 {\n" + INPUT)
    check_fused(text, expected)


# --- what stays


def test_a_second_reader_of_the_result_keeps_it_float() -> None:
    conv = CONV + '  %other: f32[1,2,3,3] = elementwise([%c], op_type="Tanh")\n'
    text = before(conv, outputs=', "o": %other')
    assert reason(text) == "its result %c has 2 readers; one QuantizeLinear is taken"


def test_a_float_output_keeps_it_float() -> None:
    text = before(outputs=', "c": %c')
    assert reason(text) == "its result %c is a float graph output without QuantizeLinear"


@pytest.mark.parametrize("op_type", ["LeakyRelu", "Tanh", "HardSwish"])
def test_another_activation_keeps_it_float(op_type: str) -> None:
    conv = f'{CONV}  %a: f32[1,2,3,3] = elementwise([%c], op_type="{op_type}")\n'
    why = reason(before(conv, c="%a"))
    assert why == f"{op_type} follows it; QuantizeLinear must stand directly after Conv"


@pytest.mark.parametrize(
    ("activation", "z"),
    [
        ('elementwise([%c], op_type="Relu")', 9),
        ('elementwise([%c, @lo, @hi], op_type="Clip")', 0),
    ],
)
def test_an_activation_that_matters_keeps_it_float(activation: str, z: int) -> None:
    bounds = "  @lo: f32[] = [0.0]\n  @hi: f32[] = [63.4]\n" if "Clip" in activation else ""
    conv = f"{CONV}{bounds}  %a: f32[1,2,3,3] = {activation}\n"
    why = reason(before(conv, z=z, c="%a"))
    assert f"is not implied by QuantizeLinear {{s=0.25, z={z}}}" in why
    assert why.endswith("quantize between Conv and the activation")


def test_a_float_input_keeps_it_float() -> None:
    source = INPUT + '  %a: f32[1,2,3,3] = elementwise([%d], op_type="Relu")\n'
    text = before("  %c: f32[1,2,3,3] = conv(%a, weight=%w)\n", source=source)
    assert reason(text) == "its input %a does not come straight from DequantizeLinear"


def test_float_weights_keep_it_float() -> None:
    weights = "  @w: f32[2,2,1,1] = [1.0, 2.0, 3.0, 4.0]\n"
    text = before("  %c: f32[1,2,3,3] = conv(%d, weight=@w)\n", weights=weights)
    assert reason(text) == "its weights are not an int8 constant behind DequantizeLinear"


@pytest.mark.parametrize(
    ("x", "y", "w", "why"),
    [
        ("s8", "u8", "s8", "it takes s8 and gives u8; the two must agree"),
        ("u8", "s8", "s8", "it takes u8 and gives s8; the two must agree"),
        ("s8", "s8", "u8", "u8 weights with s8 activations are not integer"),
        ("u8", "u8", "i32", "i32 weights with u8 activations are not integer"),
    ],
)
def test_dtypes_without_a_kernel_keep_it_float(x: str, y: str, w: str, why: str) -> None:
    weights = WEIGHTS.replace("s8", w).replace("-2", "2")
    source = INPUT.replace("u8", x)
    assert reason(before(x=x, y=y, weights=weights, source=source)) == why


@pytest.mark.parametrize(("value", "why"), [("0.0125", "its bias is float"), ("1e30", "reaches 1e+30")])
def test_a_float_bias_that_was_not_quantized_keeps_it_float(value: str, why: str) -> None:
    conv = f"  @b: f32[2] = [{value}, -1.0]\n  %c: f32[1,2,3,3] = conv(%d, weight=%w, bias=@b)\n"
    assert why in reason(before(conv))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("@sb: f32[] = [0.00506]\n %b: f32[2] = dequantize(@bq, scale=@sb)", "is not the product"),
        (
            "@sb: f32[2] = [0.005, 0.0051]\n %b: f32[2] = dequantize(@bq, scale=@sb)",
            "is not the product",
        ),
        (
            "@sb: f32[] = [0.005]\n @zb: i32[] = [1]\n"
            " %b: f32[2] = dequantize(@bq, scale=@sb, zero_point=@zb)",
            "its bias has a zero point",
        ),
        (
            "@u: u8[2] = [1, 2]\n @sb: f32[] = [0.005]\n %b: f32[2] = dequantize(@u, scale=@sb)",
            "its bias is neither an int32 constant",
        ),
    ],
)
def test_a_bias_that_onnxruntime_does_not_take_keeps_it_float(lines: str, why: str) -> None:
    conv = f"  @bq: i32[2] = [3, -5]\n  {lines}\n"
    conv += "  %c: f32[1,2,3,3] = conv(%d, weight=%w, bias=%b)\n"
    assert why in reason(before(conv))


def test_the_multiplier_is_rounded_after_each_operation() -> None:
    """0.1 * 0.3 / 0.7, of which one rounding at the end makes the next float."""
    graph = parse_graph(before().replace("0.25", "0.7").replace("0.5", "0.1").replace("0.01", "0.3"))
    assert FuseGroups().apply(graph)
    assert PackInt8().apply(graph)
    (conv,) = [op for op in graph.ops if isinstance(op, PackedConv)]
    x, weight, y = np.float32([0.1, 0.3, 0.7])
    assert conv.multiplier.array[:2].tolist() == [x * weight / y] * 2
    assert conv.multiplier.array[0] != np.float32(float(x) * float(weight) / float(y))
