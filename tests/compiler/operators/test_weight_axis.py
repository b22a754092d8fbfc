"""Several scales of weights: ONNX Runtime's integer ops take scale k for output k, whatever their axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.exact import compare_model

from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact, feeds_for


def scaled(
    op_type: str,
    x: tuple[int, ...],
    weights: tuple[int, ...],
    axis: int,
    *,
    bias: Any = None,
    quantized: bool = True,
    transpose: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    """`op_type` of bytes and of s8 weights with a scale for each slice along `axis`."""
    random = np.random.default_rng(0)
    count = weights[axis]
    constants = {
        "s": np.float32(0.05),
        "z": np.uint8(120),
        "w": random.integers(-128, 128, weights).astype(np.int8),
        "ws": random.uniform(0.005, 0.5, count).astype(np.float32),
        "wz": random.integers(-3, 4, count).astype(np.int8),
        "b": np.zeros(0) if bias is None else bias,
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=axis),
        helper.make_node("Transpose", ["wd"], ["wt"], perm=[1, 0]),
        helper.make_node(
            op_type, ["d", "wt" if transpose else "wd", *["b"] * (bias is not None)], ["r"], **attributes
        ),
        helper.make_node("QuantizeLinear", ["r", "s", "z"], ["y"]),
    ]
    nodes = nodes if transpose else [node for node in nodes if node.op_type != "Transpose"]
    if not quantized:
        nodes.pop()
        nodes[-1].output[0] = "y"
    return model_of(nodes, {"x": np.zeros(x, np.float32)}, constants, "y")


SQUARE = {
    "conv": scaled("Conv", (1, 3, 4, 4), (3, 3, 1, 1), 1),
    "conv over its window": scaled("Conv", (1, 3, 4, 4), (3, 3, 3, 3), 2),
    "conv along one axis": scaled("Conv", (1, 3, 4), (3, 3, 1), 1),
    "depthwise": scaled("Conv", (1, 3, 4, 4), (3, 1, 3, 3), 3, group=3),
    "gemm": scaled("Gemm", (2, 3), (3, 3), 0),
    "gemm, transposed": scaled("Gemm", (2, 3), (3, 3), 1, transB=1),
    "gemm to floats": scaled("Gemm", (2, 3), (3, 3), 0, quantized=False),
    "matmul": scaled("MatMul", (2, 3), (3, 3), 0),
    "matmul of a batch": scaled("MatMul", (2, 2, 3), (3, 3), 0),
    "matmul to floats": scaled("MatMul", (2, 3), (3, 3), 0, quantized=False),
    "matmul of a transpose": scaled("MatMul", (2, 3), (3, 3), 1, transpose=True),
}


@pytest.mark.parametrize("case", SQUARE)
def test_a_scale_of_another_axis_is_that_of_the_output(case: str, tmp_path: Path) -> None:
    assert_exact(SQUARE[case], tmp_path)


REFUSED = {
    "conv": (scaled("Conv", (1, 3, 4, 4), (2, 3, 1, 1), 1), "output channel", 3, 2),
    "groups": (scaled("Conv", (1, 6, 4, 4), (3, 2, 1, 1), 1, group=3), "output channel", 2, 3),
    "matmul": (scaled("MatMul", (2, 3), (3, 4), 0), "column", 3, 4),
    "matmul to floats": (scaled("MatMul", (2, 3), (3, 4), 0, quantized=False), "column", 3, 4),
    "matrices": (scaled("MatMul", (2, 2, 3), (2, 3, 4), 2), "column", 4, 1),
    "vector": (scaled("MatMul", (2, 3), (3,), 0), "column", 3, 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_onnxruntime_can_not_run_is_refused(case: str, tmp_path: Path) -> None:
    model, what, scales, outputs = REFUSED[case]
    oracle = reference_of(model)
    with pytest.raises(CompileError, match="failed to run"):
        oracle.run(feeds_for(oracle, 1)[0])
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(CompileError, match=f"scale k for {what} k .* with {scales} scales for {outputs}:"):
        compile_model(tmp_path / "m.onnx")


BIAS = np.array([0.5, -1, 2], np.float32)
FLOAT = {
    "conv with a float bias": scaled("Conv", (1, 3, 4, 4), (3, 3, 1, 1), 1, bias=BIAS),
    "gemm with a float bias": scaled("Gemm", (2, 3), (3, 3), 0, bias=BIAS),
    "gemm of other columns": scaled("Gemm", (2, 3), (3, 4), 0),
}


@pytest.mark.parametrize("case", FLOAT)
def test_what_onnxruntime_leaves_in_float_stays_there(case: str, tmp_path: Path) -> None:
    model = FLOAT[case]
    (group,) = reference_of(model).integer_groups().left_in_float
    assert "not known" not in group.reason
    onnx.save(model, tmp_path / "m.onnx")
    kinds = [kernel.kind for kernel in compile_model(tmp_path / "m.onnx").kernels]
    assert "float_reduce" in kinds
    assert not compare_model(model, feeds_for(reference_of(model), 1)).failed
