"""Compares tensors: by their bits, or floats by how far they are apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..ir.types import Array

TOLERANCE = 1e-5
"""Of the largest magnitude of a tensor that a float region makes."""
DISCRETE_TOLERANCE = 0.01
"""Part of the elements of a tensor of integers or booleans that comparisons of floats make."""

Feed = dict[str, Array]
"""Tensors by the name of an input or output."""


@dataclass
class Difference:
    """How two sets of outputs differ: exact values by their bits, floats by the largest error.

    `values` are those held to their bits; `first` tells the first that differs.
    """

    values: int = 0
    differing: int = 0
    error: float = 0.0
    first: str = ""

    @property
    def ok(self) -> bool:
        return not self.differing and self.error <= TOLERANCE

    def add(self, other: Difference) -> None:
        self.values += other.values
        self.differing += other.differing
        self.error = max(self.error, other.error)
        self.first = self.first or other.first


def compare(
    expected: Mapping[str, Array], outputs: Mapping[str, Array], floats: Collection[str] = ()
) -> Difference:
    """All outputs of `expected`; those named in `floats` are held to the tolerance."""
    total = Difference()
    for name, want in expected.items():
        total.add(_compared(name, want, outputs[name], name in floats))
    return total


def _compared(name: str, want: Array, have: Array, is_float: bool) -> Difference:
    if (have.dtype, have.shape) != (want.dtype, want.shape):
        forms = [f"{array.dtype}{list(array.shape)}" for array in (have, want)]
        first = f"output {name!r} is {forms[0]}, expected {forms[1]}"
        return Difference(want.size, want.size, first=first)
    if is_float:
        return Difference(error=relative_error(want, have))
    places = np.argwhere(bits(want) != bits(have))
    if not len(places):
        return Difference(want.size)
    at = tuple(int(index) for index in places[0])
    first = f"output {name!r} {list(at)} is {have[at]}, expected {want[at]}"
    return Difference(want.size, len(places), first=first)


def same_bits(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    """Whether two sets of outputs agree in every bit."""
    return a.keys() == b.keys() and not compare(a, b).differing


def bits(values: Array) -> Array:
    """Values by their bits, so that -0 and NaN compare too."""
    words = np.ascontiguousarray(values)
    return words.view(f"u{values.dtype.itemsize}").reshape(values.shape)


def same_values(a: Array, b: Array) -> Array:
    """bool of a's shape: the same bits, or NaN in both, whatever its bits."""
    same: Array = bits(a) == bits(b)
    return same | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else same


def relative_error(want: Array, have: Array) -> float:
    """The largest difference, relative to the largest finite magnitude; of integers and booleans
    the part that differs, so scaled that DISCRETE_TOLERANCE counts as TOLERANCE.
    """
    if not want.size:
        return 0.0
    if want.dtype.kind != "f":
        return float((want != have).mean()) * TOLERANCE / DISCRETE_TOLERANCE
    same = same_values(want, have)
    if same.all():
        return 0.0
    scale = magnitude(want) or 1.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(want.astype(np.float64) - have.astype(np.float64))
    worst = np.where(same, 0, difference).max()
    return float("inf") if np.isnan(worst) else float(worst) / scale


def magnitude(values: Array) -> float:
    """The largest finite magnitude of floats; 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)].astype(np.float64)).max(initial=0))


@dataclass
class Steps:
    """Quantized values: how many there are, how many differ, and by how many steps at most.

    `beyond`: how many differ by more than they may.
    """

    values: int = 0
    differing: int = 0
    most: int = 0
    beyond: int = 0

    @classmethod
    def between(cls, want: Array, have: Array) -> Steps:
        """Of two tensors of bytes, both u8 or both s8, which may be one step apart."""
        return cls.within(want, have, (have.astype(np.int64) - 1, have.astype(np.int64) + 1))

    @classmethod
    def within(cls, want: Array, have: Array, limits: tuple[Array, Array]) -> Steps:
        """Of two such tensors; `limits`: the least and the greatest that `want` may be."""
        apart = np.abs(have.astype(np.int64) - want)
        beyond = (want < limits[0]) | (want > limits[1])
        return cls(apart.size, int((apart > 0).sum()), int(apart.max(initial=0)), int(beyond.sum()))

    @property
    def ok(self) -> bool:
        return not self.beyond

    def add(self, other: Steps) -> None:
        self.values += other.values
        self.differing += other.differing
        self.most = max(self.most, other.most)
        self.beyond += other.beyond
