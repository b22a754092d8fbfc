"""QLinearAdd and QLinearMul against onnxruntime on all pairs of bytes, and their integer forms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.arithmetic import (
    AddForm,
    add_form,
    add_swaps_roles,
    fused_multiply_add,
    mul_thresholds,
    pair_table,
    qlinear_add,
    qlinear_mul,
    stored_bytes,
)

from tests.builders.between import LIMITS, Quantized, all_pairs, draw_quantized, run_between, run_contrib
from tests.builders.nodes import Array

DTYPES = [np.uint8, np.int8]
# A scale ratio that takes results beyond int32, one that never leaves the zero point, and one whose
# products are ties everywhere.
EXTREMES = [(1e6, 1e6, 1e-4), (1e-6, 1e-7, 10.0), (0.5, 0.5, 1.0), (3e38, 3e38, 1e-38)]


def draws(dtype: type, count: int) -> list[tuple[Quantized, Quantized, Quantized]]:
    random = np.random.default_rng(count)
    low, high = LIMITS[dtype]
    parameters = [tuple(draw_quantized(random, dtype) for _ in range(3)) for _ in range(count)]
    ends = zip([low, high, low, high], [high, low, low, high], strict=True)
    extreme = [
        ((a, end), (b, other), (c, end)) for (a, b, c), (end, other) in zip(EXTREMES, ends, strict=True)
    ]
    return [*parameters, *extreme]  # type: ignore[list-item]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["Add", "Mul"])
def test_all_pairs(op_type: str, dtype: type) -> None:
    a, b = all_pairs(dtype)
    exact: Any = {"Add": qlinear_add, "Mul": qlinear_mul}[op_type]
    for a_q, b_q, c_q in draws(dtype, 25):
        levels = exact(a, b, a_q, b_q, c_q, LIMITS[dtype]).astype(dtype)
        expected = run_contrib(f"QLinear{op_type}", [(a, a_q), (b, b_q)], c_q)
        assert (levels == expected).all(), (a_q, b_q, c_q)


def as_the_nodes_say(op_type: str, a: Array, b: Array, parameters: Any, limits: tuple[int, int]) -> Array:
    """Dequantize, compute, quantize, each in f32: what neither kernel does."""
    (sa, za), (sb, zb), (sc, zc) = parameters
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = ((v.astype(np.float32) - z) * np.float32(s) for v, s, z in ((a, sa, za), (b, sb, zb)))
        real = (x + y if op_type == "Add" else x * y) / np.float32(sc)
        return np.clip(np.rint(real) + zc, *limits)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["Add", "Mul"])
def test_a_formula_that_is_wrong_by_a_hair_differs(op_type: str, dtype: type) -> None:
    """Else the comparisons above would prove nothing: they do see a rounding in another place."""
    a, b = all_pairs(dtype)
    exact: Any = {"Add": qlinear_add, "Mul": qlinear_mul}[op_type]
    wrong = 0
    for parameters in draws(dtype, 25)[:25]:
        levels = as_the_nodes_say(op_type, a, b, parameters, LIMITS[dtype])
        wrong += int((levels != exact(a, b, *parameters, LIMITS[dtype])).sum())
    assert 0 < wrong < 25 * 65536 / 20


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["Add", "Mul"])
def test_between_dequantize_and_quantize(op_type: str, dtype: type) -> None:
    a, b = all_pairs(dtype)
    exact: Any = {"Add": qlinear_add, "Mul": qlinear_mul}[op_type]
    for a_q, b_q, c_q in draws(dtype, 4)[:4]:
        levels = exact(a, b, a_q, b_q, c_q, LIMITS[dtype]).astype(dtype)
        expected = run_between(op_type, [(a, a_q), (b, b_q)], c_q, runs_as=f"QLinear{op_type}")
        assert (levels == expected).all(), (a_q, b_q, c_q)


SHAPES = [
    ((1, 8, 4, 5), (1, 8, 4, 5)),
    ((1, 8, 1, 1), (1, 8, 4, 5)),
    ((1, 8, 4, 5), (1, 8, 1, 1)),
    ((), (3, 8, 4, 5)),
    ((2, 1, 1, 1), (2, 8, 4, 5)),
    ((1, 1, 4, 5), (2, 8, 4, 5)),
    ((1, 1, 1, 5), (2, 8, 4, 5)),
    ((8, 1, 1), (2, 8, 4, 5)),
    ((1, 8, 1, 5), (1, 8, 4, 1)),
    ((1, 8, 4, 1), (1, 8, 1, 5)),
    ((4, 1, 1), (1, 3, 1)),
    ((1, 3, 1), (4, 1, 1)),
    ((7, 1), (1, 1)),
    ((1, 1), (7, 1)),
    ((1, 1), (1,)),
    ((), ()),
]
# Parameters with which swapped roles change hundreds of the 65,536 pairs.
TELLING = {
    np.uint8: ((0.026, 23), (0.09, 233), (0.024, 175)),
    np.int8: ((0.14, 8), (0.71, -114), (0.24, -87)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes", SHAPES)
def test_broadcasting_and_its_roles(shapes: tuple[Any, Any], dtype: type) -> None:
    quantized, limits = TELLING[dtype], LIMITS[dtype]
    values = stored_bytes(limits)
    straight = qlinear_add(values[:, None], values, *quantized, limits)
    swapped = qlinear_add(values[:, None], values, *quantized, limits, swapped=True)
    first, second = np.argwhere(straight != swapped)[7]
    random = np.random.default_rng(1)
    a, b = (random.choice(values, shape).astype(dtype).reshape(shape) for shape in shapes)
    roles = add_swaps_roles(*shapes)
    for x, y in [(a, b), (np.full_like(a, values[first]), np.full_like(b, values[second]))]:
        expected = run_contrib("QLinearAdd", [(x, quantized[0]), (y, quantized[1])], quantized[2])
        levels = qlinear_add(x, y, *quantized, limits, swapped=roles)
        assert levels.astype(dtype).tolist() == expected.tolist()
        expected = run_contrib("QLinearMul", [(x, quantized[0]), (y, quantized[1])], quantized[2])
        assert qlinear_mul(x, y, *quantized, limits).astype(dtype).tolist() == expected.tolist()
    # The constant operands tell the roles apart: the other ones would have been wrong.
    levels = qlinear_add(x, y, *quantized, limits, swapped=not roles)
    expected = run_contrib("QLinearAdd", [(x, quantized[0]), (y, quantized[1])], quantized[2])
    assert levels.astype(dtype).tolist() != expected.tolist()


def test_fused_multiply_add_rounds_once() -> None:
    """Against exact fractions, on sums that lie beside a tie of f32 by less than f64 can hold."""
    random = np.random.default_rng(3)
    count = 3000
    a, b = (random.integers(2**23, 2**24, count).astype(np.float32) for _ in range(2))
    c = (a.astype(np.float64) * b * 2.0 ** random.integers(-40, 40, count)).astype(np.float32)
    c[1::5] = -(a[1::5] * b[1::5])  # cancellation
    # 1 - 2^-46 beside the tie of c and c + 2, which f64 can't tell from the tie.
    a[::3], b[::3] = np.float32(1 + 2**-23), np.float32(1 - 2**-23)
    c[::3] = (random.integers(2**23, 2**24, count)[::3] * 2).astype(np.float32)
    a[::9], c[::9] = -a[::9], -c[::9]
    sums = fused_multiply_add(a, b, c)
    for x, y, z, result in zip(a, b, c, sums, strict=True):
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        below, above = (np.nextafter(result, np.float32(side)) for side in (-np.inf, np.inf))
        error = abs(Fraction(float(result)) - exact)
        for other in (below, above):
            distance = abs(Fraction(float(other)) - exact)
            assert error <= distance
            assert error < distance or result.view(np.uint32) % 2 == 0
    twice = (a.astype(np.float64) * b + c).astype(np.float32)
    assert (twice != sums).any()  # two roundings differ on these


# --- integer forms


def evaluate(form: AddForm, a: Array, b: Array, limits: tuple[int, int]) -> Array:
    """The form as a shader computes it; every step must stay in i32."""
    term = a.astype(np.int64) * form.multiplier
    total = term + form.table[b.astype(np.uint8)]
    for value in (term, total):
        assert value.min() >= -(2**31)
        assert value.max() < 2**31
    return np.clip(total >> form.shift, *limits)


@pytest.mark.parametrize("dtype", DTYPES)
def test_add_form_equals_its_table(dtype: type) -> None:
    limits = LIMITS[dtype]
    a, b = all_pairs(dtype)
    random = np.random.default_rng(9)
    forms = 0
    for _ in range(25):
        quantized = [draw_quantized(random, dtype) for _ in range(3)]
        levels = qlinear_add(a, b, *quantized, limits)
        pairs = pair_table(lambda x, y, q=quantized: qlinear_add(x, y, *q, limits), limits)  # type: ignore[misc]
        assert pairs.dtype == np.uint8
        index = a.astype(np.uint8).astype(int) * 256 + b.astype(np.uint8)
        assert (pairs[index].view(dtype) == levels).all()
        form = add_form(pairs, limits)
        if form is not None:
            forms += 1
            assert (evaluate(form, a, b, limits) == levels).all()
    assert forms >= 22  # of 25: rare scale sets need the table


def test_add_form_refuses_what_no_sum_gives() -> None:
    limits = (0, 255)
    assert add_form(pair_table(lambda a, b: np.minimum(a * b, 255), limits), limits) is None
    assert add_form(pair_table(lambda a, b: 255 - np.maximum(a, b), limits), limits) is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_mul_thresholds_count_to_the_level(dtype: type) -> None:
    limits = LIMITS[dtype]
    a, b = (x.astype(np.int64) for x in all_pairs(dtype))
    for a_q, b_q, c_q in draws(dtype, 25):
        thresholds = mul_thresholds(a_q, b_q, c_q, limits)
        expected = qlinear_mul(a, b, a_q, b_q, c_q, limits)
        assert thresholds is not None
        product = (a - a_q[1]) * (b - b_q[1])
        levels = limits[0] + np.searchsorted(thresholds, product, side="right")
        assert (levels == expected).all()


def test_a_product_beyond_int32_has_no_thresholds() -> None:
    assert mul_thresholds((1e3, 0), (1e3, 0), (1.0, 0), (0, 255)) is None
