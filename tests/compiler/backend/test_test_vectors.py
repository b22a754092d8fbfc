"""What an artifact carries for the devices it will run on: a probe's cases, and a self-test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.compiler.arithmetic import requantize
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.backend.self_test import SEED, checksum, probe_cases, seeded_input, self_test
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.types import TensorType
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.builders.edit import save
from tests.builders.models import model
from tests.compiler.artifacts import AVATAR, program, write


def test_probe_cases_stand_on_ties_and_extremes() -> None:
    cases = probe_cases(program(AVATAR)).T.copy()
    accumulators, scales = cases[0].view(np.int32), cases[1].view(np.float32)
    assert {2**31 - 1, -(2**31), 0, 2**24 + 1} <= set(accumulators.tolist())
    product = accumulators.astype(np.float64) * scales
    near = np.abs(product - np.floor(product) - 0.5) < 0.01
    assert near.sum() > len(accumulators) / 4
    expected = [
        int(requantize(acc, scale, zero, (-128, 127)))
        for acc, scale, zero in zip(accumulators, scales, cases[2].view(np.int32).tolist(), strict=True)
    ]
    assert cases[3].view(np.int32).tolist() == expected
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
    description = write(tiny, tmp_path / "a")
    test = load_artifact(tmp_path / "a").self_test
    assert len(test["kernels"]) == len(description["kernels"])
    assert test["outputs"].keys() == {output["name"] for output in description["outputs"]}
    floats = {tensor["name"] for tensor in description["inputs"] if tensor["dtype"] == "float32"}
    assert test["inputs"].keys() == floats
    assert all(limits["low"] < limits["high"] for limits in test["inputs"].values())


def test_outputs_are_what_onnxruntime_makes(tmp_path: Path) -> None:
    path = save(model("u8_s8"), tmp_path)
    program, oracle = compile_model(path), reference_of(path)
    test = self_test(program, {}, oracle)
    feed = {"x0": seeded_input(program.inputs["x0"], 0, **test["inputs"]["x0"])}
    expected = {name: checksum(values) for name, values in oracle.run(feed).items()}
    assert test["outputs"] == expected


def test_a_program_that_computes_otherwise_is_not_written(tmp_path: Path) -> None:
    path = save(model("u8_s8"), tmp_path)
    program = compile_model(path)
    conv = next(kernel for kernel in program.kernels if isinstance(kernel, ConvKernel))
    conv.bias = conv.bias + 1000
    with pytest.raises(CompileError, match=r"what was compiled gives another '.*' than onnxruntime"):
        write_artifact(program, tmp_path / "out", source=path, oracle=reference_of(path))
    assert not (tmp_path / "out").exists()


def test_what_onnxruntime_cannot_run_the_simulator_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(model("u8_s8"), tmp_path)
    program, oracle = compile_model(path), reference_of(path)

    def fail(_: object) -> None:
        raise CompileError("an index lies beyond the end")

    monkeypatch.setattr(oracle, "run", fail)
    assert self_test(program, {}, oracle) == self_test(program, {})
