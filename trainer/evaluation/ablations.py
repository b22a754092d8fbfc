"""The recipe's findings, each an ablation: runs that differ in one thing and have one budget.

A step trains one run and measures it; findings compare the figures of two steps. A step that is
done is not done again, an interrupted one goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console

from ..config import Config, DataConfig, LossConfig, ModelConfig, OptimizerConfig, Split, TeacherConfig
from ..data import held_out, store
from ..data.generate import generate, split_counts
from ..errors import TrainerError
from ..files import read_json, require_own, write_whole
from ..models import Generator, load_generator, load_recipe
from ..models.files import generator_of
from ..training.log import read_log
from ..training.loop import BEST, LAST, read_last
from ..training.perceptual import PercLite0
from ..training.run import Result, train_student, train_teacher
from . import predict
from .metrics import Figures, measure
from .table import perceptual

GAN = 0.01
"""Weight of the LSGAN term against an L1 of 1: pix2pix's 1 to 100."""
BATCH = 4
MEASURED: tuple[Split, ...] = ("val", "pose-extreme", "speech")
FIGURES = "figures.json"
REPORT, REPORT_TITLE = "README.md", "# Findings"


@dataclass(frozen=True)
class Budget:
    """What every run gets. Side of the pictures, training pairs, times that each is seen."""

    size: int = 128
    pairs: int = 1000
    pairs_held_out: int = 100
    """Pairs of each held-out split."""
    epochs: int = 4
    seed: int = 0

    @property
    def tail(self) -> int:
        """Epochs of what follows a run: half as many."""
        return max(1, self.epochs // 2)

    def iterations(self, epochs: int) -> int:
        """Of so many epochs."""
        return epochs * (self.pairs // BATCH)


@dataclass(frozen=True)
class Step:
    """A run: how it differs from the baseline, and what it starts from or learns from."""

    name: str
    what: str
    config: Config
    stage: Literal["teacher", "distill", "finetune"] = "distill"
    data: Literal["data", "silent"] = "data"
    init: str | None = None
    teacher: str | None = None


def steps(budget: Budget) -> list[Step]:
    """Every run, in the order in which they are made."""
    base = _baseline(budget)
    gan = replace(base, loss=replace(base.loss, gan=GAN))
    longer = replace(base.distill, epochs=budget.epochs + budget.tail)
    taught = replace(base, loss=replace(base.loss, teacher=0.5))
    model, size = base.model, budget.size
    return [
        Step("baseline", "ngf 16, mouth weight 5, speech in the data, no GAN, no teacher", base),
        Step("mouth-1", "mouth weight 1", replace(base, loss=replace(base.loss, mouth=1.0))),
        Step("silent", "no visemes in the training data", base, data="silent"),
        Step("ngf-24", "ngf 24", replace(base, model=replace(model, ngf=24))),
        Step(
            "double",
            f"trained on {2 * size} pixels, run at {size}",
            replace(base, model=replace(model, pixels=2 * size)),
        ),
        Step("gan", f"with a GAN of weight {GAN}", gan),
        Step("gan-free", "gan, then a fine-tune without GAN", base, "finetune", init="gan"),
        Step("gan-long", "as many iterations, all with GAN", replace(gan, distill=longer)),
        Step("teacher", "pix2pix's UNet, ngf 32", base, "teacher"),
        Step("taught", "half of the target is the teacher's picture", taught, teacher="teacher"),
    ]


def _baseline(budget: Budget) -> Config:
    optimizer = OptimizerConfig(
        epochs=budget.epochs, batch=BATCH, validation=50, seed=budget.seed, runaway="stop"
    )
    tail = replace(optimizer, epochs=budget.tail, learning_rate=2e-4, freeze_norms=True)
    teach = replace(optimizer, learning_rate=2e-4, beta1=0.5)
    return Config(
        model=ModelConfig(size=budget.size, ngf=16),
        teacher=TeacherConfig(size=budget.size, ngf=32, ndf=32),
        loss=LossConfig(window=3 * budget.size // 8, teacher=0.0),
        teach=teach,
        distill=optimizer,
        finetune=tail,
    )


@dataclass(frozen=True)
class Measurement:
    """A run's figures by split: of its best epoch, and of its latest."""

    best: Mapping[str, Figures]
    latest: Mapping[str, Figures]
    runaway: Mapping[str, Any] | None
    """What the watch logged, if the discriminator ran away."""
    gate: tuple[str, ...]
    """States of the teacher's gate, in order."""
    seconds: float
    epochs: tuple[int, int]
    """Number of the best epoch (0: as it started), and of the latest."""


class Ablations:
    """The steps of a budget, in a folder with data sets and runs.

    Raises:
        TrainerError: the folder holds something else, or a step fails; what is done stays done.
    """

    def __init__(
        self,
        folder: Path,
        budget: Budget,
        processes: int,
        out: Console,
        source: Path | None = None,
    ) -> None:
        self.folder, self.budget, self.out = folder, budget, out
        self._processes, self._source = processes, source
        self._distance = perceptual(PercLite0())
        self.steps = steps(budget)

    def run(self, seconds: float | None) -> bool:
        """Does what is not yet done, for about so long; whether all is done."""
        end = time.monotonic() + seconds if seconds is not None else None
        require_own(self.folder / REPORT, REPORT_TITLE.encode())
        self._data()
        for step in self.steps:
            if self.measurement(step.name) is not None:
                continue
            rest = None if end is None else end - time.monotonic()
            if rest is not None and rest <= 0:
                return False
            self.out.print(f"{step.name}: {step.what}")
            start = time.monotonic()
            result = self._train(step, rest)
            if result.reason not in ("finished", "runaway"):
                self._spend(step, time.monotonic() - start)
                return False
            self._measure(step, result, self._spend(step, time.monotonic() - start))
        return True

    def measurement(self, name: str) -> Measurement | None:
        """The figures of a step; None where it isn't done."""
        path = self.folder / name / FIGURES
        if not path.exists():
            return None
        advice = "delete it, and the step is measured again"
        record = read_json(path, advice)
        try:
            return _measurement(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TrainerError(
                f"{path} holds no figures of a step ({type(error).__name__}: {error}); {advice}"
            ) from error

    def _data(self) -> None:
        """Makes the data sets: `data` of twice the size, `silent` whose training mouths are."""
        budget = self.budget
        config = DataConfig(
            size=2 * budget.size,
            train=budget.pairs,
            val=budget.pairs_held_out,
            pose_extreme=budget.pairs_held_out,
            speech=budget.pairs_held_out,
            dev=budget.pairs_held_out,
            seed=budget.seed,
            shard=50,
        )
        silent = replace(config, size=budget.size, visemes=False, pose_extreme=0, speech=0)
        configs = {"data": config, "silent": silent}
        if self._source is not None and not (self.folder / "data" / store.DESCRIPTION).exists():
            take(self._source, self.folder / "data", config)
        for name, part in configs.items():
            report = generate(part, self.folder / name, self._processes, self.out)
            self.out.print(f"{name}: {report.rendered} pairs rendered, {report.existing} there")

    def _train(self, step: Step, seconds: float | None) -> Result:
        data, run = self.folder / step.data, self.folder / step.name
        if step.stage == "teacher":
            return train_teacher(data, run, step.config, seconds, out=self.out)
        init, teacher = (self.folder / name if name else None for name in (step.init, step.teacher))
        return train_student(data, run, step.config, step.stage, teacher, init, seconds, out=self.out)

    def _spend(self, step: Step, seconds: float) -> float:
        """Adds to the seconds that a step has taken, over all sessions; returns the sum."""
        path = self.folder / step.name / "seconds.json"
        advice = "write the seconds into it that the step has taken, or delete it"
        before = read_json(path, advice) if path.exists() else 0.0
        if not isinstance(before, int | float):
            raise TrainerError(f"{path} holds {before!r}, not a number of seconds; {advice}")
        total = seconds + before
        write_whole(path, json.dumps(round(total, 1)).encode())
        return total

    def _measure(self, step: Step, result: Result, seconds: float) -> None:
        run, log = self.folder / step.name, read_log(self.folder / step.name)
        figures = {
            which: {split: asdict(values) for split, values in self._figures(net)}
            for which, net in (("best", load_generator(run / BEST)), ("latest", latest(run)))
        }
        runaways = [line for line in log if line["event"] == "runaway"]
        content = figures | {
            "runaway": runaways[0] if runaways else None,
            "gate": [line["state"] for line in log if line["event"] == "gate"],
            "seconds": round(seconds, 1),
            "epochs": [int(result.metrics.get("epoch", 0)), len(result.history)],
        }
        write_whole(run / FIGURES, (json.dumps(content, indent=2) + "\n").encode())

    def _figures(self, net: Generator) -> Iterator[tuple[str, Figures]]:
        """By split, at the budget's size whatever the net was trained on."""
        predictor = predict.of_net(net, self.budget.size)
        for split in MEASURED:
            truth = held_out.read(self.folder / "data", split, self.budget.size)
            yield split, measure(predictor(truth.inputs), truth.truths, truth.mouths, self._distance)


def _measurement(record: dict[str, Any]) -> Measurement:
    best, latest = (_read_splits(record[which]) for which in ("best", "latest"))
    first, last = map(int, record["epochs"])
    runaway = None if record["runaway"] is None else dict(record["runaway"])
    gate = tuple(map(str, record["gate"]))
    return Measurement(best, latest, runaway, gate, float(record["seconds"]), (first, last))


def _read_splits(record: dict[str, dict[str, Any]]) -> dict[str, Figures]:
    """The figures of the held-out splits, from JSON."""
    return {
        split: Figures(**{name: float(value) for name, value in record[split].items()}) for split in MEASURED
    }


def latest(run: Path) -> Generator:
    """The averaged weights of a run's latest iteration."""
    return generator_of(run / LAST, load_recipe(run).get("model"), read_last(run)["average"])


def take(source: Path, folder: Path, config: DataConfig) -> None:
    """Copies the first pairs of each split of a larger data set.

    `generate` compares them with what it would make, and renders what differs.

    Raises:
        TrainerError: the source can't be read, or has pictures of another size.
    """
    size = store.read_description(source)["config"]["size"]
    if size != config.size:
        raise TrainerError(
            f"{source} has pictures of {size} pixels a side, these ablations need {config.size}: "
            "leave --data away, or give --size half of what there is"
        )
    counts = split_counts(config)
    there = store.counts(source)
    for split, count in counts.items():
        if not there[split]:
            continue  # generate renders them
        pairs = store.read_split(source, split, limit=count)
        parts = {name: min(count, there[split]) * (name == split) for name in counts}
        for shard in store.shards_of(parts, config.shard):
            end = shard.first + shard.count
            part = np.s_[shard.first : end]
            shard_pairs = store.Pairs(pairs.inputs[part], pairs.targets[part], pairs.landmarks[part])
            store.write_shard(folder / shard.name, shard_pairs)
