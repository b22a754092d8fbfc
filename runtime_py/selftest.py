"""Replays an artifact's test vectors: the same seeded input and checksums on every device."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .artifact import Artifact, Tensor

FLOAT = "float"
"""Stands for the checksum of what comes of a float region."""
NONE = "none"
"""Stands for every checksum of an artifact that was compiled without a self-test."""

_Words = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True)
class Checksum:
    """What one kernel or output gave, and what it should have given: 16 hex digits each; FLOAT
    where it comes of floats, which every device rounds in its own way.
    """

    name: str
    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        """Whether they are the same, or can't be compared."""
        return self.expected in (FLOAT, self.actual)


@dataclass(frozen=True)
class SelfTestReport:
    """The verdict of a self-test on one adapter with one choice of variants."""

    adapter: str
    variants: dict[str, str]
    kernels: tuple[Checksum, ...]
    outputs: tuple[Checksum, ...]

    @property
    def ok(self) -> bool:
        """Whether every checksum is right."""
        return all(result.ok for result in (*self.kernels, *self.outputs))

    @property
    def first_difference(self) -> str | None:
        """The name of the first kernel (or, where all are right, output) that differs."""
        return next((r.name for r in (*self.kernels, *self.outputs) if not r.ok), None)

    def __str__(self) -> str:
        place = f"{self.adapter}, {' and '.join(self.variants.values())}"
        if self.ok:
            floats = sum(result.expected == FLOAT for result in self.kernels)
            apart = f", {floats} of floats not compared" if floats else ""
            return f"self-test passed: {len(self.kernels) - floats} kernels right{apart} on {place}"
        wrong = sum(not result.ok for result in self.kernels)
        return (
            f"self-test failed: {wrong} of {len(self.kernels)} kernels differ on {place}; "
            f"the first is {self.first_difference}"
        )


def seeded_inputs(artifact: Artifact) -> dict[str, np.ndarray[Any, Any]]:
    """The input of the self-test, tensor name -> array, as docs/artifact.md defines it."""
    test = artifact.description["self_test"]
    return {
        tensor.name: seeded_tensor(tensor, test["seed"] + number, test["inputs"].get(tensor.name))
        for number, tensor in enumerate(artifact.inputs)
    }


def seeded_tensor(tensor: Tensor, seed: int, limits: dict[str, float] | None) -> np.ndarray[Any, Any]:
    """Array of the tensor's shape and dtype; `limits` (low, high) are for float32 only."""
    h = np.arange(tensor.size, dtype=np.uint32) * np.uint32(0x9E3779B1)
    h += np.uint32(seed * 0x85EBCA77 & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    h = (h ^ (h >> np.uint32(15))) >> np.uint32(8)
    if tensor.dtype != "float32":
        whole = h.astype(np.uint8) & np.uint8(1 if tensor.dtype == "bool" else 255)
        return whole.astype(np.dtype(tensor.dtype)).reshape(tensor.shape)
    assert limits is not None, "checked when the artifact was loaded"
    low, high = float(limits["low"]), float(limits["high"])
    values = low + ((high - low) * h.astype(np.float64)) / 16777216
    return values.astype(np.float32).reshape(tensor.shape)


def seeded_picture(artifact: Artifact, name: str) -> np.ndarray[Any, Any]:
    """The self-test's picture for input `name`, uint8 [height, width, 4]."""
    number = [tensor.name for tensor in artifact.inputs].index(name)
    width, height = artifact.image_kernels[name].size
    pixels = Tensor(name, "uint8", (height, width, 4), None)
    return seeded_tensor(pixels, artifact.description["self_test"]["seed"] + number, None)


def checksum(data: Sequence[_Words] | bytes) -> str:
    """First 16 hex digits of the SHA-256 of bytes, or of arrays of words one after the other."""
    digest = hashlib.sha256()
    for part in [data] if isinstance(data, bytes) else data:
        digest.update(part if isinstance(part, bytes) else part.astype("<u4").tobytes())
    return digest.hexdigest()[:16]
