"""The f32 arithmetic in u32 of soft_float.wgsl on the real adapter, against the CPU's own f32."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.templating import render_template

from .gpu import Harness
from .profiles import examples

CASES = 1 << 18
Array = NDArray[Any]
MAIN = """
@group(0) @binding(0) var<storage, read> cases: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let one = cases[id.x];
  results[id.x * 3u] = soft_add(one.x, one.y);
  results[id.x * 3u + 1u] = soft_mul(one.x, one.y);
  results[id.x * 3u + 2u] = soft_div(one.x, one.y);
}
"""
OPERATIONS = (np.add, np.multiply, np.divide)


@cache
def harness() -> Harness:
    return Harness(render_template("soft_float.wgsl", {}) + MAIN, case_words=2, result_words=3)


def check(a: Array, b: Array) -> None:
    """All three operations of f32 pairs, bit for bit; the divisor's zeros become ones."""
    a, b = np.ascontiguousarray(a, np.float32), np.ascontiguousarray(b, np.float32)
    assert np.isfinite(a).all()
    assert np.isfinite(b).all()
    b = np.where(b == 0, np.float32(1), b)
    results = harness().run(np.stack([a.view(np.uint32), b.view(np.uint32)], axis=1))
    for column, operation in enumerate(OPERATIONS):
        with np.errstate(all="ignore"):
            expected = operation(a, b).view(np.uint32)
        wrong = np.flatnonzero(results[:, column] != expected)
        assert wrong.size == 0, (
            f"{operation.__name__}: {wrong.size} wrong; first {a[wrong[0]]!r}, {b[wrong[0]]!r}: "
            f"found {results[wrong[0], column]:08x}, expected {expected[wrong[0]]:08x}"
        )


# --- what the pairs are drawn from
# -----------------------------------------------------------------------------------------------


def any_bits(random: np.random.Generator) -> tuple[Array, Array]:
    """Any finite f32, subnormals with the rest."""
    bits = random.integers(0, 2**32, (2, CASES), np.uint64).astype(np.uint32)
    bits = np.where((bits >> 23) & 0xFF == 0xFF, bits ^ 0x40000000, bits)
    a, b = bits.view(np.float32)
    return a, b


def near_exponents(random: np.random.Generator) -> tuple[Array, Array]:
    """Exponents at most 28 apart: every alignment, with few or many significant bits."""
    a, b = any_bits(random)
    exponent = random.integers(1, 254, CASES)
    other = np.clip(exponent + random.integers(-28, 29, CASES), 0, 254)
    mask = np.uint32(0xFFFFFFFF) << random.integers(0, 24, (2, CASES), np.uint32)
    return (
        _with_exponent(a, exponent, mask[0]),
        _with_exponent(b, other, mask[1]),
    )


def _with_exponent(x: Array, exponent: Array, mask: Array) -> Array:
    bits = x.view(np.uint32) & np.uint32(0x807FFFFF) & mask
    sign = x.view(np.uint32) & np.uint32(0x80000000)
    return (sign | (bits & 0x7FFFFF) | (exponent.astype(np.uint32) << 23)).view(np.float32)


def cancellations(random: np.random.Generator) -> tuple[Array, Array]:
    """b within a few units in the last place of -a, or of half or twice it."""
    a, _ = any_bits(random)
    scale = random.choice(np.array([1, 0.5, 2], np.float32), CASES)
    with np.errstate(over="ignore"):
        near = -a * scale
    near = np.where(np.isfinite(near), near, -a).astype(np.float32)
    steps = random.integers(-3, 4, CASES)
    magnitude = np.clip((near.view(np.uint32) & 0x7FFFFFFF).astype(int) + steps, 0, 0x7F7FFFFF)
    sign = near.view(np.uint32) & np.uint32(0x80000000)
    return a, (magnitude.astype(np.uint32) | sign).view(np.float32)


def ties_of_sums(random: np.random.Generator) -> tuple[Array, Array]:
    """b is half a unit in the last place of a, or beside that."""
    exponent = random.integers(30, 254, CASES)
    a, b = any_bits(random)
    a = _with_exponent(a, exponent, np.full(CASES, 0xFFFFFFFF, np.uint32))
    half = (exponent - 24).astype(np.uint32) << 23
    beside = half.astype(int) + random.integers(-2, 3, CASES)
    sign = b.view(np.uint32) & np.uint32(0x80000000)
    return a, (beside.astype(np.uint32) | sign).view(np.float32)


def ties_of_products(random: np.random.Generator) -> tuple[Array, Array]:
    """Significands of 12 and 13 bits: the product has 25 bits, a tie; or the next float."""
    a = random.integers(2**11, 2**12, CASES) * 2 + 1
    b = random.integers(2**11, 2**12, CASES) * 2 + 1
    x = (a * 2.0 ** random.integers(-75, 50, CASES)).astype(np.float32)
    y = (b * 2.0 ** random.integers(-75, 50, CASES)).astype(np.float32)
    beside = random.integers(0, 3, CASES)
    y = np.where(beside == 1, np.nextafter(y, np.float32(np.inf)), y)
    return x, np.where(beside == 2, np.nextafter(y, np.float32(0)), y)


def near_quotients(random: np.random.Generator) -> tuple[Array, Array]:
    """a is b times a float, rounded, and its neighbours: quotients at and beside a float."""
    _, b = any_bits(random)
    quotient = (random.integers(2**23, 2**24, CASES) * 2.0**-23).astype(np.float32)
    with np.errstate(over="ignore"):
        a = b * quotient
    a = np.where(np.isfinite(a), a, b)
    magnitude = (a.view(np.uint32) & 0x7FFFFFFF).astype(int) + random.integers(-1, 2, CASES)
    magnitude = np.clip(magnitude, 0, 0x7F7FFFFF).astype(np.uint32)
    return (magnitude | (a.view(np.uint32) & np.uint32(0x80000000))).view(np.float32), b


def extremes(random: np.random.Generator) -> tuple[Array, Array]:
    """Zeros, the least and greatest of subnormals and of normals, ones, and their neighbours;
    results that overflow, underflow and are subnormal."""
    ends = np.array([0, 1, 2, 0x7FFFFF, 0x800000, 0x800001, 0x7F7FFFFF, 0x7F000000], np.uint32)
    middle = np.array([0x3F800000, 0x3F7FFFFF, 0x3F800001, 0x1F800000, 0x5F7FFFFF, 0x20000000])
    pool = np.concatenate([ends, middle.astype(np.uint32)])
    random_bits = random.integers(0, 0x7F800000, (2, CASES), np.uint32)
    special = random.choice(pool, (2, CASES))
    bits = np.where(random.random((2, CASES)) < 0.6, special, random_bits)
    bits = bits | (random.integers(0, 2, (2, CASES), np.uint32) << 31)
    a, b = bits.astype(np.uint32).view(np.float32)
    return a, b


def subnormal_results(random: np.random.Generator) -> tuple[Array, Array]:
    """Products and quotients at exponents -160 ... -120, where rounding loses bits."""
    a, b = any_bits(random)
    all_bits = np.full(CASES, 0xFFFFFFFF, np.uint32)
    exponent = random.integers(1, 120, CASES)
    target = random.integers(-35, 8, CASES)
    other = np.where(random.integers(0, 2, CASES) == 1, target + 127 - exponent, exponent + 126)
    return (
        _with_exponent(a, exponent, all_bits),
        _with_exponent(b, np.clip(other, 1, 254), all_bits),
    )


DRAWS: list[Callable[[np.random.Generator], tuple[Array, Array]]] = [
    any_bits,
    near_exponents,
    cancellations,
    ties_of_sums,
    ties_of_products,
    near_quotients,
    extremes,
    subnormal_results,
]


@pytest.mark.parametrize("draw", DRAWS, ids=lambda draw: draw.__name__)
def test_soft_float_is_exact(draw: Callable[[np.random.Generator], tuple[Array, Array]]) -> None:
    @examples(4)
    @given(st.integers(0, 2**32 - 1))
    def run(seed: int) -> None:
        check(*draw(np.random.default_rng(seed)))

    run()


def test_a_long_sum_is_the_sequential_one() -> None:
    """As a pool or a softmax uses it: one addition after another, each rounded."""
    random = np.random.default_rng(0)
    terms = random.standard_normal((60, 64)).astype(np.float32) * np.float32(0.1)
    total = np.zeros(64, np.float32)
    soft = np.zeros(64, np.uint32)
    for term in terms:
        total = total + term
        soft = harness().run(np.stack([soft, term.view(np.uint32)], axis=1))[:, 0].copy()
    assert soft.tolist() == total.view(np.uint32).tolist()
