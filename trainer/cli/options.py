"""Options that the training commands share: each changes a field of a preset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import PRESETS, Config, LossConfig, OptimizerConfig
from . import console

Function = TypeVar("Function", bound=Callable[..., Any])
Settings = TypeVar("Settings", LossConfig, OptimizerConfig)

FOLDER = click.Path(file_okay=False, path_type=Path)
GENERATOR = click.Path(exists=True, path_type=Path)
WEIGHTS = click.Path(dir_okay=False)

_POSITIVE = click.FloatRange(0, min_open=True)
_WEIGHT = click.FloatRange(0)

_OPTIMIZER: list[tuple[str, Any, str]] = [
    ("--epochs", click.IntRange(1), "Times that all pairs are seen."),
    ("--batch", click.IntRange(1), "Pairs an iteration, over all processes; students need 2."),
    ("--learning-rate", _POSITIVE, "Adam's learning rate after the warm-up."),
    ("--warmup", click.IntRange(0), "Iterations in which the learning rate rises."),
    ("--ema", click.FloatRange(0, 1, max_open=True), "Decay of the averaged weights."),
    ("--seed", click.IntRange(0), "Start, order and random choices."),
    ("--workers", click.IntRange(0), "Processes that load pairs."),
    ("--validation", click.IntRange(1), "Held-out pairs that choose the best epoch."),
    ("--save-every", click.IntRange(1), "Iterations between checkpoints within an epoch."),
    ("--runaway", click.Choice(["drop", "stop"]), "When the discriminator runs away."),
    ("--amp/--no-amp", None, "bf16 autocast, where it is faster (see doctor)."),
]
_LOSS: list[tuple[str, Any, str]] = [
    ("--l1", _WEIGHT, "Weight of the L1 distance."),
    ("--edge", _WEIGHT, "Weight of the L1 distance of gradients."),
    ("--detail", _WEIGHT, "Weight of the L1 distance of local spectra."),
    ("--perceptual", _WEIGHT, "Weight of the perceptual distance."),
    ("--window", click.IntRange(0), "Side of its random window in pixels; 0: whole pictures."),
    ("--mouth", _POSITIVE, "Factor of the pixels around the lips."),
    ("--gan", _WEIGHT, "Weight of an LSGAN term; 0: no discriminator."),
    ("--share", click.FloatRange(0, 1), "Share of the teacher's picture in the target."),
    ("--vgg", WEIGHTS, "VGG16's weights in torchvision's format, in Perc-Lite0's place."),
    ("--heads", WEIGHTS, "LPIPS's heads for them: weights/v0.1/vgg.pth of the lpips package."),
]


def _options(function: Function, table: list[tuple[str, Any, str]]) -> Function:
    for name, kind, text in reversed(table):
        function = click.option(name, type=kind, default=None, help=text)(function)
    return function


def loss_options(function: Function) -> Function:
    """Weights of a student's losses."""
    return _options(function, _LOSS)


def run_options(function: Function) -> Function:
    """DATA, -o and what every stage has."""
    function = _options(function, _OPTIMIZER)
    for option in (
        click.option("--ngf", type=click.IntRange(1), help="Channels of the first level."),
        click.option("--size", type=click.IntRange(64), help="Pixels a side."),
        click.option("--threads", type=click.IntRange(1), help="Threads of the CPU."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N"),
        click.option("--seconds", type=_POSITIVE, help="Stop after so long; to be gone on with."),
        click.option(
            "--preset",
            type=click.Choice(list(PRESETS)),
            default="cpu",
            show_default=True,
            help="What the other options change.",
        ),
        click.option("-o", "--output", "run", type=FOLDER, required=True, help="The run's folder."),
        click.argument("data", type=FOLDER),
    ):
        function = option(function)
    return function


def set_threads(threads: int | None) -> None:
    """How many threads torch computes with; as many as it likes where None."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def optimizer(config: OptimizerConfig, options: dict[str, Any]) -> OptimizerConfig:
    """The configuration with the options that were given."""
    return _changed(config, options, [name for name, *_ in _OPTIMIZER])


def loss(config: LossConfig, options: dict[str, Any]) -> LossConfig:
    """The configuration with the options that were given."""
    renamed = options | {"teacher": options.get("share")}
    fields = ["teacher" if name == "--share" else name for name, *_ in _LOSS]
    return _changed(config, renamed, fields)


def sized(config: Config, stage: str, size: int | None, ngf: int | None) -> Config:
    """The configuration whose `model` or `teacher` has another size or channels."""
    changes = {name: value for name, value in (("size", size), ("ngf", ngf)) if value is not None}
    return replace(config, **{stage: replace(getattr(config, stage), **changes)})


def _changed(config: Settings, values: dict[str, Any], options: list[str]) -> Settings:
    names = [option.split("/")[0].removeprefix("--").replace("-", "_") for option in options]
    return replace(config, **{n: values[n] for n in names if values.get(n) is not None})


def end(reason: str) -> None:
    """The exit status of a stage: 130 where it was interrupted, 1 where it had to stop.

    reason: one of training.stopping.Reason.
    """
    if reason == "signal":
        raise click.exceptions.Exit(130)
    if reason == "runaway":
        console().print("see log.jsonl; --runaway drop goes on without the discriminator")
        raise click.exceptions.Exit(1)
