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
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.pipeline import compile_model, import_or_refuse
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import Feed, Steps, same_bits
from onnx2wgsl.compiler.verify.compiled import Compiled
from onnx2wgsl.compiler.verify.stages import run_stage
from onnx2wgsl.compiler.verify.verification import Verification

from tests.builders.qdq import QDQBuilder, QuantParams
from tests.compiler.exactness import feeds_for

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


def transposed_model(
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
    y = b.node("ConvTranspose", [x, w, bias], QuantParams(0.053, 5, of), group=group, **attributes)
    b.output(y, as_float=False)
    return b.build()


@pytest.mark.parametrize("case", CASES)
def test_every_stage(case: str, tmp_path: Path) -> None:
    model = transposed_model(**CASES[case])
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    oracle = reference_of(model)
    (feed,) = feeds_for(oracle, 1)
    outputs: dict[str, Feed] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        outputs.setdefault(name, run_stage(stage, feed))

    program = compile_model(path, None, observe)
    first = outputs["import"]
    assert [name for name, output in outputs.items() if not same_bits(output, first)] == []
    (name,) = first
    steps = Steps.between(oracle.run(feed)[name], first[name])
    assert steps.ok
    assert steps.differing < 0.01 * steps.values
    assert [k.float_reference for k in program.kernels if isinstance(k, ConvKernel)] == [True]
    if case in ON_DEVICE:
        with open_program(program, path) as device:
            assert same_bits(device.run(feed), first)
            assert device.session.self_test().ok


@pytest.mark.parametrize("case", ["upsampling by 4x4", "s8", "one axis"])
def test_steps_from_onnxruntime_are_counted_and_what_follows_is_exact(case: str, tmp_path: Path) -> None:
    """As where ONNX Runtime's float sum falls on the other side of a rounding boundary."""
    path = tmp_path / "model.onnx"
    onnx.save(transposed_model(**CASES[case]), path)
    oracle, compiled = reference_of(path), Compiled.of(import_or_refuse(path))
    verification = Verification(oracle, compiled, feeds_for(oracle, 1))
    expectation, (expected,) = verification.expectation, verification.expected
    assert not expectation.note
    assert expectation.steps(expected).ok
    assert expectation.steps(expected).values > 0
    (name,) = expectation.transposed
    for apart in (1, 2):
        levels = expected.inside[name].copy()
        level = int(levels.flat[5])
        levels.flat[5] = level + apart if level < 100 else level - apart
        steps = expectation.steps(replace(expected, inside={name: levels}))
        assert (steps.differing, steps.most, steps.ok) == (1, apart, apart == 1)
    assert verification.stage("packed", compiled.packed).ok
    assert verification.stage("simulated", compiled.program).ok


@pytest.mark.parametrize(
    ("activation", "why"),
    [
        ("Tanh", "QuantizeLinear must stand directly after ConvTranspose"),
        ("Relu", "quantize between ConvTranspose and the activation"),
    ],
)
def test_a_refusal_names_the_operator(activation: str, why: str) -> None:
    graph = parse_graph(
        f"""graph @t (%x: u8[1,1,3]{{s=0.5, z=7}}) -> ("y": %y) opset 21 {{
          @s: f32[] = [0.5]
          @zx: u8[] = [7]
          @wq: s8[1,1,1] = [3]
          %d: f32[1,1,3] = dequantize(%x, scale=@s, zero_point=@zx)
          %w: f32[1,1,1] = dequantize(@wq, scale=@s)
          %c: f32[1,1,3] = float([%d, %w], op_type="ConvTranspose")
          %a: f32[1,1,3] = elementwise([%c], op_type="{activation}")
          %y: u8[1,1,3]{{s=0.5, z=7}} = quantize(%a, scale=@s, zero_point=@zx)
        }}"""
    )
    (op,) = [op for op in graph.ops if op.result.name == "c"]
    message = explain(graph, op)
    assert message is not None
    assert message.endswith(why)
