"""What a run is made of: dataclasses with named presets.

`ci` is for the tests (64x64, seconds), `cpu` trains a shippable 256x256 student on a laptop, `gpu`
is the full recipe, `gpu512` the same at 512x512, `weave` the four 128x128 phase students of a
256x256 picture. A preset is a value; a command line changes single fields of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Split = Literal["train", "val", "pose-extreme", "speech"]
SPLITS: tuple[Split, ...] = ("train", "val", "pose-extreme", "speech")


@dataclass(frozen=True)
class DataConfig:
    """A data set: `size` pixels a side; how many pairs each split has."""

    size: int = 256
    train: int = 4000
    val: int = 200
    pose_extreme: int = 200
    speech: int = 200
    seed: int = 0
    look: str = "neon"
    visemes: bool = True
    """Whether training mouths speak; without, they show emotions only (an ablation)."""
    shard: int = 100
    """Pairs in a shard file."""


@dataclass(frozen=True)
class ModelConfig:
    """A student: mobile UNet of `size` pixels; `phases` 2 makes the 2x2 phase students of weave."""

    size: int = 256
    ngf: int = 16
    phases: int = 1


@dataclass(frozen=True)
class TeacherConfig:
    """unet_256 and its 70x70 PatchGAN; weights of the losses as in pix2pix (Isola et al. 2017)."""

    size: int = 256
    ngf: int = 64
    ndf: int = 64
    l1: float = 100.0
    gan: float = 1.0


@dataclass(frozen=True)
class LossConfig:
    """Weights of a student's losses. `mouth`: factor of the pixels around the lips."""

    l1: float = 1.0
    perceptual: float = 0.1
    mouth: float = 5.0
    gan: float = 0.0
    """Weight of an LSGAN term: 0 in the shipping recipe, above it in the ablation of it."""
    teacher: float = 0.5
    """Share of the teacher's output in the target; the rest is the ground truth."""


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam with a linear warm-up and cosine decay; EMA of the weights; AMP where it is faster."""

    epochs: int = 20
    batch: int = 4
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup: int = 100
    ema: float = 0.999
    amp: bool = False
    seed: int = 0
    workers: int = 0
    save_every: int = 500
    """Iterations between resumable checkpoints within an epoch."""


@dataclass(frozen=True)
class Config:
    """A whole recipe."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    teach: OptimizerConfig = field(default_factory=OptimizerConfig)
    distill: OptimizerConfig = field(default_factory=OptimizerConfig)
    finetune: OptimizerConfig = field(default_factory=OptimizerConfig)


_GPU_DATA = DataConfig(train=20000, val=500, pose_extreme=500, speech=500)

PRESETS = {
    "ci": Config(
        data=DataConfig(size=64, train=96, val=16, pose_extreme=16, speech=16, shard=16),
        model=ModelConfig(size=64, ngf=8),
        teacher=TeacherConfig(size=64, ngf=16, ndf=16),
    ),
    "cpu": Config(),
    "gpu": Config(data=_GPU_DATA),
    "gpu512": Config(
        data=replace(_GPU_DATA, size=512),
        model=ModelConfig(size=512),
        teacher=TeacherConfig(size=512, ngf=128),
    ),
    "weave": Config(data=_GPU_DATA, model=ModelConfig(phases=2)),
}
"""Recipes by name."""
