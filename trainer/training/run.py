"""Whole stages: a teacher, a student, its fine-tune, each in a run folder.

config.json   what was asked; the same command goes on, another one is refused
log.jsonl     one line an event: train (means of 50 iterations), validation, gate, runaway, end
tensorboard/  the same
sheets/       EPOCH.png: input, output, target, output's and target's mouth
last.pt       everything to go on from
best.pt       the averaged weights of the best epoch: what the other commands read
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console

from ..config import Config, LossConfig, ModelConfig, OptimizerConfig, TeacherConfig
from ..data.dataset import PairDataset
from ..data.store import choosing_split, read_description
from ..errors import TrainerError
from ..files import read_json, require_own, write_whole
from ..models import (
    Generator,
    MobileUNet,
    PatchGAN,
    PhaseStudents,
    generator_file,
    load_generator,
    load_metrics,
    make,
)
from ..models.files import RECIPE
from ..models.growth import grown
from . import distributed
from .batches import Batches
from .device import choose, machine, place, unused_gpu
from .log import Log
from .loop import BEST, LAST, Loop
from .losses import PictureLoss, to_network
from .norms import PICTURES, renormed
from .perceptual import FeatureDistance, perceptual_distance
from .pix2pix import Pix2Pix
from .stopping import Reason, Stop
from .teacher import Teacher
from .validation import Validation

FORMAT = 1
Stage = Literal["teacher", "distill", "finetune"]
FREE = ("workers", "save_every", "validation")
"""Fields of OptimizerConfig that may change when a run goes on."""


@dataclass(frozen=True)
class Result:
    """How a run stands."""

    best: Path
    """The best epoch's generator; not there before the first epoch has ended."""
    metrics: dict[str, float]
    """Its validation, with `epoch`; empty before."""
    history: list[dict[str, float]]
    """The validation of each epoch."""
    reason: Reason
    """Why training returned: finished, time, signal (interrupted) or runaway."""
    iterations: tuple[int, int]
    """Done, and planned."""

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.reason == "finished"


@dataclass(frozen=True)
class _Plan:
    """What a stage trains."""

    stage: Stage
    architecture: dict[str, Any]
    loss: LossConfig
    optimizer: OptimizerConfig
    init: Path | None = None
    teacher: Path | None = None
    pixels: int | None = None
    """Side of the training pictures; the architecture's size if None."""


def train_teacher(
    data: Path,
    run: Path,
    config: Config,
    seconds: float | None = None,
    device: str = "auto",
    out: Console | None = None,
) -> Result:
    """Trains pix2pix's UNet with LSGAN + L1 on a data set, or goes on with it.

    Args:
        data: a data set's folder.
        run: the run's folder.
        seconds: stop after so long, resumable; None: train to the end.
        device: auto, cpu, cuda or cuda:N.
        out: where progress is told; None: nowhere.

    Raises:
        TrainerError: bad data, a run folder of something else, no memory, a full disk.
    """
    architecture = {"kind": "unet", "size": config.teacher.size, "ngf": config.teacher.ngf}
    plan = _Plan("teacher", architecture, _teacher_loss(config.teacher), config.teach)
    return _train(data, run, plan, seconds, device, out)


def train_student(
    data: Path,
    run: Path,
    config: Config,
    stage: Literal["distill", "finetune"] = "distill",
    teacher: Path | None = None,
    init: Path | None = None,
    seconds: float | None = None,
    device: str = "auto",
    out: Console | None = None,
) -> Result:
    """Trains a student on a data set, or goes on with it; see `train_teacher` for the rest.

    Args:
        stage: distill trains config.model; finetune trains `init` on, never with a discriminator.
        teacher: a run folder or .pt file; its pictures are mixed into the targets while it is
            better on validation than the student's best.
        init: a run folder, a .pt file or a model that shipped (.onnx) to start from; of half the
            size where the student has an outer level more, or is four of half the size.
    """
    architecture = architecture_of(config.model)
    if stage == "finetune":
        if init is None:
            raise TrainerError("a fine-tune needs a trained student: --init RUN or FILE.pt")
        architecture = dict(load_generator(init).architecture())
        loss, optimizer = replace(config.loss, gan=0.0), config.finetune
    else:
        loss, optimizer = config.loss, config.distill
    plan = _Plan(stage, architecture, loss, optimizer, init, teacher, config.model.pixels)
    return _train(data, run, plan, seconds, device, out)


def architecture_of(model: ModelConfig) -> dict[str, Any]:
    """What `make` builds a student from."""
    kind = "phases" if model.phases == 2 else "mobile"
    outer = {"outer": model.outer} if model.outer else {}
    return {"kind": kind, "size": model.size, "ngf": model.ngf} | outer


def _teacher_loss(config: TeacherConfig) -> LossConfig:
    return LossConfig(
        l1=config.l1,
        edge=0,
        detail=0,
        perceptual=0,
        mouth=1,
        gan=config.gan,
        ndf=config.ndf,
        teacher=0,
    )


def _train(
    data: Path, run: Path, plan: _Plan, seconds: float | None, device: str, out: Console | None
) -> Result:
    out = out or Console(quiet=True)
    stop, host = Stop(seconds), machine()
    where = choose(device, host)
    torch.backends.cudnn.benchmark = True
    with stop.signals(), distributed.processes(where):
        if distributed.is_main():
            _claim(run, data, plan)
            warning = unused_gpu(host) if where.type == "cpu" else None
            if warning:
                out.print(f"warning: {warning}")
        distributed.from_main(None)  # the others wait for the claim
        loop = _loop(data, run, plan, where)
        log = Log(run, loop.progress.iteration, out) if distributed.is_main() else None
        try:
            if log:
                log.say(
                    f"{run}: {plan.stage} on {where}, {loop.total} iterations in "
                    f"{plan.optimizer.epochs} epochs, {loop.progress.iteration} done"
                )
            reason = loop.run(stop, log)
            if log:
                log.event(loop.progress.iteration, "end", reason=reason)
                _say_reason(log, loop, reason)
        finally:
            if log:
                log.close()
    best = run / BEST
    metrics = load_metrics(best) if best.is_file() else {}
    iterations = (loop.progress.iteration, loop.total)
    return Result(best, metrics, loop.progress.history, reason, iterations)


def _say_reason(log: Log, loop: Loop, reason: Reason) -> None:
    position = f"{loop.progress.iteration} of {loop.total} iterations"
    if reason == "finished":
        log.say(f"finished: {loop.folder / BEST} is the best epoch, {loop.progress.best:.2f} dB")
    elif reason == "runaway":
        log.say(f"stopped after {position}: the discriminator has run away")
    else:
        why = "time is up" if reason == "time" else "interrupted"
        log.say(f"{why} after {position}: saved; the same command goes on")


def _claim(run: Path, data: Path, plan: _Plan) -> None:
    """Writes config.json; where something is trained already it must be the same.

    Raises:
        TrainerError: the folder holds another run: the fields that differ; or what is no run.
    """
    description = _described(data, plan)
    path = run / RECIPE
    require_own(path, b'"stage"')
    if (run / BEST).exists() and not (path.is_file() or (run / LAST).is_file()):
        raise TrainerError(f"{run} holds a {BEST}, but neither {RECIPE} nor {LAST}: give another folder")
    if (run / LAST).is_file() and path.is_file():
        has = read_json(path, f"delete it to go on with {run / LAST} as asked")
        differences = _differences(has, description)
        if differences:
            raise TrainerError(
                f"{run} holds a run of something else: {'; '.join(differences)}. "
                "Give the same options to go on with it, or another folder"
            )
    write_whole(path, (json.dumps(description, indent=2) + "\n").encode())


def _described(data: Path, plan: _Plan) -> dict[str, Any]:
    description = read_description(data)
    return {
        "format": FORMAT,
        "stage": plan.stage,
        "model": plan.architecture,
        "loss": asdict(plan.loss),
        "optimizer": asdict(plan.optimizer),
        "pixels": plan.pixels,
        "data": {name: description[name] for name in ("config", "splits")},
        "init": _digest(plan.init),
        "teacher": _digest(plan.teacher),
    }


def _digest(path: Path | None) -> str | None:
    """Of a generator's file, wherever it lies."""
    if path is None:
        return None
    return hashlib.sha256(generator_file(path).read_bytes()).hexdigest()


def _differences(has: Any, request: Any, place: str = "") -> list[str]:
    """Fields with other values, as text."""
    if not (isinstance(has, dict) and isinstance(request, dict)):
        return [] if has == request else [f"{place} {has!r}, asked for {request!r}"]
    return [
        difference
        for name in sorted(has.keys() | request.keys())
        if name not in FREE
        for difference in _differences(has.get(name), request.get(name), f"{place}.{name}" if place else name)
    ]


def _loop(data: Path, run: Path, plan: _Plan, device: torch.device) -> Loop:
    """Everything that trains, from where the run folder is."""
    size, config = plan.pixels or int(plan.architecture["size"]), plan.optimizer
    train = PairDataset(data, "train", size)
    batches = Batches(train, len(train), config, pinned=device.type == "cuda")
    validation = Validation(PairDataset(data, choosing_split(data), size, config.validation), device)
    torch.manual_seed(config.seed)
    generator = _start(plan, train)
    discriminator = PatchGAN(plan.loss.ndf) if plan.loss.gan else None
    teacher = _teacher(plan, len(train), size, validation, device)
    loss = PictureLoss(plan.loss, _distance(plan.loss))
    model = Pix2Pix(generator, discriminator, loss, plan.loss.gan, config, device, teacher)
    loop = Loop(run, model, batches, validation, config)
    if plan.init is not None and loop.progress.iteration == 0:
        metrics = validation.measure(loop.average.network) if distributed.is_main() else {}
        loop.start_from(distributed.from_main(metrics))
    return loop


def _start(plan: _Plan, train: PairDataset) -> Generator:
    """The generator at its start: fresh, or trained already."""
    if plan.init is None:
        return make(plan.architecture)
    generator, is_renormed = trained(plan.architecture, plan.init)
    if not is_renormed:
        renormed(generator, to_network(train.inputs[:PICTURES]))
    return generator


def trained(architecture: Mapping[str, Any], init: Path) -> tuple[Generator, bool]:
    """The generator of an architecture that a run, a .pt or .onnx file has, and whether its norms
    have statistics of their own.

    Raises:
        TrainerError: no such file, or a generator of another architecture.
    """
    generator = load_generator(init)
    levels = architecture.get("outer", 0)
    is_inner = isinstance(generator, MobileUNet) and generator.outer + 1 == levels
    if isinstance(generator, MobileUNet) and is_inner:
        generator = grown(generator)
    elif isinstance(generator, MobileUNet) and architecture["kind"] == "phases" and not generator.outer:
        generator = PhaseStudents.of(generator)
    if generator.architecture() != architecture:
        raise TrainerError(
            f"{init} holds {generator.architecture()}, not {architecture}: "
            "give a generator of the same kind, size and channels"
        )
    return generator, init.suffix != ".onnx" and not is_inner


def _teacher(
    plan: _Plan, count: int, size: int, validation: Validation, device: torch.device
) -> Teacher | None:
    if plan.teacher is None or not plan.loss.teacher:
        return None
    network = place(teacher_of(plan.teacher, size).requires_grad_(False), device)
    score = validation.measure(network)["score"] if distributed.is_main() else 0.0
    return Teacher(network, count, size, plan.loss.teacher, distributed.from_main(score))


def teacher_of(path: Path, size: int) -> Generator:
    """Any generator of pictures of `size` pixels.

    Raises:
        TrainerError: no such file, or a generator of another size.
    """
    network = load_generator(path)
    if network.size != size:
        raise TrainerError(
            f"the teacher {path} makes pictures of {network.size} pixels, the student of "
            f"{size}: train a teacher of that size"
        )
    return network


def _distance(loss: LossConfig) -> FeatureDistance | None:
    """The perceptual distance, where the loss has that term."""
    if not loss.perceptual:
        return None
    weights, heads = (Path(path) if path else None for path in (loss.vgg, loss.heads))
    return perceptual_distance(weights, heads).requires_grad_(False).eval()
