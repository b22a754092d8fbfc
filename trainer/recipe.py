"""Whole recipes, from nothing to a file that shipped: what `recipe` and `ci` run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from rich.console import Console

from .config import Config
from .data.generate import generate
from .evaluation.report import MEAN_IMAGE, Entry, Evaluation, Report
from .export.ship import Export, ShippedModel, ship
from .training.perceptual import PercLite0
from .training.run import architecture_of, teacher_of, train_student, train_teacher, trained


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
    config: Config,
    folder: Path,
    init: Path | None,
    processes: int,
    seconds: float | None,
    out: Console,
    teacher: Path | None = None,
) -> list[ShippedModel]:
    """Data, distillation, int8, compiled and verified; nothing shipped where time is up.

    Folders data and student (with `config.base`: and base) and the file `config.file` come into
    `folder`, four files of phase students; what is there already is gone on with.

    Args:
        init: what the student, or its base, starts from: a run, a .pt file, or a model that shipped
            (.onnx).
        seconds: train for so long, then stop; None: to the end.
        teacher: a generator whose pictures are mixed into the student's targets while it is better.

    Raises:
        TrainerError: any step fails.
        KeyboardInterrupt: training was interrupted.
    """
    data, base, student = (folder / name for name in ("data", "base", "student"))
    start = perf_counter()
    first = replace(config.model, size=config.model.size // 2, phases=1) if config.base else config.model
    # What can't be started or learnt from is told at once.
    if init is not None:
        trained(architecture_of(first), init)
    if teacher is not None:
        teacher_of(teacher, config.model.size)
    generate(config.data, data, processes, out)

    def train(run: Path, config: Config, init: Path | None, teacher: Path | None) -> bool:
        """Whether it has ended; there may be no time for its beginning."""
        left = seconds and max(1e-6, seconds - (perf_counter() - start))
        result = train_student(data, run, config, teacher=teacher, init=init, seconds=left, out=out)
        if result.reason == "signal":
            raise KeyboardInterrupt
        return result.finished

    if config.base:
        if not train(base, replace(config, model=first, distill=config.base), init, None):
            return []
        init = base
    if not train(student, config, init, teacher):
        return []
    return ship(student, data, folder / config.file, say=out.print)


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
