"""ReduceMax, ReduceMin, ArgMax and ArgMin: their bits at every stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.passes.fuse_moves import FuseMoves

from tests.builders.between import X, model
from tests.builders.ir import check
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels

Shape = tuple[int, ...]
REDUCED: list[tuple[Shape, dict[str, Any]]] = [
    ((2, 6, 7, 7), {"axes": [2, 3], "keepdims": 0}),
    ((2, 6, 7, 7), {"axes": [1], "keepdims": 1}),
    ((2, 6, 3, 4), {"axes": [1, 3], "keepdims": 0}),
    ((2, 3, 4, 5), {"keepdims": 0}),
    ((5, 6), {"axes": [-1], "keepdims": 1}),
    ((5, 6), {"axes": [0], "keepdims": 0}),
    ((7,), {"axes": [0]}),
]
INDEXED: list[tuple[Shape, dict[str, Any]]] = [
    ((1, 7, 5, 6), {"axis": 1}),
    ((2, 7, 5, 6), {"axis": 1, "keepdims": 0}),
    ((2, 7, 5, 6), {"axis": 3, "select_last_index": 1}),
    ((2, 7, 9), {"axis": -1, "keepdims": 0}),
    ((3, 10), {"axis": 0, "select_last_index": 1}),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("op_type", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize(("shape", "attributes"), REDUCED)
def test_the_greatest_and_the_least(
    op_type: str, shape: Shape, attributes: dict[str, Any], dtype: type, tmp_path: Path
) -> None:
    program = assert_exact(model(op_type, [shape], X, dtype=dtype, **attributes), tmp_path)
    assert kernels(program)[0] == "window"


def test_axes_as_an_operand(tmp_path: Path) -> None:
    axes = np.array([1, -1])
    assert_exact(model("ReduceMax", [(2, 5, 4)], (0.05, 3), constants=[axes], opset=18), tmp_path)


@pytest.mark.parametrize("spatial", [(5, 4), (9,)])
def test_global_max_pool(spatial: Shape, tmp_path: Path) -> None:
    assert_exact_on_gpu(model("GlobalMaxPool", [(2, 6, *spatial)], X), tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("op_type", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize(("shape", "attributes"), INDEXED)
def test_indices(op_type: str, shape: Shape, attributes: dict[str, Any], dtype: type, tmp_path: Path) -> None:
    program = assert_exact(model(op_type, [shape], None, dtype=dtype, **attributes), tmp_path)
    assert kernels(program) == ["arg"]


@pytest.mark.parametrize(
    ("op_type", "result", "attributes"),
    [
        ("ReduceMin", X, {"axes": [1], "keepdims": 1}),
        ("ArgMax", None, {"axis": 1, "select_last_index": 1}),
        ("ArgMin", None, {"axis": 3}),
    ],
)
def test_on_the_device(op_type: str, result: Any, attributes: dict[str, Any], tmp_path: Path) -> None:
    assert_exact_on_gpu(model(op_type, [(2, 6, 5, 3)], result, **attributes), tmp_path)


def test_an_index_is_that_of_the_stored_bytes() -> None:
    before = """
    graph @t (%x: u8[1,5]{s=0.5, z=7}) -> ("y": %y) opset 21 {
      @s: f32[] = [0.5]
      @z: u8[] = [7]
      %d: f32[1,5] = dequantize(%x, scale=@s, zero_point=@z)
      %y: i64[1] = arg_extreme(%d, axis=1, keepdims=false)
    }
    """
    after = """
    graph @t (%x: u8[1,5]{s=0.5, z=7}) -> ("y": %y) opset 21 {
      %y: i64[1] = arg_extreme(%x, axis=1, keepdims=false)
    }
    """
    check(FuseMoves(), before, after)
