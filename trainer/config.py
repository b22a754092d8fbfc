"""What a run is made of: dataclasses with named presets.

`ci` is for the tests (64x64, seconds), `cpu` trains a shippable 256x256 student on a laptop, `gpu`
is the full recipe, `gpu512` the same at 512x512, `weave` the four 128x128 phase students of a
256x256 picture. `avatar256` and `ember256` made what lies in models/, `avatar512` and `weave256` are to
(nothing was trained by them as yet): each starts from the one before it, or at random. A preset is a value; a
command line changes single fields of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Split = Literal["train", "val", "pose-extreme", "speech", "tracked", "dev"]
SPLITS: tuple[Split, ...] = ("train", "val", "pose-extreme", "speech", "tracked", "dev")
"""`dev` chooses epochs and blends; what is reported is of the others, which choose nothing."""


@dataclass(frozen=True)
class DataConfig:
    """A data set: `size` pixels a side; how many pairs each split has."""

    size: int = 256
    train: int = 4000
    val: int = 200
    pose_extreme: int = 200
    speech: int = 200
    tracked: int = 0
    """Renders whose landmarks MediaPipe finds, as a live page's are; the truth is known."""
    dev: int = 100
    seed: int = 0
    look: str = "neon"
    noise: float = 0.1
    """Share of training pairs whose landmarks err as a tracker does."""
    visemes: bool = True
    """Whether training mouths speak; without, they show emotions only (an ablation)."""
    shard: int = 100
    """Pairs in a shard file."""


@dataclass(frozen=True)
class ModelConfig:
    """A student: mobile UNet of `size` pixels; `phases` 2 makes the 2x2 phase students of weave."""

    size: int = 256
    ngf: int = 16
    outer: int = 0
    """Levels of ngf channels around a net of half the size each: started from that one."""
    phases: int = 1
    pixels: int | None = None
    """Side of the pictures that it is trained on; `size` if None (another: an ablation)."""


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
    """Weights of a generator's losses. `mouth`: factor of the pixels around the lips."""

    l1: float = 1.0
    edge: float = 0.5
    """Weight of the L1 distance of gradients: lines where they belong."""
    detail: float = 15.0
    """Weight of the L1 distance of local spectra: what keeps lines where their place is unsure."""
    perceptual: float = 0.1
    window: int = 96
    """Pixels a side of the random window that the perceptual term looks at; 0: whole pictures."""
    mouth: float = 5.0
    gan: float = 0.0
    """Weight of an LSGAN term: 0 in the shipping recipe, above it in the ablation of it."""
    ndf: int = 32
    """Channels of the discriminator, where there is one."""
    teacher: float = 0.5
    """Share of the teacher's output in the target; the rest is the ground truth."""
    vgg: str = ""
    """Path of VGG16's weights in torchvision's format; empty: Perc-Lite0."""
    heads: str = ""
    """Path of LPIPS's heads for VGG16."""


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam with a linear warm-up and cosine decay; EMA of the weights; bf16 where it is faster."""

    epochs: int = 20
    batch: int = 4
    """Pairs an iteration, over all processes."""
    learning_rate: float = 4e-3
    final: float = 0.01
    """The last learning rate as a share of the first."""
    beta1: float = 0.9
    warmup: int = 100
    """Iterations in which the learning rate rises."""
    ema: float = 0.998
    amp: bool = False
    """bf16 autocast: faster on GPUs, and on CPUs that have bf16 instructions (see doctor)."""
    freeze_norms: bool = False
    """Norms keep the statistics that they were given: for fine-tuning."""
    seed: int = 0
    workers: int = 0
    validation: int = 100
    """Held-out pairs that choose the best epoch."""
    save_every: int = 500
    """Iterations between resumable checkpoints within an epoch."""
    runaway: Literal["drop", "stop"] = "drop"
    """When the discriminator runs away: go on without it, or stop."""


@dataclass(frozen=True)
class Config:
    """A whole recipe."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    teach: OptimizerConfig = OptimizerConfig(learning_rate=2e-4, beta1=0.5)
    distill: OptimizerConfig = OptimizerConfig()
    finetune: OptimizerConfig = OptimizerConfig(epochs=5, learning_rate=2e-4, freeze_norms=True)
    base: OptimizerConfig | None = None
    """For phase students: so a net of half the size is trained first, from which all four start."""
    file: str = ""
    """The name of the model that `recipe` ships, of presets that are one."""


_GPU_DATA = DataConfig(train=20000, val=500, pose_extreme=500, speech=500, tracked=500, dev=500)
_GPU = OptimizerConfig(epochs=60, batch=32, learning_rate=4e-3, amp=True, validation=500)
_GPU_TEACH = replace(_GPU, epochs=40, learning_rate=4e-4, beta1=0.5)
_GPU_FINETUNE = replace(_GPU, epochs=15, learning_rate=4e-4, freeze_norms=True)
_GPU_RECIPE = Config(
    data=_GPU_DATA,
    loss=LossConfig(window=0),
    teach=_GPU_TEACH,
    distill=_GPU,
    finetune=_GPU_FINETUNE,
)
_CI = OptimizerConfig(epochs=15, batch=8, learning_rate=3e-3, warmup=20, ema=0.98, validation=16)
_AVATAR = Config(
    data=DataConfig(train=10000, tracked=200),
    loss=LossConfig(detail=25.0, perceptual=0.0, mouth=7.0),
    distill=OptimizerConfig(epochs=4, learning_rate=1.5e-3),
    file="avatar_256_u8.onnx",
)

PRESETS = {
    "ci": Config(
        data=DataConfig(size=64, train=96, val=16, pose_extreme=16, speech=16, tracked=16, dev=16, shard=16),
        model=ModelConfig(size=64),
        teacher=TeacherConfig(size=64, ngf=16, ndf=16),
        loss=LossConfig(window=32),
        teach=replace(_CI, learning_rate=1e-3, beta1=0.5),
        distill=replace(_CI, batch=4),
        finetune=replace(_CI, epochs=4, learning_rate=5e-4, freeze_norms=True),
    ),
    "cpu": Config(
        data=DataConfig(train=5000, tracked=200),
        teacher=TeacherConfig(ngf=32),
        loss=LossConfig(perceptual=0.0),
        teach=OptimizerConfig(epochs=4, learning_rate=2e-4, beta1=0.5),
        distill=OptimizerConfig(epochs=20),
        finetune=OptimizerConfig(epochs=6, learning_rate=1e-3, freeze_norms=True),
    ),
    "avatar256": _AVATAR,
    "ember256": replace(
        _AVATAR,
        data=DataConfig(
            train=3000, val=100, pose_extreme=100, speech=100, tracked=100, look="ember", noise=0.25
        ),
        distill=replace(_AVATAR.distill, epochs=5, learning_rate=2.5e-3),
        file="avatar_256_ember_u8.onnx",
    ),
    "avatar512": replace(
        _AVATAR,
        data=DataConfig(size=512, train=2500, val=100, pose_extreme=100, speech=100, tracked=100),
        model=ModelConfig(size=512, outer=1),
        distill=replace(_AVATAR.distill, epochs=8, batch=2, learning_rate=2.5e-3),
        file="avatar_512_u8.onnx",
    ),
    "weave256": replace(
        _AVATAR,
        data=DataConfig(train=5000, tracked=200),
        model=ModelConfig(phases=2),
        distill=replace(_AVATAR.distill, epochs=3, learning_rate=2.5e-3),
        base=OptimizerConfig(epochs=6),
        file="avatar_weave_u8.onnx",
    ),
    "gpu": _GPU_RECIPE,
    "gpu512": replace(
        _GPU_RECIPE,
        data=replace(_GPU_DATA, size=512),
        model=ModelConfig(size=512),
        teacher=TeacherConfig(size=512, ngf=128),
        teach=replace(_GPU_TEACH, batch=16),
        distill=replace(_GPU, batch=16),
        finetune=replace(_GPU_FINETUNE, batch=16),
    ),
    "weave": replace(_GPU_RECIPE, model=ModelConfig(phases=2)),
}
"""Recipes by name."""
SHIPPED = tuple(name for name, preset in PRESETS.items() if preset.file)
"""Those that `recipe` knows."""
