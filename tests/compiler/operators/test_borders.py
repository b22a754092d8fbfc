"""Inputs and outputs of bool, int32 and int64."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.builders.between import model
from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact_on_gpu
from tests.compiler.refusals import refusal


@pytest.mark.parametrize("dtype", [bool, np.int64, np.int32])
def test_an_input_moved_to_an_output(dtype: type, tmp_path: Path) -> None:
    """Beside a quantized part, so that there is something to compile."""
    onnx_model = model("Tanh", [(2, 3)], (0.01, 128))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    onnx_model.graph.input.append(helper.make_tensor_value_info("other", kind, [3, 5]))
    onnx_model.graph.output.append(helper.make_tensor_value_info("moved", kind, [5, 3]))
    onnx_model.graph.node.append(helper.make_node("Transpose", ["other"], ["moved"], perm=[1, 0]))
    assert_exact_on_gpu(onnx_model, tmp_path)


def test_other_inputs_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    assert "float64" in refusal(model_of([node], {"x": np.zeros(3, np.float64)}, {}), tmp_path)
