"""Compares many random models with onnxruntime, counts, and shrinks what differs.

Work goes in rounds: each subject (a kind of operator, or whole nets) in turn, with a seed of its
own for every round, so that a run can end at any time and the same seed gives the same models.
"""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from ..errors import CompileError
from ..verify.exact import ON_DEVICE, Comparison, RunOnDevice, compare_model
from .kinds import SUPPORTED
from .models import Builder, Net, feed
from .nets import batches, nets, oddly_scaled, quantizers

GRAPHS = "graphs"
QUANTIZE = "quantize"
ODD_SCALES = "odd_scales"
WHOLE = (GRAPHS, ODD_SCALES)
"""Of these a case is a whole net, not a node."""
SUBJECTS = (*SUPPORTED, QUANTIZE, ODD_SCALES)
"""What is drawn where nothing else is asked for."""
CASES_A_MODEL = 10
MODELS_A_ROUND = 10


@dataclass
class Tally:
    """What was done so far. A case is one node of a batch, or one net.

    `left_out`: nodes among them whose operands did not fit. `not_compared`: models of `refused` or
    `in_float`, which count their reasons, of which a model may have several.
    """

    models: int = 0
    cases: Counter[str] = field(default_factory=Counter)
    values: int = 0
    left_out: int = 0
    not_compared: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    in_float: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Failure:
    """The smallest model that was found to differ, and how."""

    subject: str
    net: Net
    comparison: Comparison


class _Differs(Exception):  # noqa: N818
    """Tells Hypothesis that a model differs."""


class _OutOfTime(BaseException):
    """Ends a round; no Exception, because Hypothesis would take that for a finding."""


@dataclass
class Campaign:
    """`compare_all` runs it; `tally` is right at any time, also after an interruption.

    `device` runs programs on an adapter (None: stop at the simulator); `seconds` is the most time,
    without that of shrinking; `tell` is called after every model.
    """

    device: RunOnDevice | None = None
    seed: int = 0
    seconds: float | None = None
    tell: Callable[[Tally], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    failures: list[Failure] = field(default_factory=list)
    _failure: Failure | None = None
    _deadline: float | None = None

    def compare_all(self, subjects: Sequence[str], examples: int | None) -> None:
        """Rounds of every subject until there are `examples` cases in all, or time is up.

        A subject that differs is left, the others go on.
        """
        if self.seconds is not None:
            self._deadline = time.monotonic() + self.seconds
        shares = dict(zip(subjects, _shares(examples, len(subjects)), strict=True))
        left = list(subjects)
        try:
            for number in itertools.count():
                for subject in list(left):
                    share = shares[subject]
                    remaining = None if share is None else share - self.tally.cases[subject]
                    if remaining == 0 or self._round(subject, number, remaining):
                        left.remove(subject)
                if not left:
                    return
        except _OutOfTime:
            return

    def _round(self, subject: str, number: int, remaining: int | None) -> bool:
        """Some models of a subject; whether there is no more to do for it."""
        strategy = strategy_of(subject, remaining)
        each = 1 if subject in WHOLE else CASES_A_MODEL
        most = MODELS_A_ROUND if each > 1 else MODELS_A_ROUND * CASES_A_MODEL
        models = most if remaining is None else max(1, min(most, -(-remaining // each)))
        quick = hypothesis.settings(
            max_examples=models + (subject != GRAPHS),  # the first batch is always one of nothing
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            print_blob=False,
        )
        self._failure = None
        before = self.tally.cases[subject]

        @hypothesis.seed(self._seed(subject, number))
        @quick
        @hypothesis.given(strategy)
        def check(net: Net) -> None:
            self._check(subject, net)

        try:
            check()
        except _Differs:
            assert self._failure is not None
            self.failures.append(self._failure)
            return True
        return remaining is not None and self.tally.cases[subject] - before >= remaining

    def _seed(self, subject: str, number: int) -> int:
        name = int.from_bytes(subject.encode(), "big")
        return hash((self.seed, number, name))  # of integers: the same in every process

    def _check(self, subject: str, net: Net) -> None:
        searching = self._failure is None
        if searching and self._deadline is not None and time.monotonic() > self._deadline:
            raise _OutOfTime
        if subject != QUANTIZE and not net.nodes:
            return
        for builder, comparison in self._parts(net, batch=subject not in WHOLE):
            if searching:
                self._count(subject, builder, comparison)
            if comparison.failed:
                self._failure = Failure(subject, builder.net, comparison)
                raise _Differs

    def _parts(self, net: Net, batch: bool) -> Iterator[tuple[Builder, Comparison]]:
        """The net; where it can't be compared as a batch, each of its cases alone.

        What differs before the device is made smaller without it.
        """
        wrong = self._failure and self._failure.comparison.wrong
        device = None if wrong and wrong.name != ON_DEVICE else self.device
        builder, comparison = compare_net(net, device)
        cannot = comparison.refused or comparison.in_float
        if not (batch and cannot and len(net.nodes) > 1):
            yield builder, comparison
            return
        alone = [compare_net(replace(net, nodes=(node,)), device) for node in net.nodes]
        yield from alone
        if not any(case.refused or case.in_float for _, case in alone):
            yield builder, comparison  # what none of its cases is refused for

    def _count(self, subject: str, builder: Builder, comparison: Comparison) -> None:
        tally = self.tally
        tally.models += 1
        net = builder.net
        nodes = net.inputs if subject == QUANTIZE else net.nodes
        tally.cases[subject] += 1 if subject in WHOLE else len(nodes)
        tally.left_out += builder.left_out
        tally.values += comparison.values
        tally.not_compared["refused"] += bool(comparison.refused)
        tally.not_compared["in float"] += bool(comparison.in_float)
        tally.refused.update(f"{subject}: {general(why)}" for why in comparison.refused)
        tally.in_float.update(f"{subject}: {general(why)}" for why in comparison.in_float)
        self.tell(tally)


def compare_net(net: Net, device: RunOnDevice | None) -> tuple[Builder, Comparison]:
    """A net through every stage. What onnxruntime itself does not load counts as refused."""
    builder = Builder(net)
    model = builder.model()
    samples = [feed(net)]
    try:
        return builder, compare_model(model, samples, device)
    except CompileError as error:
        return builder, Comparison(model, samples, refused=[str(error)])


def strategy_of(subject: str, most: int | None = None) -> hypothesis.strategies.SearchStrategy[Net]:
    """How models of a subject are drawn; batches of no more than `most` cases."""
    if subject == GRAPHS:
        return nets()
    if subject == QUANTIZE:
        return quantizers()
    if subject == ODD_SCALES:
        return oddly_scaled()
    if most is not None and most < CASES_A_MODEL:
        return batches(subject, most, most)
    return batches(subject)


def general(reason: str) -> str:
    """A reason without the names and numbers of its model, so that equal ones can be counted."""
    first = reason.split("\n", maxsplit=1)[0]
    return re.sub(r"'[\w./:-]+'|%[\w.]+|(?<=_)\d+|-?\d[\d.e+-]*", "…", first)


def _shares(examples: int | None, count: int) -> list[int | None]:
    if examples is None:
        return [None] * count
    return [examples // count + (index < examples % count) for index in range(count)]
