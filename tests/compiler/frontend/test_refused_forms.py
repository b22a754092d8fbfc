"""Models that can't be compiled, or not in integers: each is refused, or left in float, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.errors import UnsupportedError
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.convolution.op import Conv
from onnx2wgsl.compiler.pipeline import PASS_NAMES, to_integers
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels, reference_of
from onnx2wgsl.compiler.verify.compiled import compile_in_memory
from onnx2wgsl.compiler.verify.expectation import Expected
from onnx2wgsl.compiler.verify.stages import Stage, compare_stage

from tests.builders.edit import SHAPE, conv_model, node, save, set_initializer
from tests.builders.nodes import MICROSOFT, Array, model_of
from tests.builders.qdq import S8, U8, QDQBuilder, QuantParams, Tensor, Weights, weights
from tests.compiler.exactness import feeds_for
from tests.compiler.refusals import refusal

Edit = Callable[[onnx.ModelProto], None]


def test_all_unsupported_nodes_are_listed_at_once(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    b.output(b.unary(x, "Trilu", U8))
    b.output(b.node("NonZero", [b.unary(x, "Tanh")], None))
    b.output(Tensor(SHAPE, real="x0"))
    message = refusal(b.build(), tmp_path)
    assert message.startswith("2 parts of model can't be compiled:")
    assert "Trilu 'Trilu_" in message
    assert "NonZero 'NonZero_" in message
    assert message.count("this operator is not supported") == 2


def test_what_reads_a_refused_node_is_not_blamed(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.unary(b.unary(b.input(SHAPE, U8), "Trilu"), "Tanh"))
    with pytest.raises(UnsupportedError) as caught:
        import_model(save(b.build(), tmp_path))
    assert len(caught.value.reasons) == 1


def test_an_operator_that_no_model_may_have_is_listed_behind_a_refused_one(tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.unary(b.input(SHAPE, U8), "Trilu", U8)
    b.output(b.unary(b.unary(y, "Tanh", U8), "Trilu"))
    message = refusal(b.build(), tmp_path)
    assert message.startswith("2 parts of model can't be compiled:")
    assert "Tanh" not in message


def test_an_operator_of_another_domain_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert "Conv 'Conv_" in refusal(model, tmp_path)


def runs_in_integers(model: onnx.ModelProto) -> bool:
    signed = needs_signed_integer_kernels(model)
    return Oracle(model, signed_integer_kernels=signed).integer_groups().exact


def float_conv(b: QDQBuilder, **options: Any) -> Tensor:
    return b.conv(b.input(SHAPE, U8), weights(4, 3), None, **options)


def conv_then_leaky(b: QDQBuilder) -> None:
    b.output(b.unary(float_conv(b), "LeakyRelu", U8))


def conv_then_output(b: QDQBuilder) -> None:
    b.output(float_conv(b))


def conv_with_two_readers(b: QDQBuilder) -> None:
    y = float_conv(b)
    for params in (U8, QuantParams(0.03, 5)):
        b.output(b.unary(y, "Identity", params))


def conv_then_relu_that_matters(b: QDQBuilder) -> None:
    b.output(b.unary(float_conv(b), "Relu", U8))


def conv_of_resize(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    resized = b._node("Resize", [b.float_name(x), "", b.constant(np.float32([1, 1, 2, 2]))])
    b.output(b.conv(Tensor((1, 3, 12, 16), real=resized, params=U8), weights(4, 3), U8))


def conv_of_a_resize_that_does_nothing(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    same = b._node("Resize", [b.float_name(x), "", b.constant(np.float32([1, 1, 1, 1]))])
    b.output(b.conv(Tensor(SHAPE, real=same, params=U8), weights(4, 3), U8))


def conv_into_concat(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    b.output(b.concat([b.conv(x, weights(4, 3, 1), None), x], U8))


def bias_of_another_scale(b: QDQBuilder) -> None:
    x = b.input(SHAPE, U8)
    bias = np.arange(4, dtype=np.int32)
    b.output(b.conv(x, weights(4, 3), U8, bias=bias, bias_scale=0.05 * 0.004 * 1.05))


def unsigned_weights_of_signed_input(b: QDQBuilder) -> None:
    w = Weights(weights(4, 3).values.view(np.uint8), 0.004, 128)
    b.output(b.conv(b.input(SHAPE, S8), w, S8))


def signed_in_unsigned_out(b: QDQBuilder) -> None:
    b.output(b.conv(b.input(SHAPE, S8), weights(4, 3), U8))


def input_as_output(b: QDQBuilder) -> None:
    b.output(b.conv(b.input(SHAPE, U8), weights(4, 3), U8))
    b.output(Tensor(SHAPE, real="x0"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (conv_then_leaky, "LeakyRelu follows it; QuantizeLinear must stand directly after Conv"),
        (conv_then_output, "is a float graph output without QuantizeLinear"),
        (conv_with_two_readers, "has 2 readers; one QuantizeLinear is taken"),
        (conv_then_relu_that_matters, "the Relu after it is not implied by QuantizeLinear"),
        (conv_of_resize, "does not come straight from DequantizeLinear"),
        (conv_of_a_resize_that_does_nothing, "does not come straight from DequantizeLinear"),
        (conv_into_concat, "concat follows it; QuantizeLinear must stand directly after Conv"),
        (bias_of_another_scale, "the scale of its bias is not the product"),
        (unsigned_weights_of_signed_input, "u8 weights with s8 activations"),
        (signed_in_unsigned_out, "it takes s8 and gives u8; the two must agree"),
    ],
)
def test_what_stays_in_float_says_why(
    make: Callable[[QDQBuilder], None], reason: str, tmp_path: Path
) -> None:
    b = QDQBuilder()
    make(b)
    assert not runs_in_integers(b.build()), "onnxruntime takes it: why does onnx2wgsl not?"
    graph = import_model(save(b.build(), tmp_path))
    to_integers(graph)
    convs = [op for op in graph.ops if isinstance(op, Conv)]
    assert convs
    graph = import_model(save(b.build(), tmp_path))
    reasons = [explain(graph, op) or "" for op in graph.ops if isinstance(op, Conv)]
    assert any(reason in text for text in reasons)


def test_an_output_that_is_an_input_is_copied() -> None:
    """To the bit, whatever the numbers are."""
    b = QDQBuilder()
    input_as_output(b)
    x = b.input(SHAPE, U8, as_float=False)
    b.output(Tensor(SHAPE, stored=b._node("Identity", [x.stored]), params=U8), as_float=False)
    oracle = reference_of(b.build())
    expected = [Expected.of_outputs(feed, oracle.run(feed)) for feed in feeds_for(oracle)]
    stages: list[Stage] = []

    def observe(name: str, stage: Graph | Program) -> None:
        stages.append(compare_stage(name, stage, expected))

    compile_in_memory(b.build(), observe)
    assert {stage.name for stage in stages} == set(PASS_NAMES)
    assert [stage for stage in stages if not stage.ok] == []


def test_outputs_that_are_not_computed_are_refused(tmp_path: Path) -> None:
    model = conv_model()
    model.graph.node.append(helper.make_node("Dropout", ["x0"], ["same", "mask"], name="drop"))
    model.graph.output.append(helper.make_tensor_value_info("mask", TensorProto.BOOL, SHAPE))
    for name, constant in {"wide": np.ones(2), "empty": np.zeros((0, 2), np.float32)}.items():
        model.graph.initializer.append(numpy_helper.from_array(constant, name))
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    message = refusal(model, tmp_path)
    assert "output 'mask' is not made: Dropout 'drop' makes only its first output" in message
    assert "output 'wide' is a constant of float64" in message
    assert "output 'empty' is a constant without elements: [0, 2]" in message


def test_dropout_in_training_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "training"))
    model.graph.node.append(helper.make_node("Dropout", ["x0", "", "training"], ["same"]))
    model.graph.output.append(helper.make_tensor_value_info("same", TensorProto.FLOAT, SHAPE))
    assert "its training_mode is on" in refusal(model, tmp_path)


@pytest.mark.parametrize("scale", [np.nan, np.inf, -2.0])
def test_a_resize_by_no_positive_number_is_refused(scale: float, tmp_path: Path) -> None:
    resize = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")
    model = model_of([resize], {"x": np.zeros((2, 3), np.uint8)}, {"scales": np.float32([1, scale])})
    message = refusal(model, tmp_path)
    assert "Scale value " in message
    assert "at Resize 'y'" in message


def per_axis_activation(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        if each.input[0] in ("x0", node(model, "QuantizeLinear").output[0]):
            set_initializer(model, each.input[1], np.full(3, 0.05, np.float32))
            set_initializer(model, each.input[2], np.full(3, 100, np.uint8))


def blocked(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        set_initializer(model, each.input[1], np.full((1, 3, 3, 8), 0.05, np.float32))
        set_initializer(model, each.input[2], np.full((1, 3, 3, 8), 100, np.uint8))
        each.attribute.append(helper.make_attribute("block_size", 2))
        each.attribute.append(helper.make_attribute("axis", 2))


def sixteen_bits(model: onnx.ModelProto) -> None:
    for each in (node(model, "QuantizeLinear"), node(model, "DequantizeLinear")):
        set_initializer(model, each.input[2], np.uint16(100))


def zero_scale(model: onnx.ModelProto) -> None:
    set_initializer(model, node(model, "QuantizeLinear").input[1], np.float32(0))


def computed_scale(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, []))
    node(model, "QuantizeLinear").input[1] = "s"


def negative_pads(model: onnx.ModelProto) -> None:
    for attribute in node(model, "Conv").attribute:
        if attribute.name == "pads":
            attribute.ints[:] = [-1, 1, 1, 1]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (per_axis_activation, "operand 1, the scale of an activation, must be one constant number, it has 3"),
        (blocked, "blocked quantization is not supported"),
        (sixteen_bits, "uint16"),
        (zero_scale, "operand 1, the scale of an activation, is 0.0, not a positive number"),
        (computed_scale, "operand 1 ('s') must be constant"),
        (negative_pads, "pads must not contain negative values"),
    ],
)
def test_what_no_rule_covers_is_refused_with_the_reason(edit: Edit, reason: str, tmp_path: Path) -> None:
    model = conv_model(21)
    edit(model)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    assert reason in refusal(model, tmp_path)


def long_reflection(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.pad(x, (6, 0, 0, 0), mode="reflect")


def symmetric(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.pad(x, (1, 0, 0, 0), mode="symmetric")


def resize(**options: Any) -> Callable[[QDQBuilder, Tensor], Tensor]:
    return lambda b, x: b.resize(x, (2, 2), **options)


CROP = {"coordinate_transformation_mode": "tf_crop_and_resize"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (long_reflection, "reflection by [0, 0, 6, 0, 0, 0, 0, 0] does not fit [1, 3, 6, 8]"),
        (symmetric, "Invalid 'mode' attribute value (at Pad 'Pad_"),
        (resize(**CROP, roi=(0, 0, 1.5, 1)), "0.0, 1.0, 1.0, 1.5, 1.0] reaches outside"),
        (resize(**CROP), "its roi must have 8 numbers"),
    ],
)
def test_forms_of_an_operator_that_are_not_taken(
    make: Callable[[QDQBuilder, Tensor], Tensor], reason: str, tmp_path: Path
) -> None:
    b = QDQBuilder(19)
    b.output(make(b, b.input(SHAPE, U8)))
    assert reason in refusal(b.build(), tmp_path)


X = np.zeros((1, 4, 6, 6), np.float32)
BYTES = X.astype(np.uint8)


@pytest.mark.parametrize(
    ("op_type", "x", "constants", "attributes", "reason"),
    [
        ("Conv", X, {"w": np.ones((4, 4, 3, 3))}, {"kernel_shape": [2, 2]}, "kernel_shape"),
        ("Conv", X, {"w": np.ones((3, 2, 1, 1))}, {"group": 2}, "3 output channels can't be 2 groups"),
        ("Conv", X, {"w": np.ones((3, 2, 1, 1))}, {}, "its input has 4 channels, its weights take 2"),
        (
            "Conv",
            X,
            {"w": np.ones((3, 4, 1, 1)), "b": np.ones(2)},
            {},
            "bias has shape [2] for 3 channels",
        ),
        ("Split", X, {"sizes": np.array([1, 2])}, {"axis": 1}, ""),
        ("Gather", X, {"at": np.array([9])}, {"axis": 1}, "its indices reach outside axis 1"),
        ("Tile", X, {"n": np.array([1, 2])}, {}, ""),
        ("Flatten", X, {}, {"axis": 5}, ""),
        ("Squeeze", X, {"axes": np.array([1])}, {}, ""),
        ("Unsqueeze", X, {"axes": np.array([0, 0])}, {}, ""),
        ("Reshape", X, {"shape": np.array([-2, -3, 24])}, {}, ""),
        ("Reshape", X, {"shape": np.array([-1, -1])}, {}, ""),
        ("ReduceMax", X, {"axes": np.array([1, 1])}, {}, "axes [1, 1] name one twice"),
        ("Slice", X, {"s": np.array([0]), "e": np.array([1, 2])}, {}, ""),
        ("DepthToSpace", X, {}, {"blocksize": 3}, "4 channels are no blocks of 3 x 3"),
        ("SpaceToDepth", X, {}, {"blocksize": 4}, "6 x 6 pixels are no blocks of 4 x 4"),
        ("QLinearConcat", BYTES, {}, {}, "'axis'"),
        ("ConvInteger", BYTES[..., None], {"w": np.ones((4, 4, 1, 1, 1), np.uint8)}, {}, "has 5 dimensions"),
    ],
)
def test_a_form_that_does_not_fit_names_the_node(
    op_type: str,
    x: Array,
    constants: dict[str, Array],
    attributes: dict[str, Any],
    reason: str,
    tmp_path: Path,
) -> None:
    domain = MICROSOFT if op_type.startswith("QLinear") else ""
    constants = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in constants.items()}
    operands = ["x", *constants]
    if domain:
        constants = {"s": np.array(0.1, np.float32), "z": np.array(0, np.uint8)}
        operands = ["s", "z", "x", "s", "z"]
    each = helper.make_node(op_type, operands, ["y"], "the_node", domain=domain, **attributes)
    message = refusal(model_of([each], {"x": x}, constants, opset=21), tmp_path)
    assert "the_node" in message
    assert reason in message
