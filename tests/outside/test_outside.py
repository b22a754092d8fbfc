"""Every case of the outside suites passes, or is listed with its reason in the committed report."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import metadata

import numpy as np
import onnx
import pytest

from tests.builders.models import CONVOLUTIONS
from tests.builders.qdq import PAD, convolution, weights

from . import run
from .node_cases import node_cases
from .reasons import of_nature
from .report import REPORT, WRITE, Suite, render
from .run import DIFFERS, EXACT, NO_REFERENCE, REFUSED, WITHIN, compare, outcome
from .suites import run_all

F32 = np.float32


@pytest.fixture(scope="module")
def suites() -> list[Suite]:
    return run_all()


def test_no_case_differs_and_none_fails_without_a_message(suites: list[Suite]) -> None:
    defects = {name: out for suite in suites for name, out in suite.defects().items()}
    lines = [f"{name} {out.kind}: {out.reason}" for name, out in defects.items()]
    assert not lines, "\n".join([f"{len(lines)} cases:", *lines])


def test_every_case_passes_or_has_a_reason(suites: list[Suite]) -> None:
    for suite in suites:
        not_run = [case.name for cases in suite.not_run.values() for case in cases]
        passing = [case.name for case in suite.passing()]
        names = sorted([*not_run, *passing, *suite.defects()])
        assert names == sorted(case.name for case in suite.cases)
        assert all(why.strip() for why in suite.not_run)


def test_every_node_case_of_onnx_is_in_a_suite(suites: list[Suite]) -> None:
    from onnx.backend.test.case.node import collect_testcases

    names = {case.name for suite in suites for case in suite.cases}
    assert {case.name for case in collect_testcases()} <= names


def test_the_report_is_what_the_suites_give(suites: list[Suite]) -> None:
    committed, report = REPORT.read_text(), render(suites)
    for package in ("onnx", "onnxruntime"):
        installed = f"{package} {metadata.version(package)}"
        assert installed in committed, f"{installed} is not the one of the report: {WRITE}"
    lines = difflib.unified_diff(
        committed.splitlines(), report.splitlines(), "committed", "regenerated", lineterm="", n=1
    )
    assert committed == report, "\n".join([f"{WRITE}, and look at the difference:", *lines])


# --------------------------------------------------------------------- the harness can fail


def test_a_model_of_integers_is_exact() -> None:
    model, feed = _model(CONVOLUTIONS["u8_s8"]())
    assert outcome(model, feed).kind == EXACT


def test_one_weight_off_by_one_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    w = weights()
    model, feed = _model(convolution(w, pads=PAD))
    w.values[0, 0, 1, 1] ^= 1
    other = convolution(w, pads=PAD)
    honest: Callable[[onnx.ModelProto], run.Compiled] = run.compiled
    monkeypatch.setattr(run, "compiled", lambda _: honest(other))
    assert outcome(model, feed).kind == DIFFERS


def test_a_crash_of_the_compiler_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: onnx.ModelProto) -> run.Compiled:
        raise KeyError("a bug")

    model, feed = _model(CONVOLUTIONS["u8_s8"]())
    monkeypatch.setattr(run, "compiled", crash)
    result = outcome(model, feed)
    assert result.kind in run.DEFECTS
    assert "a bug" in result.reason


def test_an_unexpected_reference_is_told() -> None:
    case = next(case for case in node_cases() if case.name == "test_relu")
    assert case.expected is not None
    right = outcome(case.model, case.inputs, case.expected)
    wrong = outcome(case.model, case.inputs, [case.expected[0] + 1])
    assert right.as_expected
    assert not wrong.as_expected


def _model(model: onnx.ModelProto) -> tuple[onnx.ModelProto, run.Feed]:
    value = model.graph.input[0]
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    data = np.random.default_rng(3).uniform(-8, 8, shape).astype(F32)
    return model, {value.name: data}


@pytest.mark.parametrize(
    ("have", "want", "integer", "kind"),
    [
        ([1, 2], [1, 2], True, EXACT),
        ([1, np.nan], [1, np.nan], True, EXACT),
        ([1, 2 + 1.9e-5], [1, 2], False, WITHIN),
        ([1, 2 + 3e-5], [1, 2], False, DIFFERS),
        ([1 + 1e-5, 1000], [1, 1000], False, WITHIN),
        ([1, np.nextafter(F32(2), F32(3))], [1, 2], True, DIFFERS),
        ([0.0, 1], [-0.0, 1], True, DIFFERS),
        ([1, np.inf], [1, 2], False, DIFFERS),
        ([1, 2], [1, np.nan], False, DIFFERS),
        ([1, np.inf], [1, -np.inf], False, DIFFERS),
        ([1, np.inf], [1, np.inf], False, EXACT),
        ([1], [1, 2], False, DIFFERS),
    ],
)
def test_comparison(have: list[float], want: list[float], integer: bool, kind: str) -> None:
    assert compare(np.array(have, F32), np.array(want, F32), integer=integer)[0] == kind


def test_integers_and_dtypes_are_compared_exactly() -> None:
    want = np.array([1, 200], np.uint8)
    assert compare(want, want, integer=False)[0] == EXACT
    assert compare(want ^ 1, want, integer=False)[0] == DIFFERS
    assert compare(want.view(np.int8), want, integer=False)[0] == DIFFERS


@pytest.mark.parametrize(
    ("name", "nature"),
    [
        ("test_if", "not a neural-network operator: control flow"),
        ("test_adam", "not a neural-network operator: domain ai.onnx.preview.training"),
        ("test_string_concat", "not a neural-network operator: strings"),
        ("test_sequence_insert_at_back", "not a neural-network operator: optionals and sequences"),
        ("test_bernoulli", "not a neural-network operator: random numbers"),
        ("test_training_dropout", "not a neural-network operator: training"),
        ("test_max_float64", "dtype: float64"),
        ("test_max_int64", "dtype: computes on int64"),
        ("test_quantizelinear_int4", "dtype: integers of 2 and 4 bits"),
        ("test_nonzero_example", "dtype: computes on bool"),
        ("test_reduce_sum_empty_set", "shape: a tensor without elements"),
        ("test_constant", "shape: nothing to compute, all operands are parameters"),
        ("test_relu", ""),
        ("test_argmax_default_axis_example", ""),
        ("test_qlinearconv", ""),
        ("test_reshape_reordered_all_dims", ""),
    ],
)
def test_nature_of_a_case(name: str, nature: str) -> None:
    assert of_nature(next(case for case in node_cases() if case.name == name)) == nature


def test_reasons_name_neither_tensors_nor_files(suites: list[Suite]) -> None:
    for suite in suites:
        for why in suite.not_run:
            assert "onnx2wgsl-" not in why
            assert "/tmp" not in why
            assert "_expanded_function_" not in why
    kinds = {out.kind for suite in suites for out in suite.outcomes.values()}
    assert {REFUSED, NO_REFERENCE} <= kinds
