"""Coordinates, nearest and linear Resize in f32 against onnxruntime, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx2wgsl.compiler.arithmetic import (
    linear_taps,
    resize_coordinates,
    resize_indices,
    resize_linear,
)
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.nodes import Array, model_of

COORDINATES = [
    "asymmetric",
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "half_pixel_symmetric",
]
ROUNDINGS = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
SCALES = [1, 2, 3, 0.5, 1.5, 0.3, 2.7, 1.1, 0.9, 3.3, 4]


class Case:
    """A random Resize of the last two axes: by sizes or by scales."""

    def __init__(self, random: np.random.Generator, coordinates: str) -> None:
        self.size = [int(n) for n in random.integers(1, 12, 2)]
        self.coordinates = coordinates
        self.by_size = bool(random.integers(2))
        if self.by_size:
            self.result = [int(n) for n in random.integers(1, 25, 2)]
            ratios = [np.float32(r) / np.float32(s) for r, s in zip(self.result, self.size, strict=True)]
            self.scale = [float(ratio) for ratio in ratios]
        else:
            self.scale = [float(np.float32(s)) for s in random.choice(SCALES, 2)]
            self.result = [
                int(np.float32(s) * np.float32(n)) for s, n in zip(self.scale, self.size, strict=True)
            ]

    def axis(self, i: int) -> tuple[Any, ...]:
        return self.size[i], self.result[i], self.scale[i], self.coordinates

    def run(self, x: Array, **attributes: Any) -> Array:
        """What onnxruntime makes of it."""
        scales = np.array([1, 1, *self.scale], np.float32)
        sizes = np.array([*x.shape[:2], *self.result])
        node = helper.make_node(
            "Resize",
            ["x", "", "", "sizes"] if self.by_size else ["x", "", "scales"],
            ["y"],
            coordinate_transformation_mode=self.coordinates,
            **attributes,
        )
        constants = {"sizes": sizes} if self.by_size else {"scales": scales}
        return Oracle(model_of([node], {"x": x}, constants, opset=19)).run({"x": x})["y"]


def cases(coordinates: str, count: int) -> list[Case]:
    random = np.random.default_rng(len(coordinates))
    draws = [Case(random, coordinates) for _ in range(count)]
    return [case for case in draws if min(case.result) > 0 and case.result != case.size]


def values_for(case: Case) -> Array:
    random = np.random.default_rng(5)
    return random.standard_normal((2, 3, *case.size)).astype(np.float32)


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_nearest(coordinates: str) -> None:
    for number, case in enumerate(cases(coordinates, 60)):
        rounding = ROUNDINGS[number % 4]
        x = values_for(case)
        y, across = (resize_indices(*case.axis(i), rounding) for i in (0, 1))
        expected = case.run(x, mode="nearest", nearest_mode=rounding)
        assert (x[..., y[:, None], across] == expected).all(), vars(case)


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_linear(coordinates: str) -> None:
    for case in cases(coordinates, 40):
        x = values_for(case)
        y, across = (linear_taps(*case.axis(i)) for i in (0, 1))
        expected = case.run(x, mode="linear")
        assert (resize_linear(x, y, across) == expected).all(), vars(case)


@pytest.mark.parametrize("scale", [2, 0.5, 1.5, 0.3, 2.7])
def test_nearest_of_opset_10(scale: float) -> None:
    for size in (2, 3, 5, 8, 13):
        x = np.arange(size, dtype=np.float32).reshape(1, 1, 1, size)
        result = int(np.float32(scale) * np.float32(size))
        if result == 0:
            continue
        node = helper.make_node("Resize", ["x", "scales"], ["y"], mode="nearest")
        constants = {"scales": np.array([1, 1, 2, scale], np.float32)}
        oracle = Oracle(model_of([node], {"x": x}, constants, opset=10))
        expected = oracle.run({"x": x})["y"][0, 0, 0]
        single = float(np.float32(scale))
        indices = resize_indices(size, result, single, "asymmetric", "simple")
        assert indices.tolist() == expected.tolist()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("coordinates", ["tf_half_pixel_for_nn", "tf_crop_and_resize"])
def test_nearest_as_tensorflow_has_it(coordinates: str, rounding: str) -> None:
    """Elements outside of what is cropped are -1, which `extrapolation_value` stands for."""
    random = np.random.default_rng(len(rounding))
    modes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    for _ in range(25):
        (size, result), roi = random.integers(1, 14, 2), random.uniform(-0.2, 1.2, 2).astype(np.float32)
        x = np.arange(size, dtype=np.float32)
        constants = {"roi": roi, "scales": np.zeros(0, np.float32), "sizes": np.array([result])}
        node = helper.make_node(
            "Resize", ["x", *constants], ["y"], mode="nearest", extrapolation_value=-1.0, **modes
        )
        expected = Oracle(model_of([node], {"x": x}, constants, opset=12)).run({"x": x})["y"]
        scale = float(np.float32(result) / np.float32(size))
        indices = resize_indices(int(size), int(result), scale, coordinates, rounding, tuple(roi))
        assert indices.tolist() == expected.tolist()


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="half_pixels"):
        resize_coordinates(3, 5, 1.5, "half_pixels")
