"""Softmax: what becomes onnxruntime's table form, and its bits at every stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.errors import UnsupportedError
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain, groups
from onnx2wgsl.compiler.operators.onnx_op import FloatOp

from tests.builders.between import model
from tests.builders.ir import check_fused, check_left_in_float
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels

Shape = tuple[int, ...]
CASES: list[tuple[Shape, int, int]] = [
    ((5, 10), -1, 17),
    ((1, 7, 4, 5), 1, 17),
    ((2, 3, 4, 6), 3, 17),
    ((2, 3, 4, 6), 2, 17),
    ((2, 3, 4, 6), 2, 12),
    ((2, 5), 1, 11),
    ((5, 1), 1, 17),
    ((1, 300), 1, 17),
]
RESULTS = [(1 / 256, 0), (0.0017, 40)]
GRAPH = """
graph @t (%x: u8[2,3]{{s=0.5, z=7}}) -> ("y": %y) opset {opset} {{
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  @sy: f32[] = [{scale}]
  %d: f32[2,3] = dequantize(%x, scale=@sx, zero_point=@zx)
  %p: f32[2,3] = float([%d], op_type="Softmax")
  %y: {y}[2,3]{{s={scale}, z=0}} = quantize(%p, scale=@sy)
}}
"""


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("shape", "axis", "opset"), CASES)
def test_any_axis(shape: Shape, axis: int, opset: int, dtype: type, result: Any, tmp_path: Path) -> None:
    onnx_model = model("Softmax", [shape], result, dtype=dtype, axis=axis, opset=opset)
    assert "softmax" in kernels(assert_exact(onnx_model, tmp_path))


@pytest.mark.parametrize("length", [2, 4, 7])
@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_quotients_on_ties(length: int, scale: float, tmp_path: Path) -> None:
    """Rows of equal elements: the last bit of a term decides."""
    onnx_model = model("Softmax", [(60, length)], (0.1, 0), scales=[(scale, 0)], axis=1)
    rows = np.repeat(np.arange(60, dtype=np.uint8) * 4, length).reshape(60, length)
    assert_exact(onnx_model, tmp_path, feeds=[{"x0": rows}, {"x0": rows // 200 * 200}])


@pytest.mark.parametrize("axis", [1, 2])
def test_on_the_device(axis: int, tmp_path: Path) -> None:
    onnx_model = model("Softmax", [(2, 5, 6, 3)], RESULTS[0], scales=[(0.3, 90)], axis=axis)
    assert_exact_on_gpu(onnx_model, tmp_path)


@pytest.mark.parametrize(("opset", "attributes"), [(13, "axis=1"), (12, "axis=1, flat=true")])
def test_the_group(opset: int, attributes: str) -> None:
    expected = f"""
    graph @t (%x: u8[2,3]{{s=0.5, z=7}}) -> ("y": %y) opset {opset} {{
      %y: u8[2,3]{{s=0.25, z=0}} = qsoftmax(%x, {attributes})
    }}
    """
    check_fused(GRAPH.format(opset=opset, scale=0.25, y="u8"), expected)


def test_two_dtypes_leave_it_in_float() -> None:
    text = GRAPH.format(opset=21, scale=0.25, y="s8")
    check_left_in_float(text)
    graph = parse_graph(text)
    (op,) = [op for op in graph.ops if isinstance(op, FloatOp)]
    assert "it takes u8 and gives s8" in str(explain(graph, op))


@pytest.mark.parametrize("scale", [1e-8, 1e-45])
def test_a_scale_that_the_device_is_not_exact_for_is_refused(scale: float) -> None:
    graph = parse_graph(GRAPH.format(opset=21, scale=scale, y="u8"))
    with pytest.raises(UnsupportedError, match=r"the scale .* of its result is below 2\^-23: quantize anew"):
        groups(graph)
