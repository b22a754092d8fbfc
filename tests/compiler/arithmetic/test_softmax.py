"""QLinearSoftmax and DynamicQuantizeLinear."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx2wgsl.compiler.arithmetic import (
    dynamic_parameters,
    qlinear_softmax,
    quantize_linear,
    softmax_levels,
    softmax_numerators,
    softmax_table,
)
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.between import LIMITS, run_between, run_contrib
from tests.builders.nodes import Array, model_of

DTYPES = [np.uint8, np.int8]
X_SCALES = [0.01, 0.1, 0.0573, 1 / 255, 0.3, 1.0]
# The last ones let the numerators overflow, and then the quotients.
Y_SCALES = [1 / 256, 1 / 255, 0.0039, 0.01, 0.1, 1e-3, 1e-5, 1e-10]


def draw_rows(random: np.random.Generator, dtype: type, shape: tuple[int, ...]) -> Array:
    spread = int(random.choice([256, 256, 20, 2]))
    return (random.integers(0, spread, shape) + 100).astype(np.uint8).view(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 300, 1000])
def test_softmax(length: int, dtype: type) -> None:
    random = np.random.default_rng(length)
    low, high = LIMITS[dtype]
    for y_scale in Y_SCALES:
        x_scale = float(random.choice(X_SCALES) * random.choice([1, random.uniform(0.5, 2)]))
        zero_point = int(random.choice([low, high, 5]))
        x = draw_rows(random, dtype, (max(3, 1000 // length), length))
        expected = run_contrib("QLinearSoftmax", [(x, (x_scale, 3))], (y_scale, zero_point), axis=1, opset=13)
        levels = qlinear_softmax(x, x_scale, (y_scale, zero_point), (low, high), 1)
        assert levels.tolist() == expected.tolist(), (x_scale, y_scale, zero_point)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("opset", [12, 13, 21])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax_between_dequantize_and_quantize(axis: int, opset: int, dtype: type) -> None:
    random = np.random.default_rng(opset)
    x = draw_rows(random, dtype, (3, 5, 7))
    x_q, y_q = (0.0573, 3), (1 / 256, LIMITS[dtype][0])
    expected = run_between("Softmax", [(x, x_q)], y_q, runs_as="QLinearSoftmax", opset=opset, axis=axis)
    levels = qlinear_softmax(x, x_q[0], y_q, LIMITS[dtype], axis, opset)
    assert levels.tolist() == expected.tolist()


def test_a_shader_s_steps_are_the_same_softmax() -> None:
    random = np.random.default_rng(0)
    x = draw_rows(random, np.uint8, (1, 50))
    table = softmax_table(0.1, 50)
    numerators = softmax_numerators(table, 1 / 256)
    index = x[0].astype(int) - int(x.max()) + 255
    total = np.float32(0)
    for i in index:
        total = np.float32(total + table[i])
    levels = softmax_levels(numerators[index] / total, 7, (0, 255))
    assert levels.tolist() == qlinear_softmax(x, 0.1, (1 / 256, 7), (0, 255), 1)[0].tolist()
    assert table.min() > 0


# --- DynamicQuantizeLinear


def test_dynamic_parameters() -> None:
    random = np.random.default_rng(6)
    for number in range(150):
        x = random.standard_normal(int(random.integers(1, 400)))
        x = (x * 10.0 ** random.uniform(-42, 38)).astype(np.float32)
        if number % 5 == 0:
            x = np.abs(x) * (-1) ** (number // 5)
        if number % 29 == 0:
            x[:] = 0
        node = helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"])
        model = model_of([node], {"x": x}, {})
        for name in ("scale", "zero"):
            model.graph.output.add().name = name
        expected = Oracle(model).run({"x": x})
        scale, zero_point = dynamic_parameters(x)
        levels = quantize_linear(x, float(scale), zero_point, (0, 255))
        assert levels.tolist() == expected["y"].tolist()
        assert (scale, zero_point) == (expected["scale"], expected["zero"])
