"""Tensors and functions that no library is to read: refused in one message, before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.budgets import CONSTANT_ELEMENTS, ELEMENTS
from onnx2wgsl.compiler.frontend.driver import import_model

from tests.builders.edit import SHAPE, conv_model, node, save, set_initializer
from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact
from tests.compiler.refusals import refusal

Edit = Callable[[onnx.ModelProto], None]


def weights_of(model: onnx.ModelProto) -> TensorProto:
    return next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)


def too_short(model: onnx.ModelProto) -> None:
    weights_of(model).raw_data = weights_of(model).raw_data[:100]


def too_long(model: onnx.ModelProto) -> None:
    weights_of(model).raw_data += b"\0"


def too_few_numbers(model: onnx.ModelProto) -> None:
    tensor = weights_of(model)
    tensor.ClearField("raw_data")
    tensor.int32_data.extend([1] * 100)


def no_data(model: onnx.ModelProto) -> None:
    weights_of(model).ClearField("raw_data")


def negative_size(model: onnx.ModelProto) -> None:
    weights_of(model).dims[0] = -4


def huge(model: onnx.ModelProto) -> None:
    weights_of(model).dims[0] = 2**62


def unknown_dtype(model: onnx.ModelProto) -> None:
    weights_of(model).data_type = 99


def segment(model: onnx.ModelProto) -> None:
    weights_of(model).segment.begin = 1


def twice_a_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def twice_an_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(model.graph.input[0])


def twice_an_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(model.graph.output[0])


def twice_a_result(model: onnx.ModelProto) -> None:
    model.graph.node.append(model.graph.node[-1])


def input_as_a_result(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "x0"


def empty_scale(model: onnx.ModelProto) -> None:
    set_initializer(model, node(model, "QuantizeLinear").input[1], np.zeros(0, np.float32))


def short_attribute(model: onnx.ModelProto) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.zeros(4), "value"))
    constant.attribute[0].t.raw_data = b"\0"
    model.graph.node.insert(0, constant)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (too_short, "has 100 bytes of data, but int8[4, 3, 3, 3] takes 108"),
        (too_long, "has 109 bytes of data, but int8[4, 3, 3, 3] takes 108"),
        (too_few_numbers, "has no data for its 108 elements"),
        (no_data, "has no data for its 108 elements"),
        (negative_size, "has shape [-4, 3, 3, 3]; sizes can't be negative"),
        (huge, f"has 124,515,522,497,539,473,408 elements; at most {CONSTANT_ELEMENTS:,} are taken"),
        (unknown_dtype, "has no dtype that ONNX knows (99)"),
        (segment, "is a segment of a larger one"),
        (twice_a_constant, "two tensors of the model have the name 'constant_"),
        (twice_an_input, "two inputs of the model have the name 'x0'"),
        (twice_an_output, "two outputs of the model have the name '"),
        (twice_a_result, "two tensors of the model have the name '"),
        (input_as_a_result, "two tensors of the model have the name 'x0'"),
        (empty_scale, "QuantizeLinear 'QuantizeLinear_0': its operand 'constant_"),
        (short_attribute, "the constant 'value' has 1 bytes of data, but double[4] takes 32"),
    ],
)
def test_what_does_not_hold_together_is_refused(edit: Edit, reason: str, tmp_path: Path) -> None:
    model = conv_model()
    edit(model)
    message = refusal(model, tmp_path)
    assert "model.onnx: " in message
    assert reason in message


@pytest.mark.parametrize("step", [2**31, 2**40, -(2**40), -(2**63)])
def test_a_step_beyond_32_bits_is_refused(step: int, tmp_path: Path) -> None:
    operands = {
        "starts": np.array([0]),
        "ends": np.array([2]),
        "axes": np.array([1]),
        "steps": np.array([step]),
    }
    slices = helper.make_node("Slice", ["x", *operands], ["y"], "far")
    model = model_of([slices], {"x": np.zeros((1, 4), np.float32)}, operands)
    assert f"Slice 'far': its steps [{step}] exceed 32 bits" in refusal(model, tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    model = conv_model()
    node(model, "Conv").name = "0123456789"
    data = model.SerializeToString().replace(b"0123456789", b"01234\xee6789")
    assert "is no UTF-8: the file is damaged" in refusal(onnx.ModelProto.FromString(data), tmp_path)


@pytest.mark.parametrize("nodes", [["Tile"], ["Expand"], ["ConstantOfShape", "Add"]])
def test_a_result_is_refused_before_it_is_made(nodes: list[str], tmp_path: Path) -> None:
    sides = np.array([1, 1, 2**20, 2**20])
    chain = {
        "Tile": helper.make_node("Tile", ["x", "sides"], ["y"], "first"),
        "Expand": helper.make_node("Expand", ["x", "sides"], ["y"], "first"),
        "ConstantOfShape": helper.make_node("ConstantOfShape", ["sides"], ["c"]),
        "Add": helper.make_node("Add", ["x", "c"], ["y"]),
    }
    x = np.zeros((1, 1, 1, 1), np.float32)
    model = model_of([chain[name] for name in nodes], {"x": x}, {"sides": sides})
    assert f"has 1,099,511,627,776 elements; at most {ELEMENTS:,} are taken" in refusal(model, tmp_path)


def doubling(depth: int) -> onnx.ModelProto:
    """A function that calls the next one twice, and so on."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    functions = [
        helper.make_function("f", "f0", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opsets)
    ]
    for number in range(1, depth):
        calls = [
            helper.make_node(f"f{number - 1}", [a], [b], domain="f") for a, b in (("a", "t"), ("t", "b"))
        ]
        functions.append(helper.make_function("f", f"f{number}", ["a"], ["b"], calls, opsets))
    model = model_of(
        [helper.make_node(f"f{depth - 1}", ["x"], ["y"], domain="f")],
        {"x": np.zeros(SHAPE, np.float32)}, {}, opset=17,
    )  # fmt: skip
    model.opset_import.append(helper.make_opsetid("f", 1))
    model.functions.extend(functions)
    return model


def test_functions_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    message = refusal(doubling(40), tmp_path)
    assert "the model, with the bodies of its functions, has 1,649,267,441,663 nodes" in message


def test_a_function_that_calls_itself_is_refused(tmp_path: Path) -> None:
    model = doubling(3)
    model.functions[0].node[0].CopyFrom(helper.make_node("f2", ["a"], ["b"], domain="f"))
    assert "one that calls itself" in refusal(model, tmp_path)


def test_a_deep_chain_is_read(tmp_path: Path) -> None:
    names = ["x", *(f"r{n}" for n in range(2000)), "y"]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)]
    model = model_of(nodes, {"x": np.zeros(4, np.float32)}, {})
    assert len(import_model(save(model, tmp_path)).ops) == 2001


def test_sparse_constants_are_dense(tmp_path: Path) -> None:
    model = conv_model()
    tensor = weights_of(model)
    values = numpy_helper.to_array(tensor).reshape(-1)
    at = np.flatnonzero(values)
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(values[at], tensor.name), numpy_helper.from_array(at, "at"), tensor.dims
    )
    model.graph.sparse_initializer.append(sparse)
    model.graph.initializer.remove(tensor)
    assert_exact(model, tmp_path)
