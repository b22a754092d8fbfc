"""A verification of any model: its passes, its program, a device, and what its report says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.operators import catalogue
from onnx2wgsl.compiler.operators.fusion import NoIntegerForm
from onnx2wgsl.compiler.operators.onnx_op import FloatOp
from onnx2wgsl.compiler.pipeline import PASS_NAMES
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import Difference, Steps
from onnx2wgsl.compiler.verify.compiled import saved
from onnx2wgsl.compiler.verify.replay import Replay
from onnx2wgsl.compiler.verify.report import Report
from onnx2wgsl.compiler.verify.stages import Stage
from onnx2wgsl.compiler.verify.verification import Verification

from tests.builders.qdq import QDQBuilder
from tests.compiler.verify.simulated import (
    PARAMS,
    SHAPE,
    SimulatedDevice,
    float_model,
    integer_model,
    transposed_model,
    verification_of,
)


def device(check: Verification) -> SimulatedDevice:
    return SimulatedDevice(check.compiled.program)


def test_a_model_of_integers_is_exact_in_its_outputs() -> None:
    check = verification_of(integer_model(), samples=3)
    check.on_device(device(check))
    report = check.report
    assert [row.name for row in report.rows] == ["on the simulator"]
    assert re.fullmatch(
        r"exact: 0 of 360 values differ from onnxruntime \S+ in 3 samples on the simulator", report.verdict
    )


@pytest.mark.parametrize("model", [integer_model, float_model, transposed_model])
def test_every_pass_is_compared(model: Callable[[], onnx.ModelProto]) -> None:
    check = verification_of(model())
    calls = []
    with saved(model()) as path:
        check.each_pass(import_model(path), lambda: calls.append(1))
    names = dict.fromkeys(row.name for row in check.report.rows)
    assert list(names) == [f"after {name}" for name in PASS_NAMES]
    assert len(calls) == len(check.report.rows)
    assert check.report.wrong is None


def test_a_device_that_is_wrong_is_blamed_with_its_first_kernel() -> None:
    check = verification_of(integer_model(), samples=2)
    first = check.compiled.program.kernels[0].name
    check.on_device(SimulatedDevice(check.compiled.program, {first: 0x7F}))
    assert re.fullmatch(
        rf"NOT exact: [1-9]\d* of 240 values differ from onnxruntime \S+ on the simulator; "
        rf"first in kernel {re.escape(repr(first))}: 1 of \d+ words",
        check.report.verdict,
    )


def test_integers_behind_a_float_region_are_left_to_its_replay() -> None:
    check = verification_of(float_model())
    check.on_device(device(check))
    outputs, kernels = check.report.rows
    assert (outputs.name, outputs.difference.values) == ("on the simulator", 0)
    assert (kernels.name, kernels.what) == ("kernels on the simulator", "words of integer kernels")
    assert kernels.difference.values == check.report.replay.words > 0
    assert re.fullmatch(
        r"exact: 0 of \d+ words of integer kernels differ from onnxruntime \S+ in 1 samples on the "
        r"simulator; 1 float region within 1e-05 \(at most \S+\), integers given the same inputs",
        check.report.verdict,
    )


def test_a_wrong_kernel_behind_a_float_region_is_blamed() -> None:
    check = verification_of(float_model())
    last = check.compiled.program.kernels[-1].name
    check.on_device(SimulatedDevice(check.compiled.program, {last: 1}))
    blame = f"; first in kernel {last!r}: 1 words"
    assert check.report.verdict.startswith("NOT exact: 1 of ")
    assert check.report.verdict.endswith(f" kernels on the simulator{blame}")


def test_results_behind_float_regions_that_can_not_be_had_leave_the_kernels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(*_: object) -> None:
        raise CompileError("looking at it would change it")

    monkeypatch.setattr(Oracle, "intermediate", refuses)
    check = verification_of(float_model(), samples=2)
    assert check.expectation.note == "looking at it would change it"
    assert [expected.inside for expected in check.expected] == [{}, {}]
    assert check.expectation.tolerated == check.expectation.after_floats
    check.on_device(device(check))
    assert check.report.wrong is None


def test_a_conv_transpose_is_held_to_this_compilers_sums() -> None:
    check = verification_of(transposed_model())
    (expected,) = check.expected
    check.on_device(device(check))
    assert check.report.steps.values == sum(values.size for values in expected.outputs.values())
    assert check.report.steps.ok
    assert check.report.verdict.endswith(" on the simulator, with integer sums in its ConvTranspose")


@pytest.mark.parametrize("quantized", [True, False], ids=["bytes", "floats"])
def test_what_is_float_here_and_in_integers_there_is_not_exact(
    quantized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stays(*_: object) -> None:
        raise NoIntegerForm("planted")

    monkeypatch.setattr(catalogue, "RULES", [stays])
    b = QDQBuilder()
    x = b.constant_tensor(np.full((5, 4), 3, np.int8), 0.1, 0, 1)
    b.output(b.node("MatMul", [b.input(SHAPE, PARAMS), x], PARAMS if quantized else None))
    check = verification_of(b.build())
    check.on_device(device(check))
    (name,) = check.expectation.integers
    there = "QLinearMatMul" if quantized else "MatMulIntegerToFloat"
    count = 72 if quantized else 0
    assert re.fullmatch(
        rf"NOT exact: \d+ of {count} values differ from onnxruntime \S+ in '{re.escape(name)}', "
        rf"float here and {there} there(; up to 1 steps)?",
        check.report.verdict,
    )


def test_what_is_quantized_behind_a_float_region_is_held_to_its_floats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A region that makes something else than ONNX Runtime's, with kernels that agree with each other."""
    check = verification_of(float_model())
    check.on_device(device(check))
    (steps,) = check.report.region_steps.values()
    assert (steps.values, steps.beyond) == (240, 0)
    evaluate = FloatOp.evaluate
    monkeypatch.setattr(FloatOp, "evaluate", lambda op, tensors: evaluate(op, tensors) + np.float32(0.1))
    check = verification_of(float_model())
    check.steps()
    assert re.fullmatch(
        r"NOT exact: 2\d\d of 240 values differ from onnxruntime \S+ in '\S+', behind a float region; "
        r"up to 4 steps, more than floats within 1e-05 make",
        check.report.verdict,
    )


# ------------------------------------------------------------------------- what a report says


def report(**changes: object) -> Report:
    stage = Stage("on a device", Difference(values=10))
    return replace(Report("a reference", 2, stages=[stage], device="a device"), **changes)  # type: ignore[arg-type]


def test_the_first_row_that_differs_is_blamed() -> None:
    wrong = [
        Stage("after a pass", Difference(10)),
        Stage("after another", Difference(10, 2)),
        Stage("on a device", Difference(10, 3), detail="; in a kernel"),
    ]
    assert report(stages=wrong).verdict == ("NOT exact: 2 of 10 values differ from a reference after another")
    assert report(stages=wrong[2:]).verdict.endswith(" on a device; in a kernel")


def test_a_float_region_that_is_off_is_blamed() -> None:
    regions = verification_of(float_model()).report.regions
    summary = report(regions=regions, replay=Replay(words=5, errors={1: 3e-4}))
    assert summary.verdict == (
        "NOT exact: float regions differ from a reference by 3.0e-04 kernels on a device; "
        "1e-05 of the largest magnitude is allowed"
    )


def test_two_steps_of_a_conv_transpose_are_one_too_many() -> None:
    assert report(steps=Steps(9, 1, 1)).wrong is None
    assert report(steps=Steps(9, 1, 2, 1)).verdict == (
        "NOT exact: 1 of 9 values differ from a reference in a ConvTranspose; "
        "up to 2 steps, where one is allowed"
    )


def test_a_model_without_integers_says_so() -> None:
    summary = report(stages=[Stage("on a device")])
    assert summary.verdict == "exact: no integers differ from a reference in 2 samples on a device"
