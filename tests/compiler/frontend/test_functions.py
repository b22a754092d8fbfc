"""Functions and branches are read as the nodes that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.fuzzing.builder import QDQBuilder
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits

from tests.builders.edit import SHAPE, node
from tests.builders.nodes import NodeBuilder
from tests.builders.qdq import U8, weights
from tests.compiler.exactness import assert_exact, feeds_for
from tests.compiler.refusals import refusal


def leaky_model() -> onnx.ModelProto:
    """LeakyRelu of alpha 0.5 between two convolutions."""
    b = QDQBuilder(17)
    y = b.unary(b.conv(b.input(SHAPE, U8), weights(4, 3), U8), "LeakyRelu", U8)
    b.output(b.conv(y, weights(3, 4), U8))
    model = b.build()
    node(model, "LeakyRelu").attribute.append(helper.make_attribute("alpha", 0.5))
    return model


def function(name: str, body: str, default: bool, opset: int = 17) -> onnx.FunctionProto:
    """A function of one node, to which it hands its attribute alpha on, by default 0.5."""
    domain = "f" if body.startswith("f") else ""
    inner = helper.make_node(body, ["a"], ["b"], domain=domain)
    reference = onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="alpha")
    inner.attribute.append(reference)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("f", 1)]
    defaults = [helper.make_attribute("alpha", 0.5)] if default else []
    names = [] if default else ["alpha"]
    return helper.make_function("f", name, ["a"], ["b"], [inner], opsets, names, defaults)


def call(model: onnx.ModelProto, name: str, *functions: onnx.FunctionProto, **attributes: Any) -> None:
    """Puts a call in the place of the LeakyRelu."""
    leaky = node(model, "LeakyRelu")
    leaky.CopyFrom(helper.make_node(name, leaky.input, leaky.output, leaky.name, domain="f", **attributes))
    model.functions.extend(functions)
    model.opset_import.append(helper.make_opsetid("f", 1))


def assert_same(changed: onnx.ModelProto, folder: Path) -> None:
    """It compiles, to what onnxruntime makes of the model without functions."""
    assert_exact(changed, folder)
    for feed in feeds_for(Oracle(changed)):
        assert same_bits(Oracle(changed).run(feed), Oracle(leaky_model()).run(feed))


@pytest.mark.parametrize("opset", [16, 17])
def test_a_function_is_inlined(opset: int, tmp_path: Path) -> None:
    model = leaky_model()
    call(model, "f", function("f", "LeakyRelu", default=False, opset=opset), alpha=0.5)
    assert_same(model, tmp_path)


def test_the_default_of_an_attribute_is_the_functions_own(tmp_path: Path) -> None:
    model = leaky_model()
    call(model, "f", function("f", "LeakyRelu", default=True))
    assert_same(model, tmp_path)


def test_the_default_of_an_inner_function_holds(tmp_path: Path) -> None:
    model = leaky_model()
    inner = function("f0", "LeakyRelu", default=True)
    outer = function("f1", "f0", default=False)
    del outer.node[0].attribute[:]
    call(model, "f1", inner, outer, alpha=0.25)
    assert_same(model, tmp_path)


def test_a_default_that_would_be_lost_is_refused(tmp_path: Path) -> None:
    model = leaky_model()
    call(model, "f1", function("f0", "LeakyRelu", default=True), function("f1", "f0", default=False))
    message = refusal(model, tmp_path)
    assert "f1 'LeakyRelu_" in message
    assert "leaves out the attribute 'alpha', which its function hands on" in message


def test_the_default_of_a_function_of_onnx_holds(tmp_path: Path) -> None:
    b = QDQBuilder(24)
    b.output(b.unary(b.conv(b.input(SHAPE, U8), weights(4, 3), U8), "Swish", U8))
    assert_exact(b.build(), tmp_path)


def branch(body: str, x: str) -> onnx.GraphProto:
    """A graph of one node on a tensor from outside."""
    attributes = {} if body == "Identity" else {"alpha": 0.5}
    body_node = helper.make_node(body, [x], ["inside"], **attributes)
    return helper.make_graph([body_node], "branch", [], [onnx.ValueInfoProto(name="inside")])


def make_conditional(model: onnx.ModelProto, condition: str, *bodies: str) -> None:
    """Puts an If in the place of the LeakyRelu."""
    leaky = node(model, "LeakyRelu")
    then, otherwise = (branch(body, leaky.input[0]) for body in bodies)
    fresh = helper.make_node(
        "If", [condition], leaky.output, leaky.name, then_branch=then, else_branch=otherwise
    )
    leaky.CopyFrom(fresh)


@pytest.mark.parametrize("truth", [True, False])
def test_the_branch_of_a_constant_condition_is_inlined(truth: bool, tmp_path: Path) -> None:
    model = leaky_model()
    bodies = ["LeakyRelu", "Elu"] if truth else ["Elu", "LeakyRelu"]
    make_conditional(model, "truth", *bodies)
    model.graph.initializer.append(numpy_helper.from_array(np.array(truth), "truth"))
    assert_same(model, tmp_path)


def test_a_branch_that_depends_on_a_shape_is_inlined(tmp_path: Path) -> None:
    model = leaky_model()
    constants = {"one": np.array([1]), "four": np.array([4])}
    make_conditional(model, "is_four", "LeakyRelu", "Elu")
    at = list(model.graph.node).index(node(model, "If"))
    leaf = node(model, "If").attribute[0].g.node[0].input[0]
    for new in (
        helper.make_node("Equal", ["size", "four"], ["is_four"]),
        helper.make_node("Gather", ["shape", "one"], ["size"]),
        helper.make_node("Shape", [leaf], ["shape"]),
    ):
        model.graph.node.insert(at, new)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    assert_same(model, tmp_path)


def test_a_branch_may_give_what_it_reads(tmp_path: Path) -> None:
    model = leaky_model()
    make_conditional(model, "truth", "Identity", "Elu")
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "truth"))
    assert_exact(model, tmp_path)


def test_a_condition_that_is_computed_is_refused_by_name(tmp_path: Path) -> None:
    model = leaky_model()
    make_conditional(model, "flag", "LeakyRelu", "Elu")
    model.graph.input.append(helper.make_tensor_value_info("flag", onnx.TensorProto.BOOL, []))
    message = refusal(model, tmp_path)
    assert "If 'LeakyRelu_" in message
    assert "this operator is not supported" in message


def test_an_operator_on_constants_is_folded_by_the_reference_not_by_its_definition(tmp_path: Path) -> None:
    """onnxruntime computes HannWindow in f64; ONNX's definition of it is in f32."""
    nodes = NodeBuilder()
    nodes.node("HannWindow", nodes.constant(np.int64(10)))
    assert_exact(nodes.build(), tmp_path)


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("RandomNormal", 0, {"shape": [2, 3]}),
        ("RandomUniformLike", 1, {}),
        ("Bernoulli", 1, {}),
    ],
)
def test_random_numbers_are_no_constants(
    op_type: str, operands: int, attributes: dict[str, Any], tmp_path: Path
) -> None:
    nodes = NodeBuilder()
    xs = [nodes.constant(np.full((2, 3), 0.5, np.float32)) for _ in range(operands)]
    nodes.node("Add", nodes.input(nodes.draw(2, 3)), nodes.node(op_type, *xs, **attributes))
    assert "it draws random numbers, anew at every run" in refusal(nodes.build(), tmp_path)


def test_dropout_of_a_constant_in_training_is_refused(tmp_path: Path) -> None:
    nodes = NodeBuilder()
    operands = (np.ones((2, 3), np.float32), np.float32(0.5), np.bool_(True))
    dropout = nodes.node("Dropout", *map(nodes.constant, operands))
    nodes.node("Add", nodes.input(nodes.draw(2, 3)), dropout)
    assert "its training_mode is on" in refusal(nodes.build(), tmp_path)
