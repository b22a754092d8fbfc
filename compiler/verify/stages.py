"""Evaluates the IR after a pass, Graph or Program, and compares it over all samples."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ir.graph import Graph
from ..ir.program import Program
from ..ir.types import Array
from .compare import Difference, Feed, Steps, compare
from .expectation import Expected
from .interpreter import run_graph
from .origins import as_values
from .simulator import run_program


@dataclass
class Stage:
    """How something differs over all samples.

    `name`: when or where, as "after schedule". `what`: what was counted. `first_sample`: the number
    of the first sample of which exact values differ. `detail` goes behind a sentence on it. `in_float`:
    it is computed in float here, and in integers by the reference: not exact, whatever differs.
    """

    name: str
    difference: Difference = field(default_factory=Difference)
    what: str = "values"
    first_sample: int | None = None
    detail: str = ""
    in_float: bool = False

    @classmethod
    def of(cls, name: str, differences: Iterable[Difference]) -> Stage:
        """The sum over the samples."""
        stage = cls(name)
        for number, difference in enumerate(differences):
            stage.difference.add(difference)
            if difference.differing and stage.first_sample is None:
                stage.first_sample = number
        return stage

    @classmethod
    def in_float_here(cls, tensor: str, op_type: str, steps: Steps | None = None) -> Stage:
        """A tensor that the operator `op_type` of the reference makes in integers; `steps` apart."""
        steps = steps or Steps()
        detail = f"; up to {steps.most} steps" * bool(steps.differing)
        name = f"in {tensor!r}, float here and {op_type} there"
        return cls(name, Difference(steps.values, steps.differing), detail=detail, in_float=True)

    @property
    def ok(self) -> bool:
        return self.difference.ok and not self.in_float


def after(pass_name: str) -> str:
    """The name of the stage that a pass leaves."""
    return f"after {pass_name}"


def compare_stage(
    name: str, stage: Graph | Program, expected: Sequence[Expected], tolerated: Collection[str] = ()
) -> Stage:
    """One IR over all samples; outputs in `tolerated` are held to the tolerance."""
    return Stage.of(name, (_difference(stage, one, tolerated) for one in expected))


def _difference(stage: Graph | Program, expected: Expected, tolerated: Collection[str]) -> Difference:
    reference = expected.outputs if isinstance(stage, Graph) else expected.own
    return compare(reference, run_stage(stage, expected.sample, expected.inside), tolerated)


def run_stage(
    stage: Graph | Program, sample: Mapping[str, Array], inside: Mapping[str, Array] | None = None
) -> Feed:
    """Outputs by name of either IR; `inside`: tensors by the model's names, not evaluated."""
    if isinstance(stage, Program):
        return run_program(stage, sample, substitutes=inside)
    return run_graph(stage, sample, substitutes=as_values(stage, inside or {}))
