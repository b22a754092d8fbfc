"""A small data set and a small student, made in seconds, for tests of what comes after training."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.trainer.config import (
    SPLITS,
    Config,
    DataConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    TeacherConfig,
)
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.data.dataset import PairDataset
from onnx2wgsl.trainer.data.sampling import sample_state
from onnx2wgsl.trainer.data.store import Pairs
from onnx2wgsl.trainer.models import MobileUNet
from onnx2wgsl.trainer.renderer import landmarks
from torch.nn import functional

SIZE = 64
CONFIG = DataConfig(size=SIZE, train=24, val=6, pose_extreme=6, speech=6, tracked=6, dev=0, shard=24)
STEPS = OptimizerConfig(epochs=3, batch=8, learning_rate=3e-3, warmup=0, ema=0.9, validation=6)
TRAINING = Config(
    model=ModelConfig(size=64, ngf=2),
    teacher=TeacherConfig(size=64, ngf=2, ndf=2),
    loss=LossConfig(perceptual=0, ndf=2),
    teach=replace(STEPS, learning_rate=1e-3, beta1=0.5),
    distill=STEPS,
    finetune=replace(STEPS, freeze_norms=True),
)
ONCE = replace(TRAINING, distill=replace(STEPS, epochs=1))


class Evil:
    """A pickle of it makes a folder where it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


def write_data(folder: Path) -> Path:
    """A data set whose avatars are the drawings in other colours: quick to make and to learn."""
    counts = dict(zip(SPLITS, (24, 6, 6, 6, 6, 0), strict=True))
    for shard in store.shards_of(counts, CONFIG.shard):
        pairs = Pairs.empty(shard.count, SIZE)
        for place in range(shard.count):
            points = landmarks(sample_state(CONFIG, shard.split, place))
            pairs.landmarks[place] = points
            pairs.inputs[place] = draw(points, SIZE)
            pairs.targets[place] = 200 - pairs.inputs[place][..., ::-1] // 2
        store.write_shard(folder / shard.name, pairs)
    description = {"source": "data", "config": asdict(CONFIG), "splits": counts}
    store.write_description(folder, description)
    return folder


def student(data: Path, iterations: int = 100, ngf: int = 4) -> MobileUNet:
    """A student that has learned a little."""
    torch.manual_seed(0)
    pairs = PairDataset(data, "train")
    model = MobileUNet(SIZE, ngf).train()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    order = np.random.default_rng(0)
    for _ in range(iterations):
        batch = order.choice(len(pairs), 8, replace=False)
        inputs, targets = (x[batch].float() / 127.5 - 1 for x in (pairs.inputs, pairs.targets))
        loss = functional.l1_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()
