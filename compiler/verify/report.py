"""What came of a verification, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .compare import TOLERANCE, Difference, Steps
from .regions import Region
from .replay import Replay
from .stages import Stage


@dataclass
class Report:
    """A model against `reference`, over a number of samples.

    `stages` have values: those of the passes, last those of the device. `replay` is of the device's
    kernels where there are float `regions`, `steps` of what ConvTranspose makes, whose names are
    `transposed`, `region_steps` of each tensor that is quantized behind a region. `integers`: tensors
    that a region makes and the reference makes in integers, with its operator of each.
    """

    reference: str
    samples: int
    regions: Sequence[Region] = ()
    transposed: Collection[str] = ()
    integers: Mapping[str, str] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    replay: Replay = field(default_factory=Replay)
    steps: Steps = field(default_factory=Steps)
    region_steps: dict[str, Steps] = field(default_factory=dict)
    device: str = ""

    @property
    def rows(self) -> list[Stage]:
        """All that was compared."""
        return [*self.stages, *self._kernels(), *self._wrong_steps(), *self.wrong_regions]

    @property
    def wrong(self) -> Stage | None:
        """The first that differs by more than it may."""
        return next((row for row in self.rows if not row.ok), None)

    @property
    def all_region_steps(self) -> Steps:
        """Those of all tensors that are quantized behind float regions."""
        total = Steps()
        for steps in self.region_steps.values():
            total.add(steps)
        return total

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.wrong is not None:
            return f"NOT exact: {self._blame(self.wrong)}"
        rows = [row for row in (*self.stages[-1:], *self._kernels()) if row.difference.values]
        counts = " and ".join(f"0 of {row.difference.values} {row.what}" for row in rows)
        return (
            f"exact: {counts or 'no integers'} differ from {self.reference} "
            f"in {self.samples} samples on {self.device}{self._not_to_the_bit()}"
        )

    def _kernels(self) -> list[Stage]:
        if not (self.regions and self.device):
            return []
        wrong = self.replay.wrong
        difference = Difference(self.replay.words, sum(wrong.values()), self.replay.error)
        detail = "".join(f"; first in kernel {name!r}: {wrong[name]} words" for name in [*wrong][:1])
        name = f"kernels on {self.device}"
        return [Stage(name, difference, "words of integer kernels", detail=detail)]

    def _wrong_steps(self) -> list[Stage]:
        if self.steps.ok:
            return []
        difference = Difference(self.steps.values, self.steps.differing)
        detail = f"; up to {self.steps.most} steps, where one is allowed"
        return [Stage("in a ConvTranspose", difference, detail=detail)]

    @property
    def wrong_regions(self) -> list[Stage]:
        """What is computed in float here and in integers there, and what is further off than floats."""
        rows = []
        for name, steps in self.region_steps.items():
            if name in self.integers:
                rows.append(Stage.in_float_here(name, self.integers[name], steps))
            elif not steps.ok:
                difference = Difference(steps.values, steps.beyond)
                detail = f"; up to {steps.most} steps, more than floats within {TOLERANCE:.0e} make"
                rows.append(Stage(f"in {name!r}, behind a float region", difference, detail=detail))
        return rows

    def _blame(self, row: Stage) -> str:
        difference = row.difference
        if difference.differing or row.in_float:
            return (
                f"{difference.differing} of {difference.values} {row.what} differ "
                f"from {self.reference} {row.name}{row.detail}"
            )
        return (
            f"float regions differ from {self.reference} by {difference.error:.1e} {row.name}; "
            f"{TOLERANCE:.0e} of the largest magnitude is allowed"
        )

    def _not_to_the_bit(self) -> str:
        """What the verdict says of ConvTranspose and of float regions."""
        sums = ", with integer sums in its ConvTranspose" * bool(self.transposed)
        count = len(self.regions)
        if not count:
            return sums
        return (
            f"{sums}; {count} float region{'s' * (count > 1)} within {TOLERANCE:.0e} "
            f"(at most {self.replay.error:.1e}), integers given the same inputs"
        )
