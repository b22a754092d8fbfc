"""Scales and zero points that are no good: taken as onnxruntime takes them, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.ir.types import Array

from tests.builders.edit import node, set_initializer
from tests.builders.nodes import MICROSOFT, model_of
from tests.builders.qdq import SHAPE, convolution, weights
from tests.compiler.exactness import assert_exact_on_gpu
from tests.compiler.refusals import refusal

CHANNELS = 6
PLACES = {
    "activation": ("QuantizeLinear", 0),
    "read": ("DequantizeLinear", 0),
    "weights": ("DequantizeLinear", 1),
    "bias": ("DequantizeLinear", 2),
    "result": ("QuantizeLinear", 1),
}


def per_channel() -> onnx.ModelProto:
    """A convolution of weights with a scale for each channel, and an int32 bias."""
    w = weights(CHANNELS, scale=np.full(CHANNELS, 0.004, np.float32), zero_point=np.zeros(CHANNELS, np.int8))
    return convolution(w, bias=np.arange(CHANNELS, dtype=np.int32))


def with_scale(place: str, number: float) -> tuple[onnx.ModelProto, str]:
    """That model with `number` for a scale, or for the third of several; the node that has it."""
    model = per_channel()
    each = node(model, *PLACES[place])
    scales = np.full(CHANNELS if place in ("weights", "bias") else (), 0.004, np.float32)
    if scales.ndim:
        scales[2] = number
    else:
        scales[...] = number
    set_initializer(model, each.input[1], scales)
    return model, each.name or each.output[0]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, -0.05, -0.0, 3e38])
@pytest.mark.parametrize("place", PLACES)
def test_a_scale_that_is_no_number_from_0_on_is_refused(place: str, number: float, tmp_path: Path) -> None:
    model, name = with_scale(place, number)
    message = refusal(model, tmp_path)
    assert name in message
    assert f"is {np.float32(number)}" in message


@pytest.mark.parametrize("number", [0.0, 1e-45, 1e-40])
def test_a_channel_of_weights_may_have_a_tiny_scale(number: float, tmp_path: Path) -> None:
    model, _ = with_scale("weights", number)
    set_initializer(model, node(model, "DequantizeLinear", 2).input[1], np.float32(0.0002).repeat(CHANNELS))
    del node(model, "Conv").input[2:]
    assert_exact_on_gpu(model, tmp_path)


@pytest.mark.parametrize(("place", "number"), [("activation", 0.0), ("result", 0.0)])
def test_an_activation_has_no_scale_0(place: str, number: float, tmp_path: Path) -> None:
    model, name = with_scale(place, number)
    assert f"QuantizeLinear {name!r}: operand 1, the scale of an activation, is 0.0" in refusal(
        model, tmp_path
    )


def product(scale: float, result: float | None, alpha: float = 1.0) -> onnx.ModelProto:
    """A QGemm of weights of that scale to bytes, or floats without the result's."""
    w = np.arange(-20, 20, dtype=np.int8).reshape(8, 5)
    inputs: dict[str, Array] = {"sa": np.float32(0.05), "za": np.uint8(100), "b": w}  # type: ignore[dict-item]
    inputs |= {"sb": np.float32(scale), "zb": np.int8(0)}  # type: ignore[dict-item]
    after = {} if result is None else {"sy": np.float32(result), "zy": np.uint8(3)}
    gemm = helper.make_node("QGemm", ["x", *inputs, "", *after], ["y"], domain=MICROSOFT, alpha=alpha)
    return model_of([gemm], {"x": np.zeros((2, 8), np.uint8)}, inputs | after)


@pytest.mark.parametrize(
    ("model", "multiplier"),
    [
        (product(1e30, 1e-10), "inf"),
        (product(0.01, 0.02, alpha=-1.0), "-0.025"),
        (product(1e-39, None), "4.99997"),
        (product(1e33, None), "5.0000001"),
    ],
)
def test_sums_that_no_device_is_sure_to_scale_exactly_are_refused(
    model: onnx.ModelProto, multiplier: str, tmp_path: Path
) -> None:
    """Beyond f32; of another sign, which the integer variant does not know; what devices flush to 0."""
    message = refusal(model, tmp_path)
    assert f": its scales multiply sums by {multiplier}" in message


def test_a_global_average_is_refused_where_onnxruntime_throws(tmp_path: Path) -> None:
    scales = {"s": np.float32(1e-20), "z": np.uint8(0), "sy": np.float32(1.0), "zy": np.uint8(0)}
    pool = helper.make_node("QLinearGlobalAveragePool", ["x", *scales], ["y"], domain=MICROSOFT)
    model = model_of([pool], {"x": np.zeros(SHAPE, np.uint8)}, scales)
    assert "onnxruntime takes 2.33e-10 to 256" in refusal(model, tmp_path)


@pytest.mark.parametrize(
    ("place", "zero_point", "reason"),
    [
        ("weights", np.zeros(CHANNELS, np.uint8), "bound to different types (tensor(int8) and tensor(uint8)"),
        ("weights", np.zeros(3, np.int8), "it has 3 zero points for 6 scales"),
        ("bias", np.ones(CHANNELS, np.int32), "is not 0, as that of int32 must be"),
        ("read", np.int8(3), "bound to different types (tensor(uint8) and tensor(int8)"),
    ],
)
def test_a_zero_point_must_fit(place: str, zero_point: Array, reason: str, tmp_path: Path) -> None:
    model = per_channel()
    each = node(model, *PLACES[place])
    set_initializer(model, each.input[2], zero_point)
    assert reason in refusal(model, tmp_path)


def test_there_are_as_many_scales_as_channels(tmp_path: Path) -> None:
    model = per_channel()
    each = node(model, "DequantizeLinear", 1)
    set_initializer(model, each.input[1], np.full(5, 0.1, np.float32))
    set_initializer(model, each.input[2], np.zeros(5, np.int8))
    assert "it has 5 scales for axis 0 of [6, 5, 3, 3]" in refusal(model, tmp_path)
