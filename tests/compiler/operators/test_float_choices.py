"""Pools, reductions and Where on floats: exact too, since they only pick elements."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.builders.between import model
from tests.compiler.exactness import assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels

FLOATS = [2, 5, 6, 7]
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("MaxPool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]}, "window"),
    ("GlobalMaxPool", {}, "window"),
    ("ReduceMin", {"axes": [1, 3], "keepdims": 0}, "window"),
    ("ReduceMax", {"axes": [0, 1]}, "window"),
    ("ArgMax", {"axis": 2, "select_last_index": 1}, "arg"),
    ("ArgMin", {"axis": 3, "keepdims": 0}, "arg"),
]


def beside(op_type: str, inputs: list[str], **attributes: Any) -> onnx.ModelProto:
    """A model whose other part is quantized, so that there is something to compile."""
    onnx_model = model("Tanh", [(2, 3)], (0.01, 128))
    onnx_model.graph.input.append(helper.make_tensor_value_info("f", 1, FLOATS))
    kind = onnx.TensorProto.INT64 if op_type.startswith("Arg") else onnx.TensorProto.FLOAT
    onnx_model.graph.node.append(helper.make_node(op_type, inputs, ["picked"], **attributes))
    onnx_model.graph.output.append(helper.make_tensor_value_info("picked", kind, None))
    return onnx_model


@pytest.mark.parametrize(("op_type", "attributes", "kernel"), CASES)
def test_of_floats(op_type: str, attributes: dict[str, Any], kernel: str, tmp_path: Path) -> None:
    program = assert_exact_on_gpu(beside(op_type, ["f"], **attributes), tmp_path)
    assert kernel in kernels(program)


def test_where(tmp_path: Path) -> None:
    onnx_model = beside("Where", ["condition", "f", "g"])
    onnx_model.graph.input.append(helper.make_tensor_value_info("g", 1, [7]))
    condition = np.random.default_rng(0).integers(0, 2, (5, 1, 7)).astype(bool)
    onnx_model.graph.initializer.append(onnx.numpy_helper.from_array(condition, "condition"))
    assert "select" in kernels(assert_exact_on_gpu(onnx_model, tmp_path))
