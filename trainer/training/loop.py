"""The training loop: iterations, validation, checkpoints; resumable at any iteration."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress, TaskID
from torch import Tensor

from ..config import OptimizerConfig
from ..errors import TrainerError
from ..models import save_generator
from ..models.checksum import no_numbers
from ..models.files import read, write
from . import distributed
from .average import Average
from .batches import Batch, Batches
from .log import Log, bar
from .pix2pix import Pix2Pix
from .schedule import factor
from .stopping import Reason, Stop
from .validation import Validation
from .watch import Watch

LAST, BEST = "last.pt", "best.pt"
_FIELDS = ("progress", "model", "average", "updates", "least_l1")
WINDOW = 50
"""Iterations that a line of the log takes the mean of."""


@dataclass
class Position:
    """Where a run is."""

    epoch: int = 0
    position: int = 0
    """Batches of the epoch that are done."""
    iteration: int = 0
    best: float = -math.inf
    """The best validation score so far."""
    history: list[dict[str, float]] = field(default_factory=list)
    """The validation of each epoch."""

    @staticmethod
    def of(fields: dict[str, Any]) -> Position:
        """Raises ValueError or TypeError where a field is missing or of another kind."""
        position = Position(**fields)
        counts = (position.epoch, position.position, position.iteration)
        figures = [value for epoch in position.history for value in epoch.values()]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError(f"its counts are {counts}")
        if not all(isinstance(figure, int | float) for figure in [position.best, *figures]):
            raise ValueError("its figures are no numbers")
        return position


class Loop:
    """Trains a model in a run folder, from where its last.pt is, if there is one.

    Random choices depend on the seed and the iteration alone, and the order of the pairs on the
    seed and the epoch: so a run that was interrupted goes on as if it had not been.
    """

    def __init__(
        self,
        folder: Path,
        model: Pix2Pix,
        batches: Batches,
        validation: Validation,
        config: OptimizerConfig,
    ) -> None:
        self.folder, self.model, self.batches = folder, model, batches
        self.validation, self.config = validation, config
        self.average = Average(model.generator, config.ema)
        self.progress = Position()
        self.watch = Watch()
        self.window = Window()
        self.total = config.epochs * len(batches)
        self.log: Log | None = None
        self._stopped: Reason | None = None
        if (folder / LAST).is_file():
            self.load()

    def run(self, stop: Stop, log: Log | None) -> Reason:
        """Trains until the end or a reason to stop; last.pt is then of the last iteration.

        Raises:
            TrainerError: memory or the disk is full, or a loss is no number any more; last.pt is
                the last that was written before.
        """
        self.log = log
        self.gate()
        with self._full_memory(), bar(log.out if log else Console(quiet=True)) as display:
            task = display.add_task("training", total=self.total, completed=self.progress.iteration)
            while self.progress.epoch < self.config.epochs:
                reason = self._epoch(stop, display, task)
                if reason:
                    self.save()
                    return reason
                self._close_epoch()
        return "finished"

    def _epoch(self, stop: Stop, display: Progress, task: TaskID) -> Reason | None:
        """The rest of an epoch; why it was left, if it was."""
        progress = self.progress
        for batch in self.batches.epoch(progress.epoch, progress.position):
            reason = self._stopped or stop.reason()
            if distributed.any_of(reason is not None, self.model.device):
                return distributed.from_main(reason or "signal")
            self._iterate(batch)
            display.update(task, completed=progress.iteration)
            if progress.iteration % self.config.save_every == 0:
                self.save()
        return self._stopped

    def _iterate(self, batch: Batch) -> None:
        progress, config = self.progress, self.config
        rate = factor(progress.iteration, self.total, config.warmup, config.final)
        self.window.add(self.model.optimize_parameters(batch, progress.iteration, rate))
        self.average.update(self.model.generator)
        progress.iteration += 1
        progress.position += 1
        if progress.iteration % WINDOW == 0:
            self._close_window(rate)

    def _close_window(self, rate: float) -> None:
        terms, seconds = self.window.close()
        self._finite(terms)
        self._note("train", **terms, rate=rate, seconds=seconds)
        if "d_fake" in terms:
            runaway = self.watch.runaway(terms["d_fake"], terms["error"])
            if distributed.any_of(runaway, self.model.device):
                self._runaway(terms)

    def _runaway(self, terms: dict[str, float]) -> None:
        """The discriminator has won: what the user wants then."""
        action = self.config.runaway
        self._note("runaway", d_fake=terms["d_fake"], l1=terms["error"], action=action)
        self._say(
            f"iteration {self.progress.iteration}: the discriminator has run away (error on made "
            f"pictures {terms['d_fake']:.4f}, L1 {terms['error']:.4f} after "
            f"{self.watch.least_l1:.4f}): "
            + ("going on without it" if action == "drop" else "stopping; best.pt is from before")
        )
        if action == "drop":
            self.model.drop_discriminator()
        else:
            self._stopped = "runaway"

    def _close_epoch(self) -> None:
        """Validates, keeps the best, saves."""
        progress = self.progress
        metrics = distributed.from_main(self._validate() if distributed.is_main() else {})
        progress.epoch, progress.position = progress.epoch + 1, 0
        progress.history.append(metrics)
        better = self._keep_if_best(metrics)
        self._note("validation", epoch=progress.epoch, best=better, **metrics)
        self._say(
            f"epoch {progress.epoch} of {self.config.epochs}: PSNR {metrics['psnr']:.2f} dB, "
            f"mouth {metrics['mouth_psnr']:.2f} dB, sharpness {metrics['sharpness']:.0%}"
            + (", the best so far" if better else "")
        )
        self.gate()
        self.save()

    def _keep_if_best(self, metrics: dict[str, float]) -> bool:
        """Writes best.pt where the score is the highest so far."""
        progress = self.progress
        if not metrics["score"] > progress.best:
            return False
        progress.best = metrics["score"]
        if distributed.is_main():
            network: Any = self.average.network
            save_generator(self.folder / BEST, network, metrics | {"epoch": progress.epoch})
        return True

    def start_from(self, metrics: dict[str, float]) -> None:
        """Before the first iteration: the generator is trained already and has these figures, so
        that best.pt is never worse than it."""
        if self.progress.iteration == 0:
            self._keep_if_best(metrics)

    def _validate(self) -> dict[str, float]:
        network = self.average.network
        if self.log is not None:
            progress = self.progress
            picture = self.validation.sheet(network)
            self.log.sheet(progress.iteration, progress.epoch + 1, picture)
        return self.validation.measure(network)

    def gate(self) -> None:
        """Lets the teacher in while it is better than the student's best."""
        teacher = self.model.teacher
        if teacher is None:
            return
        was, open_ = teacher.share, teacher.gate(self.progress.best)
        if teacher.share != was or self.progress.iteration == 0:
            state = "open" if open_ else "closed"
            best = self.progress.best if math.isfinite(self.progress.best) else None
            self._note("gate", state=state, teacher=teacher.score, student=best)
            self._say(f"the teacher's gate is {state}: {teacher.score:.2f} dB on validation")

    def save(self) -> None:
        """Writes last.pt, whole or not at all; never of weights that are no numbers."""
        self._finite(self.window.means() | {"a weight": self._sum_of_weights()})
        if distributed.is_main():
            content = {
                "progress": asdict(self.progress),
                "model": self.model.state(),
                "average": self.average.network.state_dict(),
                "updates": self.average.updates,
                "least_l1": self.watch.least_l1,
            }
            write(self.folder / LAST, content)

    def _sum_of_weights(self) -> float:
        """No number where any weight is none."""
        return float(torch.stack([p.detach().abs().mean() for p in self.model.generator.parameters()]).sum())

    def load(self) -> None:
        """Takes up last.pt."""
        content = read_last(self.folder)
        try:
            self.model.load(content["model"])
            self.average.network.load_state_dict(content["average"])
            self.average.updates = int(content["updates"])
            self.watch.least_l1 = float(content["least_l1"])
            self.progress = Position.of(content["progress"])
        except Exception as error:  # torch tells what does not fit in many ways
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise TrainerError(
                f"{self.folder / LAST} is not of this run ({reason}): train in another folder"
            ) from error

    def _finite(self, terms: dict[str, float]) -> None:
        bad = [name for name, value in terms.items() if not math.isfinite(value)]
        if distributed.any_of(bool(bad), self.model.device):
            raise TrainerError(
                f"iteration {self.progress.iteration}: the loss is no number any more "
                f"({', '.join(bad)}). {self.folder / LAST} is from before; train in a new folder "
                "with a lower --learning-rate, from --init best.pt if there is one"
            )

    def _note(self, event: str, **values: Any) -> None:
        if self.log is not None:
            self.log.event(self.progress.iteration, event, **values)

    def _say(self, text: str) -> None:
        if self.log is not None:
            self.log.say(text)

    @contextmanager
    def _full_memory(self) -> Iterator[None]:
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            batch = self.config.batch
            checkpoint = self.folder / LAST
            where = f"{checkpoint} is kept" if checkpoint.is_file() else "nothing was trained yet"
            raise TrainerError(
                f"a batch of {batch} does not fit into the memory of {self.model.device}: {where}. "
                f"Free memory and run the same command again, or train in a new folder with "
                f"--batch {max(2, batch // 2)}"
            ) from error


def read_last(folder: Path) -> dict[str, Any]:
    """What last.pt of a run holds.

    Raises:
        TrainerError: it is damaged, something else, or has weights that are no numbers.
    """
    advice = f"to go on from the best epoch, train in another folder with --init {folder / BEST}"
    content = read(folder / LAST, _FIELDS, f"state of a run; {advice}")
    places = no_numbers([content["model"], content["average"]])
    if places:
        raise TrainerError(f"{folder / LAST} holds weights that are NaN or infinite ({places[0]}); {advice}")
    return content


def _is_memory(error: BaseException) -> bool:
    text = str(error)
    typed = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return typed or "can't allocate memory" in text or "not enough memory" in text


class Window:
    """Sums of the loss's terms, on the device, until somebody wants to know."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._start = time.perf_counter()

    def add(self, terms: dict[str, Tensor]) -> None:
        """One iteration's."""
        for name, value in terms.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1

    def means(self) -> dict[str, float]:
        """Means over the iterations since the last close."""
        return {name: float(value) / self._count for name, value in self._sums.items()}

    def close(self) -> tuple[dict[str, float], float]:
        """Means, and seconds an iteration; starts anew."""
        means = self.means()
        now = time.perf_counter()
        seconds = (now - self._start) / max(1, self._count)
        self._sums, self._count, self._start = {}, 0, now
        return means, seconds
