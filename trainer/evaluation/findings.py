"""The recipe's findings as figures of runs of one budget, and the report that says them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import held_out
from ..files import write_whole
from ..models import load_generator
from . import predict
from .ablations import REPORT, REPORT_TITLE, Ablations, Measurement
from .sheets import write_sheet

SAME = 0.01
"""Relative changes up to this are no difference."""


@dataclass(frozen=True)
class Finding:
    """That `after` is better than `before` in a figure: lower, or higher for sharpness."""

    title: str
    seed: str
    """What the project's first training measured."""
    before: str
    after: str
    split: str
    figure: str
    which: tuple[str, str] = ("best", "best")

    def values(self, measurement: Callable[[str], Measurement | None]) -> tuple[float, float] | None:
        """The figure before and after; None where a run isn't done."""
        pair = measurement(self.before), measurement(self.after)
        if pair[0] is None or pair[1] is None:
            return None
        before, after = (
            float(getattr(getattr(run, which)[self.split], self.figure))
            for run, which in zip((pair[0], pair[1]), self.which, strict=True)
        )
        return before, after

    def verdict(self, before: float, after: float) -> str:
        """In words, with the change in percent."""
        change = (after - before) / before if before else 0.0
        better = change if "sharpness" in self.figure else -change
        if better > SAME:
            word = "reproduced"
        elif better < -SAME:
            word = "NOT reproduced, it is the other way round"
        else:
            word = "NOT reproduced, no difference"
        return f"{word} ({change:+.1%})"


FINDINGS = [
    Finding(
        "Mouth weighting lowers the mouth figure",
        "0.0411 to 0.0286", "mouth-1", "baseline", "val", "mouth_perc",
    ),
    Finding(
        "A fine-tune without GAN lowers it again, against as many iterations with it",
        "0.0286 to 0.0234", "gan-long", "gan-free", "val", "mouth_perc",
    ),
    Finding(
        "Visemes in the training data improve speech",
        "the last weak spot, mended by viseme data", "silent", "baseline", "speech", "mouth_perc",
    ),
    Finding(
        "ngf 24 beats ngf 16", "0.0190 to 0.0164", "baseline", "ngf-24", "speech", "perc",
    ),
    Finding(
        "A net run at half its training resolution is mush beside the native one",
        "native 5 to 6 times sharper", "double", "baseline", "val", "sharpness",
    ),
    Finding(
        "The same, by the distance to the truth",
        "not given", "double", "baseline", "val", "perc",
    ),
    Finding(
        "The best epoch beats the latest under a GAN",
        "L1 and VGG rise by 25 to 40 % in the decay phase", "gan-long", "gan-long", "val", "perc",
        ("latest", "best"),
    ),
    Finding(
        "A teacher's pictures in the target help the student",
        "students mimic the teacher", "baseline", "taught", "val", "perc",
    ),
]  # fmt: skip


_COLUMNS = (
    ("val", "perc", "val Perc-Lite0"),
    ("val", "mouth_perc", "val mouth Perc-Lite0"),
    ("val", "mouth_l1", "val mouth L1"),
    ("speech", "perc", "speech Perc-Lite0"),
    ("speech", "mouth_perc", "speech mouth Perc-Lite0"),
    ("speech", "mouth_l1", "speech mouth L1"),
    ("val", "psnr", "val PSNR dB"),
    ("val", "sharpness", "val sharpness"),
)


def write_findings(ablations: Ablations) -> Path:
    """Writes README.md and pictures of what is measured so far into the ablations' folder."""
    budget, measurement = ablations.budget, ablations.measurement
    path = ablations.folder / REPORT
    lines = [
        REPORT_TITLE,
        "",
        f"Each run: {budget.size}x{budget.size} pixels, {budget.pairs} training pairs, "
        f"{budget.iterations(budget.epochs)} iterations of batch 4 (what follows a run: "
        f"{budget.iterations(budget.tail)}), seed {budget.seed}; measured on {budget.pairs_held_out} "
        "held-out pairs a split. One run each, so differences of a few percent may be chance. "
        f"A change of up to {SAME:.0%} counts as none. Perc-Lite0 and L1: lower is better; "
        "sharpness: variance of the Laplacian as a share of the truth's.",
        "",
        *_summary(measurement),
        "",
        "## Runs",
        "",
        *_runs(ablations),
        "",
        *_remarks(measurement),
    ]
    if measurement("baseline") is not None:
        _pictures(ablations)
        lines += ["", "## Pictures", "", "Held-out speech.", "", "![speech](sheets/speech.jpg)"]
    write_whole(path, ("\n".join(lines) + "\n").encode())
    return path


def _summary(measurement: Callable[[str], Measurement | None]) -> Iterator[str]:
    yield "| finding | first measured | figure | before | after | verdict |"
    yield "|---|---|---|---:|---:|---|"
    for finding in FINDINGS:
        values = finding.values(measurement)
        figure = f"{finding.split} {finding.figure.replace('_', ' ')}"
        if values is None:
            cells = ["", "", "not measured yet"]
        else:
            cells = [f"{value:.4f}" for value in values] + [finding.verdict(*values)]
        names = (finding.before, finding.after)
        places = [f"{name} ({which})" for name, which in zip(names, finding.which, strict=True)]
        subject = f"{figure}: {places[0]}, {places[1]}"
        yield f"| {finding.title} | {finding.seed} | {subject} | {' | '.join(cells)} |"


def _runs(ablations: Ablations) -> Iterator[str]:
    yield "| run | | best epoch | minutes | " + " | ".join(c[2] for c in _COLUMNS) + " |"
    yield "|---|---|---:|---:|" + "---:|" * len(_COLUMNS)
    for step in ablations.steps:
        run = ablations.measurement(step.name)
        if run is None:
            continue
        for which, figures in (("", run.best), (" (latest)", run.latest)):
            if which and run.best == run.latest:
                continue
            cells = (f"{getattr(figures[split], name):.4f}" for split, name, _ in _COLUMNS)
            best, last = run.epochs
            epoch = f"{last if which else best} of {last}"
            yield (
                f"| {step.name}{which} | {step.what} | {epoch} | {run.seconds / 60:.1f} | "
                f"{' | '.join(cells)} |"
            )


def _remarks(measurement: Callable[[str], Measurement | None]) -> Iterator[str]:
    """What the watch and the gate said."""
    for name in ("gan", "gan-long"):
        run = measurement(name)
        if run is None:
            continue
        if run.runaway is None:
            yield f"- The watch saw no discriminator run away in {name}."
        else:
            yield (
                f"- The watch saw the discriminator run away in {name} at iteration "
                f"{run.runaway['iteration']} (error on made pictures {run.runaway['d_fake']:.4f}) "
                "and stopped the run."
            )
    taught = measurement("taught")
    if taught is not None:
        yield (
            f"- The teacher's gate in taught was, one after another: {', '.join(taught.gate)}. "
            "Closed, the target is the truth alone, as in the baseline."
        )


_SHOWN = ("double", "mouth-1", "silent", "baseline", "ngf-24", "gan-long", "gan-free")


def _pictures(ablations: Ablations) -> None:
    folder, size = ablations.folder, ablations.budget.size
    pairs = held_out.read(folder / "data", "speech", size)
    indices = np.linspace(0, len(pairs) - 1, min(10, len(pairs))).round().astype(int)
    rows = {"drawing": pairs.inputs[indices]}
    for name in _SHOWN:
        if ablations.measurement(name) is not None:
            predictor = predict.of_net(load_generator(folder / name), size)
            rows[name] = predictor(pairs.inputs[indices])
    rows["truth"] = pairs.truths[indices]
    write_sheet(folder / "sheets" / "speech.jpg", rows)
