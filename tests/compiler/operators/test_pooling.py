"""Pools: what becomes an integer op, and their bits at every stage."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.onnx_op import FloatOp
from onnx2wgsl.compiler.passes.fuse_moves import FuseMoves
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.between import X, model
from tests.builders.ir import check, check_fused, check_left_in_float
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels
from tests.compiler.refusals import refusal

GRAPH = """
graph @t (%x: u8[1,2,4,4]{{s=0.5, z=7}}) -> ("y": %y{outputs}) opset 21 {{
  @sx: f32[] = [0.5]
  @zx: u8[] = [7]
  @sy: f32[] = [0.25]
  @zy: {y}[] = [9]
  %d: f32[1,2,4,4] = dequantize(%x, scale=@sx, zero_point=@zx)
  %p: f32[1,2,{size}] = {pool}
  {between}
  %y: {y}[1,2,{size}]{{s=0.25, z=9}} = quantize({last}, scale=@sy, zero_point=@zy)
}}
"""
AVERAGE = 'float([%d], op_type="AveragePool", attributes={"kernel_shape": [2, 2], "count_include_pad": 1})'
GLOBAL = 'float([%d], op_type="GlobalAveragePool")'


def graph(pool: str, size: str, **changes: str) -> str:
    fields = {"y": "u8", "outputs": "", "between": "", "last": "%p"} | changes
    return GRAPH.format(pool=pool, size=size, **fields)


def test_an_average_pool_between_dequantize_and_quantize() -> None:
    expected = """
    graph @t (%x: u8[1,2,4,4]{s=0.5, z=7}) -> ("y": %y) opset 21 {
      %y: u8[1,2,3,3]{s=0.25, z=9} = qaverage_pool(%x, kernel=[2, 2], count_include_pad=true)
    }
    """
    check_fused(graph(AVERAGE, "3,3"), expected)


def test_a_global_average_pool_between_dequantize_and_quantize() -> None:
    expected = """
    graph @t (%x: u8[1,2,4,4]{s=0.5, z=7}) -> ("y": %y) opset 21 {
      %y: u8[1,2,1,1]{s=0.25, z=9} = qglobal_average_pool(%x)
    }
    """
    check_fused(graph(GLOBAL, "1,1"), expected)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"y": "s8"}, "it takes u8 and gives s8"),
        ({"outputs": ', "p": %p'}, "is a float graph output"),
        (
            {"between": '%r: f32[1,2,1,1] = elementwise([%p], op_type="Tanh")', "last": "%r"},
            "Tanh follows it",
        ),
    ],
)
def test_what_leaves_an_average_in_float(changes: dict[str, str], why: str) -> None:
    text = graph(GLOBAL, "1,1", **changes)
    check_left_in_float(text)
    parsed = parse_graph(text)
    (pool,) = [op for op in parsed.ops if isinstance(op, FloatOp)]
    assert why in str(explain(parsed, pool))


def test_max_pool_moves_past_dequantize_and_quantize() -> None:
    pool = "max_pool(%d, kernel=[2, 2], strides=[2, 2])"
    expected = """
    graph @t (%x: u8[1,2,4,4]{s=0.5, z=7}) -> ("y": %y) opset 21 {
      @sx: f32[] = [0.5]
      @zx: u8[] = [7]
      @sy: f32[] = [0.25]
      @zy: u8[] = [9]
      %p.q: u8[1,2,2,2]{s=0.5, z=7} = max_pool(%x, kernel=[2, 2], strides=[2, 2])
      %p: f32[1,2,2,2] = dequantize(%p.q, scale=@sx, zero_point=@zx)
      %y: u8[1,2,2,2]{s=0.25, z=9} = quantize(%p, scale=@sy, zero_point=@zy)
    }
    """
    check(FuseMoves(), graph(pool, "2,2"), expected)


MAX: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 5, 6, 7), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ((2, 5, 6, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((1, 6, 9), {"kernel_shape": [3], "strides": [2], "auto_pad": "SAME_UPPER"}),
    ((1, 6, 9, 8), {"kernel_shape": [2, 3], "dilations": [2, 2], "ceil_mode": 1}),
    ((1, 3, 4, 3, 5), {"kernel_shape": [2, 2, 2], "strides": [1, 1, 2]}),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("shape", "attributes"), MAX)
def test_max_pools(shape: tuple[int, ...], attributes: dict[str, Any], dtype: type, tmp_path: Path) -> None:
    program = assert_exact(model("MaxPool", [shape], X, dtype=dtype, **attributes), tmp_path)
    assert kernels(program) == ["window"]


def test_a_max_pool_of_floats_in_blocks_of_channels_is_no_sum(tmp_path: Path) -> None:
    """onnxruntime reorders floats to blocks of 8 channels with AVX2, of 16 with AVX-512."""
    onnx_model = model("MaxPool", [(1, 16, 5, 4)], (0.03, 107), kernel_shape=[2, 2])
    optimized = Oracle(onnx_model).optimized.graph.node
    assert "com.microsoft.nchwc" in [node.domain for node in optimized]
    assert_exact(onnx_model, tmp_path)


AVERAGES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 6, 7, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((2, 5, 7, 7), {"kernel_shape": [3, 2], "pads": [1, 1, 1, 0], "count_include_pad": 1}),
    ((1, 6, 9), {"kernel_shape": [2], "strides": [2], "ceil_mode": 1}),
    ((1, 6, 8, 8), {"kernel_shape": [2, 2], "strides": [2, 2]}),
]


@pytest.mark.parametrize("result", [X, (0.03, 107)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("shape", "attributes"), AVERAGES)
def test_averages(
    shape: tuple[int, ...],
    attributes: dict[str, Any],
    dtype: type,
    result: tuple[float, int],
    tmp_path: Path,
) -> None:
    onnx_model = model("AveragePool", [shape], result, dtype=dtype, **attributes)
    assert _reduction(assert_exact(onnx_model, tmp_path)) == "average"


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a_kernel_as_large_as_the_picture_is_averaged_globally(dtype: type, tmp_path: Path) -> None:
    onnx_model = model("AveragePool", [(2, 6, 4, 5)], dtype=dtype, kernel_shape=[4, 5])
    assert _reduction(assert_exact(onnx_model, tmp_path)) == "sum"


@pytest.mark.parametrize("shape", [(2, 6, 7, 7), (1, 5, 9)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_global_averages(shape: tuple[int, ...], dtype: type, tmp_path: Path) -> None:
    program = assert_exact(model("GlobalAveragePool", [shape], dtype=dtype), tmp_path)
    assert _reduction(program) == "sum"


def _reduction(program: Program) -> str:
    (kernel,) = [kernel for kernel in program.kernels if kernel.kind == "window"]
    return str(kernel.reduce)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [
        ("MaxPool", {"kernel_shape": [3, 3], "pads": [1, 0, 1, 2]}),
        ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("GlobalAveragePool", {}),
    ],
)
def test_on_the_device(op_type: str, attributes: dict[str, Any], tmp_path: Path) -> None:
    assert_exact_on_gpu(model(op_type, [(2, 5, 6, 7)], **attributes), tmp_path)


def test_a_transpose_beside_a_pool_reads_the_input_in_other_planes(tmp_path: Path) -> None:
    onnx_model = model("MaxPool", [(1, 2, 1, 2)], None, kernel_shape=[1, 1])
    onnx_model.graph.node.add(op_type="Transpose", input=["x0_d"], output=["t"]).attribute.append(
        onnx.helper.make_attribute("perm", [0, 2, 1, 3])
    )
    onnx_model.graph.output.append(onnx.helper.make_tensor_value_info("t", 1, [1, 1, 2, 2]))
    assert_exact(onnx_model, tmp_path)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"kernel_shape": [2, 2], "dilations": [6, 1], "pads": [3, 0, 3, 0]}, "smaller than kernel"),
    ],
)
def test_refused_max_pools(attributes: dict[str, Any], why: str, tmp_path: Path) -> None:
    assert why in refusal(model("MaxPool", [(1, 3, 2, 4)], X, **attributes), tmp_path)
