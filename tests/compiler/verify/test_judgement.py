"""What onnxruntime-web says of a device, in one sentence."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import Difference
from onnx2wgsl.compiler.verify.judgement import Judgement, judge
from onnx2wgsl.compiler.verify.regions import outputs_after_floats

from tests.compiler.verify.simulated import (
    SimulatedDevice,
    float_model,
    integer_model,
    sample,
    verification_of,
)
from tests.web import require_packages


def judged(model: onnx.ModelProto, fault: int = 0) -> Judgement:
    """Of the simulator, with these bits of the first word of its first kernel flipped."""
    require_packages("onnxruntime-web")
    program = verification_of(model).compiled.program
    oracle = reference_of(model)
    after_floats, _ = outputs_after_floats(program)
    device = SimulatedDevice(program, {program.kernels[0].name: fault})
    return judge(oracle, oracle.in_web(), device, [sample(0), sample(1)], after_floats)


def test_a_device_that_agrees_is_exact() -> None:
    judgement = judged(integer_model())
    assert judgement.ok
    assert re.fullmatch(
        r"exact: 0 of 240 values differ from onnxruntime-web \S+ in 2 samples on the simulator",
        judgement.verdict,
    )


def test_a_device_that_differs_is_told_beside_onnxruntime() -> None:
    judgement = judged(integer_model(), 0x7F)
    assert not judgement.ok
    assert re.fullmatch(
        r"NOT exact: [1-9]\d* of 240 values differ from onnxruntime-web \S+ in 2 samples on the simulator; "
        r"output '\S+' \[[\d, ]+\] is \S+, expected \S+; onnxruntime itself differs from it in 0",
        judgement.verdict,
    )


def test_outputs_behind_floats_are_held_to_the_tolerance() -> None:
    judgement = judged(float_model())
    assert judgement.verdict.startswith("close: 0 of no exact values differ")
    assert "; 1 outputs behind float regions within " in judgement.verdict


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"own": ["Tanh"], "difference": Difference(9)}, ", with onnxruntime's own Tanh at the end"),
        (
            {"otherwise": ["Sigmoid"], "difference": Difference(9, 1, first="output 'y'")},
            "; output 'y'; onnxruntime itself differs from it in 0, and it rounds Sigmoid otherwise",
        ),
        ({"difference": Difference(error=np.inf)}, "; floats; onnxruntime itself differs from it in 0"),
    ],
)
def test_what_it_computes_otherwise_is_said(changes: dict[str, object], expected: str) -> None:
    assert Judgement("a judge", "a device", 2, **changes).verdict.endswith(expected)  # type: ignore[arg-type]
