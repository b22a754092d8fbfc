"""Each formula against onnxruntime, bit for bit, where it is easiest to get wrong."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from onnx import helper
from onnx2wgsl.compiler.arithmetic import (
    convolve,
    dequantize_linear,
    float_from_order,
    float_order,
    is_implied,
    pad_indices,
    quantize_bias,
    quantize_linear,
    quantize_thresholds,
    requantize,
    requantize_multiplier,
    resize_indices,
    wrap_i32,
)
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.between import LIMITS
from tests.builders.nodes import Array, model_of, run_node

SCALES = [0.1, 0.0078125, 1 / 255, 3.0, 1e-3, 2.0**-20, 1e30, 1e-30, 1e-38, 3.4e38, 1e-44]
SPECIAL = [np.inf, -np.inf, np.nan, -np.nan, 0.0, -0.0, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38]


@functools.cache
def awkward(scale: float) -> Array:
    """Floats at and beside the rounding ties of a scale, random bit patterns and special values."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        ties = ((np.arange(-600, 600) + 0.5) * np.float64(np.float32(scale))).astype(np.float32)
        beside = [np.nextafter(ties, np.float32(side)) for side in (-np.inf, np.inf)]
    random = rng.integers(0, 2**32, 4000, np.uint64).astype(np.uint32).view(np.float32)
    return np.concatenate([ties, *beside, random, np.array(SPECIAL, np.float32)])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_quantize_linear(scale: float, dtype: type) -> None:
    x = awkward(scale)
    low, high = LIMITS[dtype]
    for zero_point in (low, (low + high) // 2, high):
        constants = {"s": np.float32(scale), "z": dtype(zero_point)}
        expected = run_node("QuantizeLinear", {"x": x}, constants)
        levels = quantize_linear(x, scale, zero_point, (low, high))
        assert levels.astype(dtype).tolist() == expected.tolist()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_dequantize_linear(scale: float, dtype: type) -> None:
    q = np.arange(256).astype(np.uint8).view(dtype)
    for zero_point in (*LIMITS[dtype], 7):
        constants = {"s": np.float32(scale), "z": dtype(zero_point)}
        expected = run_node("DequantizeLinear", {"q": q}, constants)
        real = dequantize_linear(q, np.float32(scale), zero_point)
        assert real.view(np.uint32).tolist() == expected.view(np.uint32).tolist()


def test_dequantize_linear_of_int32() -> None:
    rng = np.random.default_rng(0)
    q = rng.integers(-(2**31), 2**31, 3000).astype(np.int32)
    expected = run_node("DequantizeLinear", {"q": q}, {"s": np.float32(0.1)})
    assert dequantize_linear(q, np.float32(0.1), 0).tolist() == expected.tolist()


@pytest.mark.parametrize("zero_point", [0, 100, 255])
def test_requantize_near_ties(zero_point: int) -> None:
    """1x1 convolutions of one channel: the bias is the accumulator, every channel has a scale."""
    rng = np.random.default_rng(zero_point)
    count, (sx, sy) = 3000, (np.float32(0.013), np.float32(0.37))
    sw = rng.choice([0.01, 0.1, 1 / 3, 2.0**-9, 1e-4, 0.7], count).astype(np.float32)
    multiplier = requantize_multiplier(float(sx), sw, float(sy))
    levels = rng.integers(-300, 300, count) + 0.5
    with np.errstate(all="ignore"):
        exact = levels / multiplier.astype(np.float64) + rng.integers(-1, 2, count)
    accumulator = np.clip(np.rint(exact), -(2**31), 2**31 - 1).astype(np.int64).astype(np.int32)
    accumulator[:6] = [2**31 - 1, -(2**31), 2**24 + 1, -(2**24) - 3, 0, -1]
    constants = {
        "sx": sx,
        "zx": np.uint8(0),
        "w": np.zeros((count, 1, 1, 1), np.int8),
        "sw": sw,
        "zw": np.zeros(count, np.int8),
        "sy": sy,
        "zy": np.uint8(zero_point),
        "b": accumulator,
    }
    x = np.zeros((1, 1, 1, 1), np.uint8)
    expected = run_node("QLinearConv", {"x": x}, constants).reshape(-1)
    outputs = requantize(accumulator, multiplier, zero_point, (0, 255))
    assert outputs.tolist() == expected.tolist()


def test_multiplier_is_rounded_twice() -> None:
    sx, sw, sy = np.float32(0.1), np.float32(0.3), np.float32(0.7)
    multiplier = requantize_multiplier(0.1, np.array([0.3], np.float32), 0.7)
    assert multiplier.dtype == np.float32
    assert multiplier[0] == (sx * sw) / sy


def test_bias_is_rounded_to_even_and_saturates() -> None:
    bias = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e20, -1e20, 0.0], np.float32)
    integers = quantize_bias(bias, 1.0, np.ones(8, np.float32))
    assert integers.tolist() == [0, 2, 2, 0, -2, 2**31 - 1, -(2**31), 0]


def test_convolve_wraps_like_int32() -> None:
    x = np.full((1, 1, 1, 1), 2**16, np.int64)
    weight = np.full((1, 1, 1, 1), 2**15, np.int64)
    assert convolve(x, weight, (1, 1), (1, 1)).item() == -(2**31)
    assert wrap_i32(np.array([2**31, -(2**31) - 1, 2**32])).tolist() == [-(2**31), 2**31 - 1, 0]


@pytest.mark.parametrize(
    ("op_type", "dtype", "implied"),
    [
        ("DequantizeLinear", np.int32, True),
        ("DequantizeLinear", np.uint8, True),
        ("DequantizeLinear", np.int8, True),
        ("DequantizeLinear", np.int16, False),
        ("QuantizeLinear", np.uint8, True),
        ("QuantizeLinear", np.int8, False),  # it would silently become uint8
        ("QuantizeLinear", np.uint16, False),
        ("QLinearConv", np.uint8, False),
    ],
)
def test_which_zero_points_are_implied(op_type: str, dtype: type, implied: bool) -> None:
    assert is_implied(np.zeros(3, dtype), op_type, np.dtype(dtype)) == implied
    assert not is_implied(np.array([0, 1, 0], dtype), op_type, np.dtype(dtype))


# --- indices

COORDINATES = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
ROUNDINGS = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
SIZES = [(1, 1), (1, 3), (2, 5), (3, 2), (4, 4), (5, 1), (5, 13), (7, 14), (9, 4), (10, 25), (8, 3)]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_resize_indices_by_sizes(coordinates: str, rounding: str) -> None:
    modes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    for size, result in SIZES:
        x = np.arange(size, dtype=np.float32).reshape(1, 1, 1, size)
        expected = resize({"x": x}, {"sizes": np.array([1, 1, 2, result])}, modes)[:result]
        scale = np.float32(result) / np.float32(size)
        indices = resize_indices(size, result, float(scale), coordinates, rounding)
        assert indices.tolist() == expected.tolist(), (size, result)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_resize_indices_by_scales(coordinates: str, rounding: str) -> None:
    modes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    for size in (1, 2, 3, 5, 8, 13):
        for scale in np.array([1, 2, 3, 0.5, 1.5, 0.3, 2.7, 1.1, 0.9, 3.3], np.float32):
            result = int(np.floor(scale * np.float32(size)))
            if result < 1:
                continue
            x = np.arange(size, dtype=np.float32).reshape(1, 1, 1, size)
            # Two rows of one: a Resize to the same shape would copy, whatever its scales say.
            scales = np.array([1, 1, 2, scale], np.float32)
            expected = resize({"x": x}, {"scales": scales}, modes)[:result]
            indices = resize_indices(size, result, float(scale), coordinates, rounding)
            assert indices.tolist() == expected.tolist(), (size, scale)


def resize(inputs: dict[str, Array], constants: dict[str, Array], modes: dict[str, str]) -> Array:
    """Source columns of onnxruntime's nearest Resize."""
    by_size = "sizes" in constants
    names = ["x", "", "", "sizes"] if by_size else ["x", "", "scales"]
    node = helper.make_node("Resize", names, ["y"], mode="nearest", **modes)
    model = model_of([node], inputs, constants)
    return Oracle(model).run(inputs)["y"].reshape(-1).astype(np.int64)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_pad_indices(mode: str) -> None:
    for size in (1, 2, 3, 5):
        for before in range(4):
            for after in range(4):
                if mode == "reflect" and max(before, after) >= size:
                    continue
                x = np.arange(size, dtype=np.float32).reshape(1, 1, 1, size)
                pads = np.array([0, 0, 0, before, 0, 0, 0, after])
                constants = {"pads": pads, "value": np.float32(-1)}
                expected = run_node("Pad", {"x": x}, constants, mode=mode).reshape(-1)
                assert pad_indices(size, before, after, mode).tolist() == expected.tolist()


# --- thresholds


def test_float_order_is_the_order_of_floats() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 20000, np.uint64).astype(np.uint32)
    x = np.sort(bits.view(np.float32)[~np.isnan(bits.view(np.float32))])
    x = np.concatenate([[-np.inf], x, [np.inf]]).astype(np.float32)
    keys = float_order(x)
    assert (np.diff(keys.astype(np.int64)) >= 0).all()
    assert float_from_order(keys).tobytes() == x.tobytes()
    assert float_order(np.array([-0.0, 0.0], np.float32)).tolist() == [-1, 0]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("limits", [(0, 255), (-128, 127)])
def test_thresholds_are_quantize_linear(scale: float, limits: tuple[int, int]) -> None:
    low, high = limits
    for zero_point in (low, (low + high) // 2, high):
        thresholds = quantize_thresholds(scale, zero_point, limits)
        assert thresholds.shape == (255,)
        reached = thresholds[thresholds != 0x7FFFFFFF].astype(np.int64)
        infinity = int(float_order(np.array([np.inf], np.float32))[0])
        beside = np.concatenate([reached + step for step in (-1, 0, 1)])
        beside = beside[(beside >= -infinity - 1) & (beside <= infinity)]
        x = np.concatenate([awkward(scale), float_from_order(beside)])
        x = x[~np.isnan(x)]
        levels = low + np.searchsorted(thresholds, float_order(x), side="right")
        assert levels.tolist() == quantize_linear(x, scale, zero_point, limits).tolist()
