"""What an artifact carries for the devices it will run on: a probe's cases, and a self-test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx2wgsl.compiler.arithmetic import requantize
from onnx2wgsl.compiler.backend.self_test import SEED, probe_cases, seeded_input
from onnx2wgsl.compiler.ir.types import TensorType

from tests.compiler.artifacts import AVATAR, program, write


def test_probe_cases_stand_on_ties_and_extremes() -> None:
    cases = probe_cases(program(AVATAR))
    accumulators = np.array(cases["accumulators"], np.int32)
    scales = np.array(cases["scales"], np.uint32).view(np.float32)
    assert {2**31 - 1, -(2**31), 0, 2**24 + 1} <= set(accumulators.tolist())
    product = accumulators.astype(np.float64) * scales
    near = np.abs(product - np.floor(product) - 0.5) < 0.01
    assert near.sum() > len(accumulators) / 4
    expected = [
        int(requantize(acc, scale, zero, (-128, 127)))
        for acc, scale, zero in zip(accumulators, scales, cases["zero_points"], strict=True)
    ]
    assert cases["expected"] == expected
    assert len(set(expected)) > 20


def test_the_seeded_input_is_the_one_of_the_specification() -> None:
    """Element 5 of input number 1, by the formula of docs/artifact.md in plain integers."""
    mask = 0xFFFFFFFF
    h = (5 * 0x9E3779B1 + (SEED + 1) * 0x85EBCA77) & mask
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & mask
    h = ((h ^ (h >> 12)) * 0x297A2D39) & mask
    h ^= h >> 15
    floats = seeded_input(TensorType("f32", (1, 2, 2, 2)), 1, -1.1, 1.3)
    assert floats.reshape(-1)[5] == np.float32(-1.1 + ((1.3 + 1.1) * (h >> 8)) / 16777216)
    unsigned = seeded_input(TensorType("u8", (1, 2, 2, 2)), 1, 0, 0)
    assert unsigned.reshape(-1)[5] == (h >> 8) & 0xFF
    signed = seeded_input(TensorType("s8", (1, 2, 2, 2)), 1, 0, 0)
    assert signed.view(np.uint8).tolist() == unsigned.tolist()


def test_the_self_test_has_a_checksum_for_each_kernel_and_output(tiny: Path, tmp_path: Path) -> None:
    described = write(tiny, tmp_path / "a")
    test = described["self_test"]
    assert len(test["kernels"]) == len(described["kernels"])
    assert test["outputs"].keys() == {output["name"] for output in described["outputs"]}
    floats = {held["name"] for held in described["inputs"] if held["dtype"] == "float32"}
    assert test["inputs"].keys() == floats
    assert all(held["low"] < held["high"] for held in test["inputs"].values())
