"""Pools against onnxruntime over random windows, and the sums and thresholds a shader uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.arithmetic import (
    WindowAxis,
    average_levels,
    average_pool,
    average_terms,
    average_thresholds,
    float_from_order,
    float_order,
    global_average_pool,
    max_pool,
    pool_axis,
    pool_counts,
)
from onnx2wgsl.compiler.errors import CompileError

from tests.builders.between import LIMITS, draw_quantized, run_between, run_contrib

DTYPES = [np.uint8, np.int8]
AUTO_PADS = ["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]


def draw_pool(random: np.random.Generator) -> tuple[list[int], dict[str, Any]]:
    """Spatial sizes and the attributes of a pool over one to three axes."""
    rank = int(random.choice([1, 2, 2, 2, 3]))
    size, kernel, strides, dilations = (random.integers(1, most, rank).tolist() for most in (9, 5, 5, 3))
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    attributes["auto_pad"] = str(random.choice(AUTO_PADS))
    attributes["ceil_mode"] = int(random.integers(2))
    if attributes["auto_pad"] == "NOTSET":
        attributes["pads"] = [int(random.integers(0, k)) for k in kernel * 2]
    return size, attributes


def axes_of(size: list[int], attributes: dict[str, Any]) -> list[WindowAxis]:
    rank = len(size)
    pads = attributes.get("pads", [0] * 2 * rank)
    dilations = attributes.get("dilations", [1] * rank)
    return [
        pool_axis(
            size[i],
            attributes["kernel_shape"][i],
            attributes["strides"][i],
            dilations[i],
            (pads[i], pads[rank + i]),
            attributes["auto_pad"],
            bool(attributes["ceil_mode"]),
        )
        for i in range(rank)
    ]


@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool(dtype: type) -> None:
    random = np.random.default_rng(0)
    count = 0
    while count < 100:
        size, attributes = draw_pool(random)
        axes = axes_of(size, attributes)
        if any(axis.outputs == 0 for axis in axes):
            continue  # onnxruntime refuses it, or has nothing to compare
        x = random.integers(0, 256, (2, 3, *size)).astype(np.uint8).view(dtype)
        quantized = draw_quantized(random, dtype)
        expected = run_between("MaxPool", [(x, quantized)], quantized, runs_as="MaxPool", **attributes)
        assert max_pool(x, axes).tolist() == expected.tolist(), (size, attributes)
        count += 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_average_pool(dtype: type) -> None:
    random = np.random.default_rng(1)
    count = 0
    while count < 100:
        size, attributes = draw_pool(random)
        del attributes["dilations"]  # QLinearAveragePool has none
        include = bool(random.integers(2))
        axes = axes_of(size, attributes)
        if any(axis.outputs == 0 for axis in axes):
            continue
        x = random.integers(0, 256, (2, 3, *size)).astype(np.uint8).view(dtype)
        x_q, y_q = draw_quantized(random, dtype), draw_quantized(random, dtype)
        if count % 2:
            y_q = (x_q[0], y_q[1])  # ties in a quarter of the results
        expected = run_between(
            "AveragePool",
            [(x, x_q)],
            y_q,
            runs_as="QLinearAveragePool",
            count_include_pad=int(include),
            **attributes,
        )
        levels = average_pool(x, axes, x_q, y_q, LIMITS[dtype], include)
        assert levels.tolist() == expected.tolist(), (size, attributes, x_q, y_q)
        count += 1


def test_average_pool_of_dilations_is_no_model_for_onnxruntime() -> None:
    """It makes a QLinearAveragePool of it and then refuses the attribute."""
    x = np.zeros((1, 1, 5, 5), np.uint8)
    with pytest.raises(CompileError, match="dilations"):
        run_between(
            "AveragePool",
            [(x, (0.1, 0))],
            (0.1, 0),
            runs_as="QLinearAveragePool",
            kernel_shape=[2, 2],
            dilations=[2, 2],
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 7), (16, 16), (5,), (2, 3, 4)])
def test_global_average_pool(size: tuple[int, ...], dtype: type) -> None:
    random = np.random.default_rng(len(size))
    for _ in range(10):
        x = random.integers(0, 256, (2, 50, *size)).astype(np.uint8).view(dtype)
        x_q, y_q = draw_quantized(random, dtype), draw_quantized(random, dtype)
        y_q = (min(max(y_q[0], x_q[0] / 4), x_q[0] * 4), y_q[1])
        expected = run_between("GlobalAveragePool", [(x, x_q)], y_q, runs_as="QLinearGlobalAveragePool")
        levels = global_average_pool(x, x_q, y_q, LIMITS[dtype])
        assert levels.tolist() == expected.tolist()
        direct = run_contrib("QLinearGlobalAveragePool", [(x, x_q)], y_q, channels_last=0)
        assert levels.tolist() == direct.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_thresholds_on_the_sum(dtype: type) -> None:
    """The level of a sum is the number of thresholds it reaches, on sums and beside thresholds."""
    random = np.random.default_rng(4)
    limits = LIMITS[dtype]
    for count in (1, 2, 3, 4, 7, 9, 49):
        for _ in range(4):
            x_q, y_q = draw_quantized(random, dtype), draw_quantized(random, dtype)
            terms = average_terms(x_q, limits)
            total = np.zeros(4000, np.float32)
            for _ in range(count):
                total += random.choice(terms, 4000)
            thresholds = average_thresholds(count, x_q, y_q, limits)
            assert thresholds is not None
            reached = thresholds[thresholds != 0x7FFFFFFF].astype(np.int64)
            beside = np.concatenate([reached + step for step in (-1, 0, 1)])
            total = np.concatenate([total, float_from_order(beside)])
            total = total[np.abs(total) <= np.abs(terms).max() * np.float32(count)]
            levels = limits[0] + np.searchsorted(thresholds, float_order(total), side="right")
            assert (levels == average_levels(total, count, y_q, limits)).all()


def test_a_sum_beyond_int32_has_no_thresholds() -> None:
    assert average_thresholds(4, (1e9, 0), (1.0, 0), (0, 255)) is None


def test_counts() -> None:
    axis = pool_axis(5, 3, 2, pads=(1, 1))
    assert pool_counts([axis, axis], False).tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    assert pool_counts([axis, axis], True).tolist() == [[9] * 3] * 3


def test_ceil_mode_drops_a_window_that_starts_behind_the_input() -> None:
    assert pool_axis(5, 2, 3, pads=(1, 1), ceil_mode=True).outputs == 2
    assert pool_axis(4, 2, 3, ceil_mode=True).outputs == 2
