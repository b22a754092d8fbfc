"""Transposed convolutions: the integer form at every stage and on the device.

ONNX Runtime computes them in float, so that its values may differ by one step; the integer formula
is the reference here, and differs from ONNX Runtime's nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.pipeline import compile_graph, compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.verify.compare import Verification
from onnx2wgsl.compiler.verify.interpreter import run_graph
from onnx2wgsl.compiler.verify.simulator import run_program
from onnx2wgsl.runtime_py import InferenceSession

from tests.compiler.exactness import differing, feeds_for
from tests.zoo import QDQBuilder, QuantParams

CASES: dict[str, dict[str, Any]] = {
    "stride 1": {},
    "stride 2": {"strides": [2, 2]},
    "upsampling by 4x4": {"k": (4, 4), "strides": [2, 2], "pads": [1, 1, 1, 1], "out": 8},
    "output padding": {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1], "zero": 9},
    "unequal": {"strides": [3, 2], "pads": [0, 2, 1, 1], "out": 3},
    "dilated": {"strides": [2, 2], "dilations": [2, 3], "pads": [1, 1, 1, 1]},
    "groups": {"group": 2, "out": 8, "strides": [2, 2], "k": (2, 2), "columns": True, "zero": 4},
    "depthwise": {"group": 8, "out": 8, "strides": [2, 2], "k": (4, 4), "pads": [1, 1, 1, 1]},
    "same upper": {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"strides": [2, 2], "auto_pad": "SAME_LOWER", "k": (4, 3)},
    "output shape": {"strides": [2, 2], "output_shape": [10, 13]},
    "one axis": {"size": (6,), "strides": [2], "k": (4,), "pads": [1, 1]},
    "s8": {"of": "s8", "strides": [2, 2], "columns": True},
    "stride beyond the kernel": {"k": (2, 2), "strides": [4, 4]},
    "wide pads": {"k": (5, 5), "pads": [4, 4, 4, 4]},
}
ON_DEVICE = ("output padding", "groups", "depthwise", "one axis", "stride beyond the kernel")


def built(
    *,
    k: tuple[int, ...] = (3, 3),
    out: int = 4,
    group: int = 1,
    of: str = "u8",
    size: tuple[int, ...] = (5, 6),
    zero: int = 0,
    columns: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    b = QDQBuilder()
    x = b.input((1, 8, *size), QuantParams(0.02, 3, of), as_float=False)
    weights = random.integers(-128, 128, (8, out // group, *k)).astype(np.int8)
    scale: Any = random.uniform(0.005, 0.02, out // group) if columns else 0.01
    w = b.constant_tensor(weights, scale, zero, 1)
    bias = random.uniform(-1, 1, out).astype(np.float32)
    y = b.op("ConvTranspose", [x, w, bias], QuantParams(0.053, 5, of), group=group, **attributes)
    b.output(y, as_float=False)
    return b.build()


@pytest.mark.parametrize("case", CASES)
def test_every_stage(case: str, tmp_path: Path) -> None:
    model = built(**CASES[case])
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    oracle = Oracle(path, signed_integer_kernels=needs_signed_integer_kernels(model))
    (feed,) = feeds_for(oracle, 1)
    made: dict[str, Any] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        found = run_graph(stage, feed) if isinstance(stage, Graph) else run_program(stage, feed)
        made.setdefault(name, found)

    program = compile_model(path, None, observe)
    first = made["import"]
    for name, found in made.items():
        assert differing(found, first) == 0, name
    (name,) = first
    step = np.abs(first[name].astype(np.int32) - oracle.run(feed)[name].astype(np.int32))
    assert step.max() <= 1
    assert (step > 0).mean() < 0.01
    assert [k.float_reference for k in program.kernels if isinstance(k, ConvKernel)] == [True]
    if case in ON_DEVICE:
        write_artifact(program, tmp_path / "compiled", source=path)
        with InferenceSession(tmp_path / "compiled") as session:
            (result,) = session.run(None, feed)
            assert differing({name: result}, first) == 0
            assert session.self_test().ok


@pytest.mark.parametrize("case", ["upsampling by 4x4", "s8", "one axis"])
def test_steps_from_onnxruntime_are_counted_and_what_follows_is_exact(case: str, tmp_path: Path) -> None:
    """As where ONNX Runtime's float sum falls on the other side of a rounding boundary."""
    path = tmp_path / "model.onnx"
    onnx.save(built(**CASES[case]), path)
    model = onnx.load(path)
    oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
    graph = import_model(path)
    program = compile_graph(graph)
    verification = Verification(oracle, program, graph)
    (feed,) = feeds_for(oracle, 1)
    expected = verification.expect(feed)
    assert not verification.note
    assert verification.steps(expected).ok
    assert verification.steps(expected).values > 0
    (name,) = verification.transposed
    for apart in (1, 2):
        moved = expected.given[name].copy()
        held = int(moved.flat[5])
        moved.flat[5] = held + apart if held < 100 else held - apart
        found = verification.steps(replace(expected, given={name: moved}))
        assert (found.differing, found.most, found.ok) == (1, apart, apart == 1)
    assert verification.stage(graph, expected).ok
    assert verification.stage(program, expected).ok
