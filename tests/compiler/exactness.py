"""Compares every stage of a compilation with onnxruntime, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.frontend.model_file import Shapes
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.verify.interpreter import run_graph
from onnx2wgsl.compiler.verify.simulator import run_program
from onnx2wgsl.runtime_py import InferenceSession

# Vectorised with a scalar tail that rounds differently by one ulp: a table is right except possibly
# for single elements at the end of a tensor, or of a thread's share of it, whose ulp crosses a
# rounding boundary of the QuantizeLinear that follows.
IMPURE_UNARY = frozenset({"Atan", "Celu", "Cos", "Elu", "Log", "Mish", "Selu", "Sin", "Softplus"})

Feed = dict[str, NDArray[Any]]
TIES_SCALE = 0.5
"""Inputs are also drawn from multiples of this times a half, which is on ties for common scales."""


def feeds_for(oracle: Oracle, count: int = 2, seed: int = 0, reach: float = 6.0) -> list[Feed]:
    """Seeded inputs: bytes of all values; floats in -reach..reach with ties, NaN-free."""
    rng = np.random.default_rng(seed)
    return [
        {name: _array(rng, dtype, shape, reach) for name, (dtype, shape) in oracle.inputs.items()}
        for _ in range(count)
    ]


def _array(rng: np.random.Generator, dtype: Any, shape: Any, reach: float) -> NDArray[Any]:
    size = tuple(side if isinstance(side, int) else 1 for side in shape)
    if np.dtype(dtype) == np.bool_:
        return rng.integers(0, 2, size).astype(bool)
    if dtype != np.float32:
        info = np.iinfo(np.int32 if dtype == np.int64 else dtype)  # what programs hold
        return rng.integers(info.min, info.max + 1, size, dtype)
    values = rng.uniform(-reach, reach, size)
    ties = np.round(values * 8) / 8 * TIES_SCALE
    return np.where(rng.random(size) < 0.3, ties, values).astype(np.float32)


def differing(got: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> int:
    """How many values differ in their bits, over all outputs."""
    assert got.keys() == expected.keys()
    total = 0
    for name, want in expected.items():
        assert (got[name].dtype, got[name].shape) == (want.dtype, want.shape), name
        words = f"u{want.dtype.itemsize}"
        have, wanted = np.ascontiguousarray(got[name]), np.ascontiguousarray(want)
        total += int((have.view(words) != wanted.view(words)).sum())
    return total


def assert_exact(
    model: onnx.ModelProto,
    folder: Path,
    *,
    shapes: Shapes | None = None,
    feeds: list[Feed] | None = None,
) -> Program:
    """Compiles `model`; after every pass the result equals onnxruntime's in every bit."""
    path = folder / "model.onnx"
    onnx.save(model, path)
    oracle = Oracle(path, signed_integer_kernels=needs_signed_integer_kernels(model))
    groups = oracle.integer_groups()
    assert groups.exact, f"onnxruntime itself left a part in float: {groups}"
    feeds = feeds or feeds_for(oracle)
    expected = [oracle.run(feed) for feed in feeds]
    wrong = {}

    def observe(name: str, stage: Graph | Program) -> None:
        run = run_graph if isinstance(stage, Graph) else run_program
        for feed, want in zip(feeds, expected, strict=True):
            wrong[name] = wrong.get(name, 0) + differing(run(stage, feed), want)  # type: ignore[operator]

    program = compile_model(path, shapes, observe)
    assert not any(wrong.values()), f"differing values after each pass: {wrong}"
    return program


def assert_exact_on_gpu(model: onnx.ModelProto, folder: Path) -> Program:
    """Every stage, the device and its self-test; the program."""
    program = assert_exact(model, folder)
    path = folder / "model.onnx"
    write_artifact(program, folder / "compiled", source=path)
    oracle = Oracle(path, signed_integer_kernels=needs_signed_integer_kernels(model))
    with InferenceSession(folder / "compiled") as session:
        names = [tensor.name for tensor in session.get_outputs()]
        for feed in feeds_for(oracle):
            made = dict(zip(names, session.run(None, feed), strict=True))
            assert differing(made, oracle.run(feed)) == 0
        report = session.self_test()
        assert report.ok, str(report)
    return program
