"""Scales, zero points and other numbers that are hard to get right, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from ..arithmetic.array import Array

Dtype = Literal["u8", "s8"]
F32 = np.float32
LIMITS = {"u8": (0, 255), "s8": (-128, 127)}
NUMPY = {"u8": np.dtype(np.uint8), "s8": np.dtype(np.int8)}


@dataclass(frozen=True)
class Level:
    """A stored value of either byte type: 0..255 above the smallest one."""

    above: int

    def of(self, dtype: str) -> int:
        return LIMITS[dtype][0] + self.above


DECIMAL = st.builds(lambda n, k: n / 10.0**k, st.integers(1, 999), st.integers(2, 5))
POWERS = st.integers(-10, 2).map(lambda k: 2.0**k)
SCALES = st.one_of(st.sampled_from([0.5, 0.02, 0.1, 0.0078125, 1 / 255, 1 / 127]), POWERS, DECIMAL)
EXTREME_SCALES = st.sampled_from(
    [1e-30, 1.0000001e-30, 9.99e-31, 1e30, 9.99e29, 1e-36, 1e36, 1.1754944e-38, 3e-39, 1e-44]
)
LEVELS = st.one_of(
    st.sampled_from([0, 128, 255, 1, 127, 254]), st.integers(0, 255)
).map(Level)  # fmt: skip
INNER_LEVELS = st.integers(16, 240).map(Level)
MULTIPLIERS = st.one_of(
    st.integers(-13, 1).map(lambda k: 2.0**k),
    st.integers(1, 4095).map(lambda n: n / 4096),
    st.builds(lambda n, k: n / 10.0**k, st.integers(1, 99), st.integers(2, 5)),
)
SEEDS = st.integers(0, 999)


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.tuples(values, values)


def tuples(values: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=least, max_size=most).map(tuple)


def pad_widths(most: int) -> st.SearchStrategy[tuple[int, int, int, int]]:
    each = st.integers(0, most)
    return st.tuples(each, each, each, each)


def hard_floats(
    shape: tuple[int, ...], scale: float, zero_point: int, low: int, random: np.random.Generator
) -> Array:
    """f32: mostly in the quantized range, on rounding ties and beside them; and any bits at all."""
    level = random.integers(low - 2, low + 258, shape) - zero_point
    s = F32(scale)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        inside = (level + random.uniform(-0.5, 0.5, shape)).astype(F32) * s
        ties = (level + 0.5).astype(F32) * s
        beside = np.nextafter(ties, np.where(random.random(shape) < 0.5, -np.inf, np.inf), dtype=F32)
    bits = random.integers(0, 2**32, shape, np.uint32).view(F32)
    special = random.choice(
        np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1e-39, 3.4e38], F32),
        shape,
    )
    choice = random.choice(5, shape, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    return np.choose(choice, [inside, ties, beside, bits, special]).astype(F32)
