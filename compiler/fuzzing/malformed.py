"""Damaged models and artifacts: each is refused in one clear message, or right in every bit.

A mutant follows from the seed and its number alone: of which model it is, and how it is damaged. Anything
but a refusal or the right result is a `Fault`: another exception, an internal error, a model taken that
onnxruntime refuses, other values, a crash, more time or memory than the limits of `isolation`.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import InternalError
from .isolation import Broken, Limits, Worker

REFUSED, RIGHT = "refused", "right"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: `kind` is REFUSED, RIGHT or that of a fault; `detail` the message."""

    kind: str
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        return self.kind not in (REFUSED, RIGHT)


class Target(Protocol):
    """What is damaged. Picklable: it is used in the parent and in the child process.

    `replay`: the command that shows again what a mutant does.
    """

    name: str
    replay: str

    def write(self, number: int, folder: Path) -> Path:
        """The mutant of that number, in `folder`: a file or a folder."""

    def open(self) -> Callable[[int, Path], Outcome]:
        """What judges a mutant, by its number; called in the child process."""


@dataclass(frozen=True)
class Fault:
    """A mutant that was neither refused nor right."""

    target: Target
    number: int
    outcome: Outcome

    @property
    def name(self) -> str:
        """For the file or folder that it is saved to."""
        return f"{self.target.name}-{self.number}"


@dataclass
class Hunt:
    """`run` tries mutants of each target in turn; counts and faults are right at any time."""

    targets: list[Target]
    limits: Limits = field(default_factory=Limits)
    seconds: float | None = None
    tell: Callable[[Hunt], None] = lambda _: None
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Mutants so far."""
        return self.counts.total()

    def run(self, examples: int | None) -> None:
        """`examples` mutants in all, or until the time is up."""
        deadline = None if self.seconds is None else time.monotonic() + self.seconds
        workers = [Worker(Judge(target), self.limits) for target in self.targets]
        try:
            while examples is None or self.tried < examples:
                if deadline is not None and time.monotonic() > deadline:
                    return
                which, number = self.tried % len(workers), self.tried // len(workers)
                self._count(self.targets[which], number, workers[which].run(number))
        finally:
            for worker in workers:
                worker.close()

    def _count(self, target: Target, number: int, result: Outcome | Broken) -> None:
        outcome = Outcome(result.kind, result.detail) if isinstance(result, Broken) else result
        self.counts[outcome.kind] += 1
        if outcome.is_fault:
            self.faults.append(Fault(target, number, outcome))
        self.tell(self)


@dataclass(frozen=True)
class Judge:
    """Makes, in the child process of a `Worker`, what writes a mutant and says what became of it."""

    target: Target

    def __call__(self) -> Callable[[int], Outcome]:
        judge = self.target.open()

        def task(number: int) -> Outcome:
            with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
                return judge(number, self.target.write(number, Path(folder)))

        return task


def judged(attempt: Callable[[], Outcome], refusals: tuple[type[Exception], ...]) -> Outcome:
    """What `attempt` says; one of `refusals` is a refusal, any other exception a fault."""
    try:
        return attempt()
    except InternalError as error:
        return Outcome("internal error", str(error))
    except refusals as error:
        return Outcome(REFUSED, str(error))
    except Exception as error:
        place = _innermost(error)
        return Outcome("exception", f"{type(error).__name__} at {place}: {error}")


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{re.sub(r'.*/', '', trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
