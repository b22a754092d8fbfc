"""What onnxruntime refuses is refused with its words and the node; what it accepts is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.frontend.acceptance import refusal_at_run

from tests.builders.edit import SHAPE, conv_model, node, set_initializer
from tests.builders.nodes import model_of
from tests.builders.qdq import U8, QDQBuilder, weights
from tests.compiler.refusals import refusal

Edit = Callable[[onnx.ModelProto], None]


def set_attribute(model: onnx.ModelProto, op_type: str, name: str, value: object) -> None:
    attributes = node(model, op_type).attribute
    kept = [attribute for attribute in attributes if attribute.name != name]
    del attributes[:]
    attributes.extend([*kept, helper.make_attribute(name, value)])


def two_pads(model: onnx.ModelProto) -> None:
    set_attribute(model, "Conv", "pads", [1, 1])


def stride_of_zero(model: onnx.ModelProto) -> None:
    set_attribute(model, "Conv", "strides", [0, 1])


def kernel_shape_of_another(model: onnx.ModelProto) -> None:
    set_attribute(model, "Conv", "kernel_shape", [3, 3, 3])


def perm_that_repeats(model: onnx.ModelProto) -> None:
    replace_conv(model, helper.make_node("Transpose", [], [], perm=[0, 0, 1, 2]))


def concat_without_axis(model: onnx.ModelProto) -> None:
    replace_conv(model, helper.make_node("Concat", [], []))


def axis_out_of_range(model: onnx.ModelProto) -> None:
    replace_conv(model, helper.make_node("Concat", [], [], axis=4))


def blocks_of_zero(model: onnx.ModelProto) -> None:
    replace_conv(model, helper.make_node("DepthToSpace", [], [], blocksize=0))


def softmax_of_no_axis(model: onnx.ModelProto) -> None:
    replace_conv(model, helper.make_node("Softmax", [], [], axis=-9))


def replace_conv(model: onnx.ModelProto, new: onnx.NodeProto) -> None:
    """Puts a node on the same operand in its place."""
    conv = node(model, "Conv")
    new.name, new.input[:], new.output[:] = conv.name, conv.input[:1], conv.output
    conv.CopyFrom(new)


def scale_of_another_type(model: onnx.ModelProto) -> None:
    set_initializer(model, node(model, "QuantizeLinear").input[1], np.array(1, np.int32))


def cycle(model: onnx.ModelProto) -> None:
    node(model, "QuantizeLinear").input[0] = node(model, "Conv").output[0]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (two_pads, "pads has incorrect size"),
        (stride_of_zero, "strides must only contain positive values"),
        (kernel_shape_of_another, "kernel_shape"),
        (perm_that_repeats, "perm for Transpose has repeated value: 0"),
        (concat_without_axis, "Required attribute 'axis' is missing"),
        (axis_out_of_range, "axis must be in [-rank, rank-1]"),
        (blocks_of_zero, "Blocksize must be positive"),
        (softmax_of_no_axis, "'axis' must be in"),
    ],
)
@pytest.mark.parametrize("name", ["conv", ""])
def test_a_refusal_names_the_node(edit: Edit, words: str, name: str, tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").name = name
    output = node(model, "Conv").output[0]
    edit(model)
    message = refusal(model, tmp_path)
    assert "can't load the model: " in message
    assert words in message
    assert (name or output) in message
    assert "/onnxruntime_src" not in message
    assert "[ONNXRuntimeError]" not in message


@pytest.mark.parametrize(
    ("edit", "words"), [(scale_of_another_type, "tensor(int32)"), (cycle, "the graph is not acyclic")]
)
def test_a_refusal_of_the_graph(edit: Edit, words: str, tmp_path: Path) -> None:
    model = conv_model()
    edit(model)
    assert words in refusal(model, tmp_path)


def test_the_node_is_found_where_the_words_do_not_name_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Resize", ["r", "", "scales"], ["y"], "enlarged"),
        helper.make_node("Tanh", ["y"], ["z"]),
    ]
    scales = {"scales": np.float32([1, 1, np.nan, 2])}
    model = model_of(nodes, {"x": np.zeros(SHAPE, np.float32)}, scales, "z")
    assert "Scale value must be finite. (at Resize 'enlarged')" in refusal(model, tmp_path)


def test_an_operator_that_onnxruntime_lacks_is_listed_with_the_others(tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.conv(b.input(SHAPE, U8), weights(4, 3), U8)
    b._domains.add("com.microsoft")
    unknown = b._node("Unknown", [b.float_name(y)], domain="com.microsoft")
    b.output(b._finish(unknown, y.shape, U8))
    b.output(b.unary(y, "Trilu", U8))
    message = refusal(b.build(), tmp_path)
    assert "Unknown 'Unknown_" in message
    assert "Trilu 'Trilu_" in message


def test_what_only_its_optimizer_refuses(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, U8)
    b.output(b.node("Add", [x, b.unary(x, "Tanh", U8)], U8))
    model = b.build()
    scale = node(model, "QuantizeLinear", -1).input[1]
    set_initializer(model, scale, np.full((1, 1), U8.scale, np.float32))
    assert "Scale and Zero-point must be a scalar" in refusal(model, tmp_path)


def test_what_onnxruntime_loads_and_does_not_run() -> None:
    operands = {"w": np.ones((2, 3, 1, 1), np.float32)}
    conv = helper.make_node("ConvTranspose", ["x", "w"], ["y"])
    model = model_of([conv], {"x": np.zeros((1, 4, 2, 2), np.float32)}, operands)
    refused = refusal_at_run(model, "model.onnx")
    assert refused is not None
    assert "can't run the model: " in str(refused)
    assert "filter number not equal to input channel number" in str(refused)
