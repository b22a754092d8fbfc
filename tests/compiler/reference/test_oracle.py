"""The oracle reports what onnxruntime really does: which groups ran in integers, and why others did
not.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.reference.facts import PURE_UNARY, PURE_WITH_CONSTANT, domain_and_type
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels

from tests.builders.edit import set_initializer
from tests.builders.nodes import model_of
from tests.builders.qdq import PAD, QDQBuilder, QuantParams, Tensor, weights
from tests.builders.unet import unet
from tests.compiler.exactness import IMPURE_UNARY
from tests.zoo.quantization import random_feeds

U8, S8 = QuantParams(0.05, 100), QuantParams(0.05, 7, "s8")
SHAPE = (1, 4, 6, 6)


def conv(b: QDQBuilder, x: Tensor, params: QuantParams | None, **options: Any) -> Tensor:
    return b.conv(x, weights(4, x.shape[1], scale=0.002), params, pads=PAD, **options)


def feed(model: onnx.ModelProto, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    dims = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return random_feeds({"x0": tuple(dims)}, count=1, seed=seed)[0]


# --- what runs in integers


def test_a_quantized_conv_runs_in_integers_under_its_own_name() -> None:
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8))
    groups = Oracle(b.build()).integer_groups()
    assert groups.exact
    assert [(group.op_type, group.source[:5]) for group in groups.integer] == [("QLinearConv", "Conv_")]


def test_an_unnamed_conv_is_traced_by_its_weights() -> None:
    b = QDQBuilder()
    y = conv(b, b.input(SHAPE, U8), U8)
    b.output(y)
    model = b.build()
    for node in model.graph.node:
        node.ClearField("name")
    assert Oracle(model).integer_groups().sources == {f"Conv -> {y.real}"}


def test_moves_on_bytes_count_and_tables_stay_element_by_element() -> None:
    b = QDQBuilder()
    y = b.resize(conv(b, b.input(SHAPE, U8), U8))
    b.output(b.unary(b.concat([y, y], U8), "Tanh"))
    groups = Oracle(b.build()).integer_groups()
    assert groups.counts == {"QLinearConcat": 1, "QLinearConv": 1, "Resize": 1}
    assert [group.op_type for group in groups.elementwise] == ["Tanh"]
    assert str(groups) == (
        "In integers: 1 QLinearConcat, 1 QLinearConv, 1 Resize.\nIn float, element by element: 1 Tanh."
    )


def test_a_report_gives_each_reason_and_each_next_step_once() -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    b.output(conv(b, x, None))
    b.output(conv(b, x, None))
    lines = str(Oracle(b.build()).integer_groups()).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "In integers",
        "Left in float",
        "Left in float",
        "Next step",
    ]


# --- what is left in float, and why


def activation_before_quantize(b: QDQBuilder) -> None:
    y = conv(b, b.input(SHAPE, U8), None)
    b.output(b.unary(y, "LeakyRelu", U8, alpha=0.1))


def no_quantize(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, U8), None))


def float_input(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, None), U8))


def wrong_bias_scale(b: QDQBuilder) -> None:
    bias = np.arange(4, dtype=np.int32) * 100
    x = b.input(SHAPE, QuantParams(5, 100))
    b.output(conv(b, x, U8, bias=bias, bias_scale=5 * 0.002 * 1.02))


def relu_that_clips(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, U8), U8, relu=True))


def mixed_types(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, U8), S8), as_float=False)


def signed_skip(b: QDQBuilder) -> None:
    y = conv(b, b.input(SHAPE, S8), S8)
    b.output(b.concat([y, b.unary(y, "Abs", S8)], S8))


def signed_input(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, S8, as_float=False), S8))


def signed_output(b: QDQBuilder) -> None:
    b.output(conv(b, b.input(SHAPE, S8), S8), as_float=False)


@pytest.mark.parametrize(
    ("make", "reason", "step"),
    [
        (activation_before_quantize, "followed by LeakyRelu", "QuantizeLinear/DequantizeLinear"),
        (no_quantize, "is an output of the model", "QuantizeLinear/DequantizeLinear"),
        (float_input, "comes from a float tensor", "Quantize its input"),
        (wrong_bias_scale, "differs by 2.0%", "Quantize the bias"),
        (relu_that_clips, "zero point is 100, not 0", "before the Relu"),
        (mixed_types, "its input is uint8 but its output int8", "one type"),
        (signed_skip, "is used 2 times", "qdqisint8allowed"),
        (signed_input, "is an input of the model", "qdqisint8allowed"),
        (signed_output, "is an output of the model", "qdqisint8allowed"),
    ],
)
def test_a_conv_left_in_float_is_named_with_its_reason_and_the_next_step(
    make: Callable[[QDQBuilder], None], reason: str, step: str
) -> None:
    b = QDQBuilder()
    make(b)
    (group,) = Oracle(b.build()).integer_groups().left_in_float
    assert group.source.startswith("Conv_")
    assert reason in group.reason
    assert step in group.next_step


@pytest.mark.parametrize("make", [signed_skip, signed_input, signed_output])
def test_signed_integer_kernels_bring_every_signed_conv_into_integers(
    make: Callable[[QDQBuilder], None],
) -> None:
    b = QDQBuilder()
    make(b)
    model = b.build()
    assert needs_signed_integer_kernels(model)
    assert Oracle(model, signed_integer_kernels=True).integer_groups().exact


def test_signed_integer_kernels_do_not_change_what_unsigned_models_compute() -> None:
    model = unet(64)
    inputs = random_feeds({"input": (1, 3, 64, 64)}, count=1)[0]
    outputs = [
        Oracle(model, signed_integer_kernels=allowed).run(inputs)["output"] for allowed in (False, True)
    ]
    assert not needs_signed_integer_kernels(model)
    assert np.array_equal(outputs[0], outputs[1])


def test_int8_weights_alone_do_not_ask_for_signed_kernels() -> None:
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8))
    assert not needs_signed_integer_kernels(b.build())


def test_floats_that_meet_quantized_weights_stay_f32() -> None:
    """By default onnxruntime quantizes them, too, and is half a percent off."""
    b = QDQBuilder()
    levels = np.random.default_rng(0).integers(-128, 128, (8, 3)).astype(np.int8)
    weights = b.constant_tensor(levels, 0.03, 0, 1)
    b.output(b.node("MatMul", [b.input((2, 8), None), weights], None))
    model = b.build()
    oracle, inputs = Oracle(model), feed(model)
    (have,) = oracle.run(inputs).values()
    (x,) = inputs.values()
    want = x.astype(np.float64) @ (levels * np.float64(np.float32(0.03)))
    assert np.abs(have - want).max() < 1e-6 * np.abs(want).max()
    assert oracle.reference.endswith(", session.qdq_matmulnbits_accuracy_level=1")


# --- running


def test_a_quantized_tensor_can_be_looked_at_without_disturbing_the_output() -> None:
    b = QDQBuilder()
    y = conv(b, b.input(SHAPE, U8), U8)
    b.output(conv(b, y, U8))
    model = b.build()
    assert y.stored is not None
    levels = Oracle(model).intermediate(feed(model), [y.stored])[y.stored]
    assert levels.dtype == np.uint8
    assert levels.shape == SHAPE


def test_looking_inside_a_group_is_refused_because_it_would_change_the_reference() -> None:
    b = QDQBuilder()
    y = conv(b, b.input(SHAPE, U8), U8)
    b.output(y)
    model = b.build()
    assert y.real is not None
    with pytest.raises(CompileError, match="would no longer run in integers"):
        Oracle(model).intermediate(feed(model), [y.real])


def test_an_unknown_tensor_is_refused_by_name() -> None:
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8))
    model = b.build()
    with pytest.raises(CompileError, match="can't expose nowhere"):
        Oracle(model).intermediate(feed(model), ["nowhere"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"takes the inputs \['x0'\], but was given \[\]"),
        ({"x0": np.zeros((1, 4, 6, 7), np.float32)}, r"float32\[1, 4, 6, 6\].*\[1, 4, 6, 7\]"),
        ({"x0": np.zeros((1, 4, 6), np.float32)}, r"float32\[1, 4, 6, 6\].*\[1, 4, 6\]"),
        ({"x0": np.zeros(SHAPE, np.float64)}, r"is float32.*was given float64"),
    ],
)
def test_wrong_inputs_are_refused_with_both_values(
    inputs: dict[str, NDArray[np.float32]], message: str
) -> None:
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8))
    with pytest.raises(CompileError, match=message):
        Oracle(b.build()).run(inputs)


def test_what_onnxruntime_refuses_becomes_one_line_and_no_noise(
    capfd: pytest.CaptureFixture[str],
) -> None:
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8))
    model = b.build()
    model.graph.node[-1].op_type = "NoSuchOp"
    with pytest.raises(CompileError, match=r"can't load built: .*NoSuchOp") as raised:
        Oracle(model)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "torn.onnx"
    path.write_bytes(unet().SerializeToString()[:5000])
    with pytest.raises(CompileError, match=r"can't load .*torn\.onnx"):
        Oracle(path)


# --- pure operators

BYTES = np.arange(256, dtype=np.int64)
REAL = ((BYTES - 128).astype(np.float32) * np.float32(0.03)).astype(np.float32)
ATTRIBUTES = {"PRelu": (0.1,), "Clip": (-1.0, 1.5)}


@pytest.mark.parametrize("op_type", sorted(PURE_UNARY | PURE_WITH_CONSTANT))
@pytest.mark.parametrize("length", [1, 7, 1001])
def test_a_pure_op_gives_the_same_bits_at_every_position(op_type: str, length: int) -> None:
    table = run_anywhere(op_type, REAL)
    indices = np.random.default_rng(length).integers(0, 256, length)
    assert np.array_equal(
        run_anywhere(op_type, REAL[indices]).view(np.uint32), table[indices].view(np.uint32)
    )


def test_an_impure_op_is_not_called_pure() -> None:
    assert not IMPURE_UNARY & (PURE_UNARY | PURE_WITH_CONSTANT)
    x = np.random.default_rng(0).uniform(-3, 3, 4099).astype(np.float32)
    shifted = run_anywhere("Softplus", x[1:])
    assert not np.array_equal(run_anywhere("Softplus", x)[1:], shifted)


def chain(op_type: str) -> tuple[list[onnx.NodeProto], dict[str, NDArray[np.float32]]]:
    values = ATTRIBUTES.get(op_type, (0.7,) if op_type in PURE_WITH_CONSTANT else ())
    constants = {f"c{i}": np.float32(value) for i, value in enumerate(values)}
    domain, plain = domain_and_type(op_type)
    node = helper.make_node(plain, ["x", *constants], ["y"], domain=domain)
    return [node], constants  # type: ignore[return-value]


def run_anywhere(op_type: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The op on a tensor of any length, with the same session options as everything else."""
    nodes, constants = chain(op_type)
    model = model_of(nodes, {"x": x}, constants, opset=20)
    return Oracle(model).run({"x": x})["y"]


@pytest.mark.parametrize("number", [0.0, -0.0, np.inf, -np.inf, np.nan])
def test_groups_are_told_whatever_their_scales_are(number: float) -> None:
    """Without a warning, which is an error here."""
    b = QDQBuilder()
    b.output(conv(b, b.input(SHAPE, U8), U8, bias=np.arange(4, dtype=np.int32)))
    pairs = [node for node in b.build().graph.node if node.op_type == "DequantizeLinear"]
    for name in [node.input[1] for node in pairs]:
        model = b.build()
        (tensor,) = [one for one in model.graph.initializer if one.name == name]
        set_initializer(model, name, np.full(tensor.dims, number, np.float32))
        assert Oracle(model).integer_groups()
