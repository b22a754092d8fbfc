"""Bytes at the border: casts of and to bytes, functions of stored bytes, one tensor with two scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx2wgsl.compiler.arithmetic import low_bytes
from onnx2wgsl.compiler.ir.types import Array

from tests.builders.nodes import model_of, run_node
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.refusals import refusal

CODES = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}
EVERY_BYTE = np.arange(256, dtype=np.uint8).reshape(1, 4, 8, 8)
HARD = np.array(
    [-1.5, -0.99, 0.99, 255.99, 256, -129, 300, 2.0**31 - 128, 2.0**31, -(2.0**31), 1e20, np.inf, -np.inf,
     np.nan],
    np.float32,
)  # fmt: skip


@pytest.mark.parametrize("to", CODES)
def test_a_float_is_cut_off_to_the_low_byte_of_an_int32(to: type) -> None:
    """Wherever it stands: alone, in a vector, at its end."""
    for count in (1, 3, 14, 33, 4099):
        x = np.resize(HARD, count)
        y = run_node("Cast", {"x": x}, {}, to=CODES[to])
        assert (y.view(np.uint8) == low_bytes(x)).all()


@pytest.mark.parametrize("to", CODES)
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.bool_])
def test_a_cast_to_bytes_is_exact(dtype: type, to: type, tmp_path: Path) -> None:
    x = np.resize(HARD if dtype == np.float32 else [0, 1, 300, -7], (1, 5, 3, 7)).astype(dtype)
    cast = helper.make_node("Cast", ["x"], ["y"], to=CODES[to])
    model = model_of([cast], {"x": x}, {})
    if dtype == np.float32:
        assert_exact(model, tmp_path, feeds=[{"x": x}])
    assert_exact_on_gpu(model, tmp_path)


@pytest.mark.parametrize("to", [TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL])
@pytest.mark.parametrize("dtype", CODES)
def test_a_cast_of_bytes_is_a_table(dtype: type, to: int, tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=to)
    program_of = model_of([cast], {"x": EVERY_BYTE.view(dtype)}, {})
    assert "float_map" not in {kernel.kind for kernel in assert_exact_on_gpu(program_of, tmp_path).kernels}


def picture_model() -> onnx.ModelProto:
    """A picture, channels last, in and out as bytes, as super-resolution networks have it."""
    constants = {
        "scale": np.float32(1 / 255), "mean": np.array([0.4, 0.5, 0.6], np.float32).reshape(3, 1, 1),
        "s": np.float32(0.01), "z": np.uint8(90), "full": np.float32(255), "low": np.float32(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["first", "scale"], ["unit"]),
        helper.make_node("Sub", ["unit", "mean"], ["centred"]),
        helper.make_node("QuantizeLinear", ["centred", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Mul", ["d", "full"], ["shown"]),
        helper.make_node("Clip", ["shown", "low", "full"], ["inside"]),
        helper.make_node("Cast", ["inside"], ["y"], to=TensorProto.UINT8),
    ]
    return model_of(nodes, {"x": np.zeros((1, 5, 6, 3), np.uint8)}, constants)


def test_a_picture_of_bytes_goes_through_tables_alone(tmp_path: Path) -> None:
    program = assert_exact_on_gpu(picture_model(), tmp_path)
    assert not [kernel for kernel in program.kernels if kernel.is_float]


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize(
    ("op_type", "bounds"), [("Clip", [3, 100]), ("Max", [7]), ("Min", [7]), ("Abs", []), ("Greater", [9])]
)
def test_a_function_of_stored_bytes_is_a_table(
    op_type: str, bounds: list[int], dtype: type, tmp_path: Path
) -> None:
    constants: dict[str, Array] = {f"c{n}": np.array(bound, dtype) for n, bound in enumerate(bounds)}
    node = helper.make_node(op_type, ["x", *constants], ["y"])
    assert_exact_on_gpu(model_of([node], {"x": EVERY_BYTE.view(dtype)}, constants), tmp_path)


def test_a_clip_between_quantize_and_dequantize(tmp_path: Path) -> None:
    """As quantize-aware training for fewer bits leaves it."""
    constants: dict[str, Any] = {
        "s": np.float32(0.1),
        "z": np.uint8(0),
        "low": np.uint8(0),
        "high": np.uint8(127),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("Clip", ["q", "low", "high"], ["clipped"]),
        helper.make_node("DequantizeLinear", ["clipped", "s", "z"], ["y"]),
    ]
    assert_exact_on_gpu(model_of(nodes, {"x": np.zeros((1, 4), np.float32)}, constants, opset=13), tmp_path)


@pytest.mark.parametrize("dtype", CODES)
def test_one_tensor_with_two_scales(dtype: type, tmp_path: Path) -> None:
    """Both are read in a table of the one tensor."""
    constants: dict[str, Any] = {"s": np.float32(0.1), "z": dtype(100), "t": np.float32(0.2), "w": dtype(0)}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["a"]),
        helper.make_node("DequantizeLinear", ["x", "t", "w"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    program = assert_exact_on_gpu(model_of(nodes, {"x": EVERY_BYTE.view(dtype)}, constants), tmp_path)
    assert not [kernel for kernel in program.kernels if kernel.is_float]


def test_a_function_of_two_tensors_of_bytes_is_refused(tmp_path: Path) -> None:
    model = model_of(
        [helper.make_node("Max", ["x", "y"], ["z"])], {"x": EVERY_BYTE, "y": EVERY_BYTE}, {}, "z"
    )
    assert "%x is u8" in refusal(model, tmp_path)


def test_an_integer_convolution_of_three_axes_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("ConvInteger", ["x", "w"], ["y"], name="conv")
    model = model_of(
        [node], {"x": np.zeros((1, 1, 2, 2, 2), np.uint8)}, {"w": np.ones((1, 1, 1, 1, 1), np.uint8)}
    )
    assert "ConvInteger 'conv': its input has 5 dimensions; 3 and 4" in refusal(model, tmp_path)
