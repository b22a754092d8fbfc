"""Linear Resize of bytes: its bits at every stage, to bytes and to floats."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.onnx_op import FloatOp

from tests.builders.between import X, model
from tests.builders.ir import check_left_in_float
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels

NONE = np.zeros(0, np.float32)
SHAPE = (2, 5, 4, 6)


def resize(how: Any, result: Any, dtype: type = np.uint8, **attributes: Any) -> onnx.ModelProto:
    """To sizes, or by factors where `how` holds floats."""
    factors = any(isinstance(number, float) for number in how)
    constants = [NONE, np.array(how, np.float32)] if factors else [NONE, NONE, np.array(how)]
    return model(
        "Resize", [SHAPE], result, dtype=dtype, constants=constants, mode="linear", opset=19,
        **attributes,
    )  # fmt: skip


CASES: list[tuple[Any, str]] = [
    ([1.0, 1, 2, 2], "half_pixel"),
    ([2, 5, 7, 3], "align_corners"),
    ([1, 1, 1.7, 1], "asymmetric"),
    ([1.0, 2, 2, 1], "half_pixel"),
    ([1, 1.5, 2.5, 1], "pytorch_half_pixel"),
    ([2, 5, 9, 9], "half_pixel_symmetric"),
]


@pytest.mark.parametrize("result", [X, (0.03, 107), None])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("how", "coordinates"), CASES)
def test_two_axes(how: Any, coordinates: str, dtype: type, result: Any, tmp_path: Path) -> None:
    onnx_model = resize(how, result, dtype, coordinate_transformation_mode=coordinates)
    assert kernels(assert_exact(onnx_model, tmp_path)) == ["interpolate"]


@pytest.mark.parametrize("result", [(0.03, 107), None])
@pytest.mark.parametrize("how", [[1.0, 1, 2, 2], [1, 1.5, 2.5, 1]])
def test_on_the_device(how: Any, result: Any, tmp_path: Path) -> None:
    assert_exact_on_gpu(resize(how, result), tmp_path)


def test_the_same_size_is_a_copy(tmp_path: Path) -> None:
    assert "interpolate" not in kernels(assert_exact(resize(list(SHAPE), (0.03, 107)), tmp_path))


GRAPH = """
graph @t (%x: u8[1,2,4,4]{{s=0.5, z=7}}) -> ("p": %p) opset {opset} {{
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  @none: f32[0] = []
  @scales: f32[4] = {scales}
  %d: f32[1,2,4,4] = dequantize(%x, scale=@sx, zero_point=@zx)
  %p: f32{shape} = float([%d, @none, @scales], op_type="Resize", attributes={{"mode": "linear"{more}}})
}}
"""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"opset": 10}, "opset 10"),
        ({"scales": "[2.0, 1.0, 2.0, 1.0]", "shape": "[2,2,8,4]"}, "other axes"),
        ({"more": ', "antialias": 1'}, "antialias"),
        (
            {"more": ', "coordinate_transformation_mode": "tf_crop_and_resize"'},
            "tf_crop_and_resize",
        ),
    ],
)
def test_what_leaves_it_in_float(changes: dict[str, Any], why: str) -> None:
    defaults = {"opset": 21, "scales": "[1.0, 1.0, 2.0, 2.0]", "shape": "[1,2,8,8]", "more": ""}
    text = GRAPH.format(**(defaults | changes))
    check_left_in_float(text)
    graph = parse_graph(text)
    (op,) = [op for op in graph.ops if isinstance(op, FloatOp)]
    assert why in str(explain(graph, op))
