"""Compares every stage of a compilation with onnxruntime, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.frontend.input_shapes import Shapes
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.verify.compare import Feed, same_bits
from onnx2wgsl.compiler.verify.exact import compare_model

# Vectorised with a scalar tail that rounds differently by one ulp: a table is right except possibly
# for single elements at the end of a tensor, or of a thread's share of it, whose ulp crosses a
# rounding boundary of the QuantizeLinear that follows.
IMPURE_UNARY = frozenset({"Atan", "Celu", "Cos", "Elu", "Log", "Mish", "Selu", "Sin", "Softplus"})

REACH = 6.0


def feeds_for(oracle: Oracle, count: int = 2) -> list[Feed]:
    """Seeded inputs of a model, as `drawn`; a side that is not given is 1."""
    rng = np.random.default_rng(0)
    return [
        {
            name: drawn(rng, np.dtype(dtype), tuple(s if isinstance(s, int) else 1 for s in shape))
            for name, (dtype, shape) in oracle.inputs.items()
        }
        for _ in range(count)
    ]


def drawn(rng: np.random.Generator, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Bytes, integers and booleans of all values; floats in -REACH..REACH, a third of them multiples
    of 1/16: ties of scales that are powers of two.
    """
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype != np.float32:
        info = np.iinfo(np.int32 if dtype == np.int64 else dtype)  # what programs hold
        return rng.integers(info.min, info.max + 1, shape, dtype)
    values = rng.uniform(-REACH, REACH, shape)
    ties = np.round(values * 16) / 16
    return np.where(rng.random(shape) < 0.3, ties, values).astype(np.float32)


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
