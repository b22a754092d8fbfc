"""Damaged files: each is refused in one message that says what to do, or right in every bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from onnx2wgsl.compiler.cli.malformed_artifacts import MalformedArtifacts
from onnx2wgsl.compiler.fuzzing.campaign import GRAPHS, SUBJECTS
from onnx2wgsl.compiler.fuzzing.isolation import Broken, Limits, Worker
from onnx2wgsl.compiler.fuzzing.malformed import REFUSED, RIGHT, Judge, Outcome, Target
from onnx2wgsl.compiler.fuzzing.malformed_models import MalformedModels

from tests.compiler.fuzzing.wrong import Wrong

from .profiles import DEEP

KINDS = (GRAPHS, *SUBJECTS)
COUNTS = {"models": 5000, "artifacts": 1000} if DEEP else {"models": 200, "artifacts": 60}
LIMITS = Limits(cpu_seconds=20, memory=2 << 30)
NEXT_STEPS = (
    "compile the model again",
    "make one with: onnx2wgsl compile",
    "not an artifact",
    "no description",
)


def outcomes(target: Target, count: int) -> list[Outcome | Broken]:
    worker = Worker(Judge(target), LIMITS)
    try:
        return [worker.run(number) for number in range(count)]
    finally:
        worker.close()


@pytest.mark.parametrize(("name", "make"), [("models", MalformedModels), ("artifacts", MalformedArtifacts)])
def test_damage_is_refused_or_harmless(name: str, make: Callable[..., Target]) -> None:
    results = outcomes(make(KINDS, seed=int(DEEP)), COUNTS[name])
    faults = {n: result for n, result in enumerate(results) if result.kind not in (REFUSED, RIGHT)}
    assert faults == {}
    refusals = [result.detail for result in results if result.kind == REFUSED]
    assert len(refusals) > len(results) // 3
    assert len(refusals) < len(results)
    if name == "artifacts":
        assert [text for text in refusals if not any(step in text for step in NEXT_STEPS)] == []


def test_what_is_no_refusal_is_a_fault() -> None:
    results = outcomes(Wrong(), 5)
    assert [result.kind for result in results] == ["internal error", "exception", REFUSED, "wrong", RIGHT]
    assert "KeyError at wrong.py:" in results[1].detail
