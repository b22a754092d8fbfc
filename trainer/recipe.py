"""Whole recipes, from nothing to a file that shipped: what `recipe` and `ci` run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console

from .config import Config
from .data.generate import generate
from .evaluation.report import MEAN_IMAGE, Entry, Evaluation, Report
from .export.ship import Export, ShippedModel, ship
from .training.perceptual import PercLite0
from .training.run import architecture_of, train_student, train_teacher, trained


@dataclass(frozen=True)
class Outcome:
    """What the recipe came to; `seconds` by step."""

    report: Report
    shipped: ShippedModel
    seconds: dict[str, float]

    def failures(self) -> list[str]:
        """What does not hold: every net beats the mean image on val. The rest raised already."""
        return [
            f"{row.name} is {self.report.gain(row.name, 'val'):.2f} dB above the mean image on val"
            for row in self.report.rows
            if row.name != MEAN_IMAGE and self.report.gain(row.name, "val") <= 0
        ]


def shipping_recipe(
    config: Config, folder: Path, init: Path | None, processes: int, seconds: float | None, out: Console
) -> ShippedModel | None:
    """Data, distillation without a teacher, int8, compiled and verified; None where time is up.

    Folders data and student and the file `config.file` come into `folder`; what is there already
    is gone on with.

    Args:
        init: what the student starts from: a run, a .pt file, or a model that shipped (.onnx).
        seconds: train for so long, then stop; None: to the end.

    Raises:
        TrainerError: any step fails.
        KeyboardInterrupt: training was interrupted.
    """
    data, student = folder / "data", folder / "student"
    if init is not None:
        trained(architecture_of(config.model), init)  # what can't be started from is told at once
    generate(config.data, data, processes, out)
    result = train_student(data, student, config, init=init, seconds=seconds, out=out)
    if result.reason == "signal":
        raise KeyboardInterrupt
    if not result.finished:
        return None
    (shipped,) = ship(student, data, folder / config.file, say=out.print)
    return shipped


def whole_recipe(config: Config, folder: Path, processes: int, out: Console) -> Outcome:
    """Data, teacher, distillation, fine-tune, int8, compiled and verified; then every figure.

    Folders data, teacher, student, tuned and the file avatar.onnx come into `folder`; what is
    there already is gone on with.

    Raises:
        TrainerError: any step fails.
    """
    data, teacher, student, tuned = (folder / name for name in ("data", "teacher", "student", "tuned"))
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        seconds[name] = perf_counter() - start
        out.print(f"{name}: {seconds[name]:.1f} s")

    with step("data"):
        generate(config.data, data, processes, out)
    with step("teacher"):
        train_teacher(data, teacher, config)
    with step("distillation"):
        train_student(data, student, config, "distill", teacher=teacher)
    with step("fine-tune"):
        train_student(data, tuned, config, "finetune", teacher=teacher, init=student)
    with step("ship"):
        (shipped,) = ship(tuned, data, folder / "avatar.onnx", how=Export(samples=2), say=out.print)
    with step("evaluation"):
        places = {"teacher": teacher, "student": student, "fine-tuned": tuned}
        entries = [Entry(name, path) for name, path in (places | {"int8": shipped.path}).items()]
        report = Evaluation(data, entries, PercLite0()).run(lambda line: None)  # noqa: ARG005
    return Outcome(report, shipped, seconds)
