"""Linear Resize of stored bytes: cut off towards zero, by the layout that onnxruntime has it in."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.operators.interpolation import InterpolationKernel

from tests.builders.nodes import model_of
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.refusals import refusal

SHAPE = (1, 6, 5, 4)


def model(
    how: list[Any], dtype: type = np.uint8, between_convolutions: bool = False, **attributes: Any
) -> onnx.ModelProto:
    """A Resize of an input, to sizes or by factors; or one between two QLinearConv."""
    by_factors = any(isinstance(number, float) for number in how)
    constants = {
        "how": np.array(how, np.float32 if by_factors else np.int64),
        "s": np.float32(0.05),
        "z": dtype(3),
        "w": np.random.default_rng(0).integers(-127, 128, (6, 6, 1, 1), np.int8),
        "zw": np.int8(0),
    }
    small = ["s", "z", "w", "s", "zw", "s", "z"]
    inputs = ["a", "", "how"] if by_factors else ["a", "", "", "how"]
    nodes = [helper.make_node("Resize", inputs, ["b"], mode="linear", **attributes)]
    ends = "a", "b"
    if between_convolutions:
        nodes.insert(0, helper.make_node("QLinearConv", ["x", *small], ["a"]))
        nodes.append(helper.make_node("QLinearConv", ["b", *small], ["y"]))
        ends = "x", "y"
    return model_of(nodes, {ends[0]: np.zeros(SHAPE, dtype)}, constants, ends[1], opset=19)


def runs_in_1024ths(program: Any) -> list[bool]:
    return [k.is_integer for k in program.kernels if isinstance(k, InterpolationKernel)]


HOW: list[tuple[list[Any], str]] = [
    ([1.0, 1, 2, 2], "half_pixel"),
    ([1, 6, 7, 9], "align_corners"),
    ([1.0, 1, 1.7, 0.6], "asymmetric"),
    ([1.0, 1, 1.5, 2.5], "pytorch_half_pixel"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("how", "coordinates"), HOW)
def test_channels_first(how: list[Any], coordinates: str, dtype: type, tmp_path: Path) -> None:
    onnx_model = model(how, dtype, coordinate_transformation_mode=coordinates)
    assert runs_in_1024ths(assert_exact(onnx_model, tmp_path)) == [False]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("how", "coordinates"), HOW)
def test_channels_last(how: list[Any], coordinates: str, dtype: type, tmp_path: Path) -> None:
    """Between convolutions ONNX Runtime has the channels last."""
    onnx_model = model(how, dtype, between_convolutions=True, coordinate_transformation_mode=coordinates)
    assert runs_in_1024ths(assert_exact(onnx_model, tmp_path)) == [True]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("between", [False, True])
def test_on_the_device(between: bool, dtype: type, tmp_path: Path) -> None:
    assert_exact_on_gpu(model([1.0, 1, 1.5, 2.5], dtype, between), tmp_path)


@pytest.mark.parametrize(
    ("how", "attributes", "why"),
    [
        ([1.0, 1, 2, 1], {}, "one axis only"),
        ([1.0, 1, 0.5, 0.5], {"antialias": 1}, "antialias"),
    ],
)
def test_refusals(how: list[Any], attributes: Any, why: str, tmp_path: Path) -> None:
    assert re.search(f"(?s){why}.*put it between", refusal(model(how, **attributes), tmp_path))
