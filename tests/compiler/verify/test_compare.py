"""Tensors are compared by their bits, floats by the largest error, bytes by steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.verify.compare import (
    DISCRETE_TOLERANCE,
    TOLERANCE,
    Difference,
    Steps,
    compare,
    relative_error,
    same_bits,
    same_values,
)

F32 = np.float32


def f32(*values: float) -> Any:
    return np.array(values, F32)


def test_values_differ_where_their_bits_do() -> None:
    want = f32(0.0, 1.0, np.nan, np.inf)
    assert compare({"y": want}, {"y": want.copy()}) == Difference(values=4)
    difference = compare({"y": want}, {"y": f32(-0.0, 1.0, np.nan, np.inf)})
    assert (difference.differing, difference.first) == (1, "output 'y' [0] is -0.0, expected 0.0")
    other_nan = want.copy()
    other_nan.view(np.uint32)[2] ^= 1
    assert compare({"y": want}, {"y": other_nan}).differing == 1


@pytest.mark.parametrize("have", [np.zeros((2, 3), np.int8), np.zeros((3, 2), np.uint8)])
def test_another_dtype_or_shape_differs_in_every_value(have: Any) -> None:
    difference = compare({"y": np.zeros((2, 3), np.uint8)}, {"y": have})
    assert (difference.values, difference.differing) == (6, 6)
    assert difference.first == f"output 'y' is {have.dtype}{list(have.shape)}, expected uint8[2, 3]"


def test_outputs_are_added_up_and_the_first_that_differs_is_told() -> None:
    want = {"a": f32(1, 2), "b": f32(3), "c": f32(4)}
    difference = compare(want, {"a": f32(1, 2), "b": f32(5), "c": f32(6), "more": f32(0)})
    assert difference == Difference(4, 2, first="output 'b' [0] is 5.0, expected 3.0")
    assert not difference.ok


def test_floats_are_held_to_the_tolerance_only_where_that_is_asked() -> None:
    want, near = {"y": f32(1, 1000)}, {"y": f32(1.001, 1000)}
    assert compare(want, near, floats={"y"}).ok
    assert compare(want, near, floats={"y"}).values == 0
    assert not compare(want, near).ok
    assert not compare(want, {"y": f32(1.02, 1000)}, floats={"y"}).ok


def test_sets_of_other_outputs_are_not_the_same() -> None:
    assert same_bits({"y": f32(1)}, {"y": f32(1)})
    assert not same_bits({"y": f32(1)}, {"y": f32(1), "z": f32(1)})
    assert not same_bits({"y": f32(0.0)}, {"y": f32(-0.0)})


def test_nan_is_the_same_value_as_any_nan() -> None:
    other = f32(np.nan)
    other.view(np.uint32)[0] ^= 1
    assert same_values(f32(np.nan), other).all()
    assert not same_values(f32(0.0, 1.0), f32(-0.0, 2.0)).any()


@pytest.mark.parametrize(
    ("want", "have", "error"),
    [
        ([1, 1000], [2, 1000], 1e-3),
        ([0, 0], [0.5, 0], 0.5),
        ([0.0], [-0.0], 0),
        ([np.nan, np.inf, 8], [np.nan, np.inf, 6], 0.25),
        ([1, 2], [1, np.nan], np.inf),
        ([1, np.nan], [1, 2], np.inf),
        ([np.inf, 2], [-np.inf, 2], np.inf),
        ([], [], 0),
    ],
)
def test_the_error_is_relative_to_the_largest_finite_magnitude(
    want: list[float], have: list[float], error: float
) -> None:
    assert relative_error(f32(*want), f32(*have)) == pytest.approx(error)


def test_one_in_a_hundred_integers_may_differ() -> None:
    want, have = np.zeros(1000, np.int64), np.zeros(1000, np.int64)
    have[: int(1000 * DISCRETE_TOLERANCE)] = 1
    assert relative_error(want, have) == pytest.approx(TOLERANCE)
    assert relative_error(want != 0, have != 0) == pytest.approx(TOLERANCE)


def test_steps_of_bytes_do_not_wrap() -> None:
    steps = Steps.between(np.array([0, 255, 7, 9], np.uint8), np.array([255, 254, 7, 8], np.uint8))
    assert steps == Steps(values=4, differing=3, most=255, beyond=1)
    assert not steps.ok
    steps.add(Steps(2, 1, 1))
    assert steps == Steps(6, 4, 255, 1)
    assert Steps.between(np.array([3], np.int8), np.array([2], np.int8)).ok
