"""The outside suites, and the outcome of each of their cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .light_models import light_cases, quantized
from .node_cases import Case, node_cases
from .report import Suite
from .run import outcome

Progress = Callable[[Case], None]


def run_all(progress: Progress = lambda _: None) -> list[Suite]:
    """Runs every case of every suite."""
    cases = node_cases()
    light = light_cases()
    return [
        _run(
            "Quantized node cases",
            "Cases of onnx.backend.test.case.node with an operator on quantized integers.",
            [case for case in cases if case.quantized],
            progress,
        ),
        _run(
            "Float node cases",
            "All other cases of onnx.backend.test.case.node.",
            [case for case in cases if not case.quantized],
            progress,
        ),
        _run(
            "Light models, int8",
            "onnx's light_*.onnx topologies with drawn weights and an eighth of the channels, "
            "quantized by onnxruntime's quantize_static to QDQ with uint8 activations.",
            [replace(case, model=quantized(case.model)) for case in light],
            progress,
        ),
        _run(
            "Light models, float",
            "The same models before they were quantized.",
            light,
            progress,
        ),
    ]


def _run(title: str, about: str, cases: Sequence[Case], progress: Progress) -> Suite:
    outcomes = {}
    for case in cases:
        outcomes[case.name] = outcome(case.model, case.inputs, case.expected, case.rtol, case.atol)
        progress(case)
    return Suite(title, about, cases, outcomes)
