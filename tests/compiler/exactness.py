"""Compares every stage of a compilation with onnxruntime, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.frontend.model_file import Shapes
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.verify.compare import Feed, compare, same_bits
from onnx2wgsl.compiler.verify.exact import compare_model

# Vectorised with a scalar tail that rounds differently by one ulp: a table is right except possibly
# for single elements at the end of a tensor, or of a thread's share of it, whose ulp crosses a
# rounding boundary of the QuantizeLinear that follows.
IMPURE_UNARY = frozenset({"Atan", "Celu", "Cos", "Elu", "Log", "Mish", "Selu", "Sin", "Softplus"})

TIES_SCALE = 0.5
"""Inputs are also drawn from multiples of this times a half, which is on ties for common scales."""


def feeds_for(oracle: Oracle, count: int = 2, seed: int = 0, reach: float = 6.0) -> list[Feed]:
    """Seeded inputs: bytes of all values; floats in -reach..reach with ties, NaN-free."""
    rng = np.random.default_rng(seed)
    return [
        {name: _array(rng, dtype, shape, reach) for name, (dtype, shape) in oracle.inputs.items()}
        for _ in range(count)
    ]


def _array(rng: np.random.Generator, dtype: Any, shape: Any, reach: float) -> Array:
    size = tuple(side if isinstance(side, int) else 1 for side in shape)
    if np.dtype(dtype) == np.bool_:
        return rng.integers(0, 2, size).astype(bool)
    if dtype != np.float32:
        info = np.iinfo(np.int32 if dtype == np.int64 else dtype)  # what programs hold
        return rng.integers(info.min, info.max + 1, size, dtype)
    values = rng.uniform(-reach, reach, size)
    ties = np.round(values * 8) / 8 * TIES_SCALE
    return np.where(rng.random(size) < 0.3, ties, values).astype(np.float32)


def differing(got: Mapping[str, Array], expected: Mapping[str, Array]) -> int:
    """How many values differ in their bits, over all outputs."""
    assert got.keys() == expected.keys()
    return compare(expected, got).differing


def assert_exact(
    model: onnx.ModelProto,
    folder: Path,
    *,
    shapes: Shapes | None = None,
    feeds: list[Feed] | None = None,
) -> Program:
    """Compiles `model`; after every pass the result equals onnxruntime's in every bit.

    `folder` keeps the model, to be looked at where the test fails.
    """
    onnx.save(model, folder / "model.onnx")
    samples = feeds or feeds_for(reference_of(model))
    return compare_model(model, samples, shapes=shapes).require_exact()


def assert_exact_on_gpu(model: onnx.ModelProto, folder: Path) -> Program:
    """Every stage, the device and its self-test; the program."""
    program = assert_exact(model, folder)
    oracle = reference_of(model)
    with open_program(program, folder / "model.onnx") as device:
        for feed in feeds_for(oracle):
            assert same_bits(device.run(feed), oracle.run(feed))
        report = device.session.self_test()
        assert report.ok, str(report)
    return program
