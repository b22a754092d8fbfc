"""Float regions: every operator within 1e-5 of onnxruntime on the device, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.lowering.shader import Shader
from onnx2wgsl.compiler.operators.float import expressions as float_expressions
from onnx2wgsl.compiler.operators.float.expressions import MAP_OPS, UNARY, WITH_ATTRIBUTES
from onnx2wgsl.compiler.operators.onnx_op import KERNELS
from onnx2wgsl.compiler.verify.compare import TOLERANCE
from onnx2wgsl.compiler.verify.regions import is_all_float

from tests.builders.nodes import MICROSOFT, NodeBuilder
from tests.compiler.operators.within_tolerance import check, require_within_tolerance
from tests.compiler.refusals import refusal

LARGE = {"Log", "Sqrt"}
BOUNDED = {"Acos", "Asin", "Atanh"}
NOT_FLOAT = {"Identity", "IsNaN", "Not", "QuickGelu"}
BINARY = ["Add", "Div", "Max", "Min", "Mul", "PRelu", "Sub", "Sum", "Mean", "Pow", "Mod"]


def test_unary_functions(tmp_path: Path) -> None:
    m = NodeBuilder()
    anything = m.input(np.concatenate([m.draw(500) * 4, np.linspace(-9, 9, 501, dtype=np.float32)]))
    positive = m.input(np.abs(m.draw(300)) * 5 + np.float32(0.01))
    bounded = m.input(np.linspace(-0.999, 0.999, 400, dtype=np.float32))
    above_one = m.input(np.linspace(1, 30, 100, dtype=np.float32))
    for op_type in sorted({*UNARY, *WITH_ATTRIBUTES} - NOT_FLOAT):
        x = positive if op_type in LARGE else bounded if op_type in BOUNDED else anything
        m.node(op_type, above_one if op_type == "Acosh" else bounded if op_type == "Tan" else x)
    for approximate in ("none", "tanh"):
        m.node("Gelu", anything, approximate=approximate)
    for alpha in (1.702, 0.6):
        m.node("QuickGelu", anything, alpha=alpha, domain=MICROSOFT)
    m.node("Identity", m.node("Exp", bounded))
    require_within_tolerance(m, tmp_path)


def test_attributes_of_activations(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(3, 50) * 3)
    for op_type in ("Celu", "Elu", "LeakyRelu", "ThresholdedRelu"):
        m.node(op_type, x, alpha=0.37)
    m.node("HardSigmoid", x, alpha=0.3, beta=0.4)
    m.node("Selu", x, alpha=1.2, gamma=0.9)
    m.node("Shrink", x, bias=0.2, lambd=0.7)
    require_within_tolerance(m, tmp_path)


def test_binary_functions_broadcast(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(np.abs(m.draw(2, 3, 4, 5)) + np.float32(0.1))
    other = m.input(np.abs(m.draw(2, 3, 4, 5)) + np.float32(0.5))
    row = m.input(np.abs(m.draw(5)) + np.float32(0.5))
    outer = m.input(np.abs(m.draw(2, 1, 4, 1)) + np.float32(0.5))
    for op_type in BINARY:
        attributes = {"fmod": 1} if op_type == "Mod" else {}
        for y in (other, m.constant(m.draw(3, 1, 1) ** 2 + np.float32(0.5))):
            m.node(op_type, x, y, **attributes)
        if op_type != "PRelu":
            m.node(op_type, outer, row, **attributes)
    for op_type in ("Sum", "Mean", "Max", "Min"):
        m.node(op_type, x, row, outer, other)
    for exponent in (2.0, 3.0, 0.5, 1.0, -1.0, -2.5, 0.0):
        m.node("Pow", x, m.constant(np.float32(exponent)))
    m.node("Pow", m.node("Sub", x, outer), m.constant(np.float32(5)))
    require_within_tolerance(m, tmp_path)


def test_comparisons_and_choices(tmp_path: Path) -> None:
    m = NodeBuilder()
    x, y = m.input(m.draw(4, 6)), m.input(m.draw(6))
    same = m.node("Max", x, y)
    tests = [m.node(op_type, same, x) for op_type in ("Equal", "Greater", "LessOrEqual")]
    tests += [m.node(op_type, x, y) for op_type in ("Less", "GreaterOrEqual")]
    both = m.node("And", tests[0], tests[3])
    either = m.node("Or", both, m.node("Not", tests[4]))
    odd = m.node("Xor", either, tests[1])
    m.node("Where", odd, x, y)
    m.node("Where", tests[2], m.constant(np.float32(2)), x)
    m.node("Cast", odd, to=onnx.TensorProto.FLOAT)
    whole = m.node("Cast", m.node("Mul", x, m.constant(np.float32(9))), to=onnx.TensorProto.INT32)
    m.node("Cast", m.node("Add", whole, whole), to=onnx.TensorProto.FLOAT)
    infinite = m.node("IsInf", m.node("Div", x, m.constant(np.float32(0))), detect_negative=0)
    m.node("Cast", infinite, to=onnx.TensorProto.FLOAT)
    none = m.input(np.array([0, -1, np.nan, np.inf, -np.nan, -np.inf], np.float32))
    m.node("Cast", m.node("IsNaN", none), to=onnx.TensorProto.FLOAT)
    m.node("Clip", x, m.constant(np.float32(-0.5)))
    m.node("Clip", x, "", m.constant(np.float32(0.25)))
    require_within_tolerance(m, tmp_path)


def test_a_chain_is_one_kernel(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(2, 3, 4))
    a = m.node("Exp", m.node("Neg", x))
    m.node("Div", a, m.node("Add", a, m.constant(np.float32(1))))
    program = require_within_tolerance(m, tmp_path)
    assert [kernel.kind for kernel in program.kernels] == [
        "float_map",
        "float_map",
    ]  # a has 2 readers


@pytest.mark.parametrize("opset", [17, 21])
def test_reductions(tmp_path: Path, opset: int) -> None:
    m = NodeBuilder(opset)
    x = m.input(np.abs(m.draw(3, 8, 5, 4)) + np.float32(0.1))
    long = m.input(m.draw(2, 12, 25))
    for op_type in ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]:
        for of, axes in ((x, [1, 3]), (x, [-1]), (long, [1, 2]), (long, [0])):
            if of == long and op_type == "LogSum":
                continue
            by_operand = opset >= 18 or op_type == "Sum"
            operands = [of, m.constant(np.array(axes))] if by_operand else [of]
            attributes: dict[str, Any] = {} if by_operand else {"axes": axes}
            m.node(f"Reduce{op_type}", *operands, keepdims=len(axes) - 1, **attributes)
        m.node(f"Reduce{op_type}", x)
    for op_type in ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"):
        m.node(op_type, x)
    require_within_tolerance(m, tmp_path)


def test_matrix_products(tmp_path: Path) -> None:
    m = NodeBuilder()
    batch = m.input(m.draw(2, 3, 5, 7))
    m.node("MatMul", batch, m.input(m.draw(3, 7, 8)))
    m.node("MatMul", batch, m.constant(m.draw(7, 6)))
    m.node("MatMul", batch, m.constant(m.draw(7)))
    m.node("MatMul", m.input(m.draw(5)), batch)
    m.node("MatMul", m.input(m.draw(9, 300)), m.constant(m.draw(300, 16)))
    a, b = m.input(m.draw(6, 5)), m.draw(5, 8)
    m.node("Gemm", a, m.constant(b), m.constant(m.draw(8)), alpha=0.5, beta=2.0)
    m.node("Gemm", a, m.constant(b.T), m.input(m.draw(6, 1)), transB=1)
    m.node("Gemm", a, m.constant(m.draw(6, 3)), transA=1)
    require_within_tolerance(m, tmp_path)


def test_convolutions(tmp_path: Path) -> None:
    m = NodeBuilder()
    x, line = m.input(m.draw(2, 8, 9, 7)), m.input(m.draw(2, 4, 20))
    bias = m.constant(m.draw(12))
    m.node("Conv", x, m.constant(m.draw(12, 8, 3, 3)), bias, pads=[1, 1, 1, 1])
    m.node("Conv", x, m.constant(m.draw(6, 4, 3, 2)), group=2, strides=[2, 1], dilations=[1, 2])
    m.node("Conv", x, m.constant(m.draw(8, 1, 4, 4)), group=8, auto_pad="SAME_LOWER")
    m.node("Conv", x, m.constant(m.draw(8, 8, 1, 1)), auto_pad="SAME_UPPER", strides=[2, 2])
    m.node("Conv", x, m.input(m.draw(4, 8, 3, 3)))
    m.node("Conv", line, m.constant(m.draw(8, 4, 5)), strides=[2], pads=[3, 1])
    require_within_tolerance(m, tmp_path)


def test_transposed_convolutions(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(1, 8, 5, 6))
    grouped = m.constant(m.draw(8, 4, 3, 3))
    m.node(
        "ConvTranspose", x, m.constant(m.draw(8, 6, 4, 3)), m.constant(m.draw(6)),
        strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 0],
    )  # fmt: skip
    m.node("ConvTranspose", x, grouped, group=2, strides=[3, 2], dilations=[2, 1])
    m.node("ConvTranspose", x, grouped, strides=[2, 2], auto_pad="SAME_UPPER")
    m.node("ConvTranspose", x, grouped, strides=[2, 2], output_shape=[10, 12])
    m.node("ConvTranspose", m.input(m.draw(1, 3, 7)), m.constant(m.draw(3, 2, 4)), strides=[3])
    require_within_tolerance(m, tmp_path)


def test_pools(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(2, 3, 9, 8))
    for op_type in ("AveragePool", "MaxPool", "LpPool"):
        for ceil_mode in (0, 1):
            m.node(op_type, x, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 1, 0, 1], ceil_mode=ceil_mode)
        m.node(op_type, x, kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2])
    for op_type in ("AveragePool", "MaxPool"):
        m.node(op_type, x, kernel_shape=[3, 2], dilations=[2, 2])
        m.node(op_type, m.input(m.draw(1, 2, 11)), kernel_shape=[4], strides=[3], pads=[1, 2])
    m.node("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    m.node(
        "AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1,
        strides=[3, 3], ceil_mode=1,
    )  # fmt: skip
    m.node("MaxPool", m.input(m.draw(1, 2, 4, 5, 6)), kernel_shape=[2, 2, 2])
    require_within_tolerance(m, tmp_path)


@pytest.mark.parametrize("opset", [10, 11, 21])
def test_softmax_and_its_like(tmp_path: Path, opset: int) -> None:
    m = NodeBuilder(opset)
    x = m.input(m.draw(3, 70, 5) * 4)
    for op_type in ("Softmax", "LogSoftmax", "Hardmax"):
        for axis in (-1, 1, 0):
            m.node(op_type, x, axis=axis)
        m.node(op_type, x)
    for p in (1, 2):
        m.node("LpNormalization", x, axis=1, p=p)
    require_within_tolerance(m, tmp_path)


@pytest.mark.parametrize("opset", [18, 21, 23])
def test_normalizations(tmp_path: Path, opset: int) -> None:
    m = NodeBuilder(opset)
    x, rows = m.input(m.draw(2, 8, 9, 7) + 2), m.input(m.draw(2, 7, 96))
    channel = [m.constant(m.draw(8)) for _ in range(3)]
    variance = m.constant(np.abs(m.draw(8)) + np.float32(0.1))
    m.node("LayerNormalization", rows, m.constant(m.draw(96)), m.constant(m.draw(96)))
    m.node("LayerNormalization", x, m.constant(m.draw(8, 9, 7)), axis=1, epsilon=1e-3)
    m.node("InstanceNormalization", x, channel[0], channel[1])
    m.node("BatchNormalization", x, *channel, variance, epsilon=1e-3)
    m.node("BatchNormalization", x, m.input(m.draw(8)), *channel[1:], variance)
    parameters = channel[:2] if opset > 20 else [m.constant(m.draw(2)), m.constant(m.draw(2))]
    m.node("GroupNormalization", x, *parameters, num_groups=2)
    m.node("MeanVarianceNormalization", x)
    if opset > 22:
        m.node("RMSNormalization", rows, m.constant(m.draw(96)))
    m.node("LRN", x, size=5, alpha=0.01, beta=0.75, bias=1.5)
    require_within_tolerance(m, tmp_path)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolations(tmp_path: Path, mode: str) -> None:
    m = NodeBuilder(18)
    x = m.input(m.draw(1, 2, 5, 7))
    scales = m.constant(np.array([1, 1, 1.7, 2.5], np.float32))
    for how in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        m.node("Resize", x, "", scales, mode=mode, coordinate_transformation_mode=how)
    m.node("Resize", x, "", "", m.constant(np.array([1, 2, 3, 10])), mode=mode)
    smaller = m.constant(np.array([1, 1, 0.6, 0.5], np.float32))
    m.node("Resize", x, "", smaller, mode=mode, antialias=1)
    if mode == "linear":
        m.node(
            "Resize",
            m.input(m.draw(1, 1, 9)),
            "",
            m.constant(np.array([1, 1, 2], np.float32)),
            mode=mode,
        )
    require_within_tolerance(m, tmp_path)


def test_indices_of_extremes(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(np.round(m.draw(3, 6, 5) * 2))
    for op_type in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            m.node(op_type, x, axis=1, select_last_index=last)
        m.node(op_type, x, axis=-1, keepdims=0)
    require_within_tolerance(m, tmp_path)


def test_moves_between_float_nodes(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(2, 8, 9, 7))
    rows = m.node("Transpose", m.node("Relu", x), perm=[0, 2, 3, 1])
    rows = m.node("Reshape", m.node("Softmax", rows), m.constant(np.array([2, 63, 8])))
    product = m.node("MatMul", rows, m.constant(m.draw(8, 10)))
    m.node("Concat", product, m.constant(m.draw(2, 1, 10)), axis=1)
    m.node("Concat", x, m.node("Neg", x), axis=0)
    program = require_within_tolerance(m, tmp_path)
    assert is_all_float(program)


def test_every_operator_is_tested() -> None:
    tests = Path(__file__).read_text().partition("def test_unary_functions")[2]
    here = tests.partition("def test_every_operator")[0]
    tested = {op_type for op_type in KERNELS if f'"{op_type}"' in here}
    tested |= {*UNARY, *WITH_ATTRIBUTES, *BINARY} - NOT_FLOAT
    reductions = {op_type for op_type in KERNELS if op_type.startswith("Reduce")}
    assert KERNELS.keys() - tested - reductions == set()
    assert KERNELS.keys() >= MAP_OPS


# ---------------------------------------------------------------------------------- mixed models


def mixed_model(norm: str = "InstanceNormalization") -> tuple[onnx.ModelProto, NodeBuilder]:
    """Quantized convolution, a normalization in float, quantized convolution; and a float head."""
    m = NodeBuilder(17, seed=3)
    quantized = m.node("QuantizeLinear", m.input(m.draw(1, 3, 10, 9)), *_scale(m, 0.02, 120))
    first = _quantized_conv(m, quantized, 3, 8, 0.05)
    real = m.node("DequantizeLinear", first, *_scale(m, 0.05, 110))
    normal = m.node(norm, real, m.constant(m.draw(8)), m.constant(m.draw(8)))
    again = m.node("QuantizeLinear", normal, *_scale(m, 0.03, 130), name="behind")
    last = _quantized_conv(m, again, 8, 4, 0.08, scale=0.03, zero=130)
    real = m.node("DequantizeLinear", last, *_scale(m, 0.08, 110), name="integers")
    m.node("Softmax", real, axis=1, name="floats")
    m.outputs.append("integers")
    return m.build(), m


def _scale(m: NodeBuilder, scale: float, zero: int) -> tuple[str, str]:
    return m.constant(np.float32(scale)), m.constant(np.uint8(zero))


def _quantized_conv(
    m: NodeBuilder, x: str, channels: int, out: int, result: float, *, scale: float = 0.02,
    zero: int = 120,
) -> str:  # fmt: skip
    real = m.node("DequantizeLinear", x, *_scale(m, scale, zero))
    levels = m.constant(m.random.integers(-128, 128, (out, channels, 3, 3)).astype(np.int8))
    weight = m.node("DequantizeLinear", levels, m.constant(np.float32(0.004)))
    conv = m.node("Conv", real, weight, pads=[1, 1, 1, 1])
    return m.node("QuantizeLinear", conv, *_scale(m, result, 110))


def test_integers_behind_a_float_region_are_exact(tmp_path: Path) -> None:
    model, m = mixed_model()
    checked = check(model, m.inputs, tmp_path)
    expectation = checked.verification.expectation
    assert [[node.split()[0] for node in region.nodes] for region in expectation.regions] == [
        ["InstanceNormalization"],
        ["Softmax"],
    ]
    assert expectation.names == ["behind"]
    assert expectation.after_floats >= {"integers"}
    assert checked.replay.words > 0
    assert not checked.replay.wrong
    assert checked.verification.report.wrong is None


def test_a_wrong_float_kernel_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(float_expressions.BINARY, "Div", "({0} / {1} * 1.0001)")
    model, m = mixed_model()
    checked = check(model, m.inputs, tmp_path)
    assert not checked.replay.ok
    assert not checked.replay.wrong, "integers given the same inputs are right"
    assert checked.replay.errors[1] > 2 * TOLERANCE


def test_a_wrong_integer_kernel_behind_floats_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Shader.table
    behind = itertools.count()

    def shifted(self: Shader, data: Any) -> int:
        is_second = data.shape == (255,) and next(behind) > 0  # thresholds of a quantize kernel
        return table(self, data + 2**20 if is_second else data)

    monkeypatch.setattr(Shader, "table", shifted)
    model, m = mixed_model()
    checked = check(model, m.inputs, tmp_path)
    assert list(checked.replay.wrong) == ["behind"]
    assert checked.replay.errors[1] < TOLERANCE


# ---------------------------------------------------------------------------------- refusals


def test_all_that_can_not_be_computed_is_told_at_once(tmp_path: Path) -> None:
    m = NodeBuilder()
    x = m.input(m.draw(1, 2, 6, 6))
    m.node("CumSum", x, m.constant(np.array(1)))
    m.node("LpPool", x, kernel_shape=[2, 2], p=3)
    m.node("Det", x)
    message = refusal(m.build(), tmp_path)
    assert "CumSum" in message
    assert "Det" in message


@pytest.mark.parametrize(
    ("op_type", "attributes", "reason"),
    [
        ("LpPool", {"kernel_shape": [2, 2], "p": 3}, "p = 3; 1 and 2 are taken"),
        ("Resize", {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"},
         "coordinate_transformation_mode 'tf_crop_and_resize' is not taken"),
        ("Resize", {"mode": "linear", "keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]},
         "keep_aspect_ratio_policy other than stretch is not taken"),
    ],
)  # fmt: skip
def test_an_attribute_that_is_not_taken_is_refused(
    tmp_path: Path, op_type: str, attributes: dict[str, Any], reason: str
) -> None:
    m = NodeBuilder()
    operands = [m.input(m.draw(1, 2, 6, 6))]
    if op_type == "Resize":
        roi = m.constant(np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32))
        operands += [
            roi,
            "",
            m.constant(np.array([1, 2, 3, 4][-len(attributes.get("axes", "four")) :])),
        ]
    m.node(op_type, *operands, **attributes)
    assert reason in refusal(m.build(), tmp_path)


def test_a_function_of_other_operators_is_expanded(tmp_path: Path) -> None:
    m = NodeBuilder(23)
    q, k, v = (m.input(m.draw(1, 2, 5, 8)) for _ in range(3))
    m.node("Attention", q, k, v)
    m.node("Attention", q, k, v, m.constant(m.draw(5, 5)), scale=0.3)
    require_within_tolerance(m, tmp_path)
