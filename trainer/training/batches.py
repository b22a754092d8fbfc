"""Batches of a data set in an order that the seed and the epoch determine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..config import OptimizerConfig
from ..errors import TrainerError
from . import distributed

Pair = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Batch:
    """This process's part of a batch: inputs and targets u8[n,3,S,S], mouths i64[n,4], indices."""

    inputs: Tensor
    targets: Tensor
    mouths: Tensor
    indices: Tensor


class Batches:
    """Shuffles the pairs anew each epoch; a rest that fills no batch waits for another epoch.

    Process r of w takes the r-th of w equal parts of each batch, so that all of them together see
    what one process would.

    Raises:
        TrainerError: fewer pairs than a batch has, or a batch that processes can't share.
    """

    def __init__(self, dataset: Dataset[Pair], count: int, config: OptimizerConfig, pinned: bool) -> None:
        if count < config.batch:
            raise TrainerError(
                f"a batch of {config.batch} from {count} pairs: use --batch {count} or fewer, "
                "or make a larger data set"
            )
        if config.batch % distributed.world():
            raise TrainerError(
                f"a batch of {config.batch} can't be shared by {distributed.world()} processes: "
                "choose a multiple of their number"
            )
        self.count, self.config = count, config
        self._plan: list[list[int]] = []
        self._loader: DataLoader[Pair] = DataLoader(
            dataset,
            batch_sampler=_Plan(self),
            num_workers=config.workers,
            pin_memory=pinned,
            persistent_workers=config.workers > 0,
            worker_init_fn=_leave_signals,
        )

    def __len__(self) -> int:
        return self.count // self.config.batch

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number `start` on."""
        order = np.random.default_rng([self.config.seed, epoch]).permutation(self.count)
        batch, world = self.config.batch, distributed.world()
        part = batch // world
        first = distributed.rank() * part
        self._plan = [
            order[at * batch + first : at * batch + first + part].tolist() for at in range(start, len(self))
        ]
        for indices, (inputs, targets, mouths) in zip(self._plan, self._loader, strict=True):
            yield Batch(inputs, targets, mouths, torch.tensor(indices))


class _Plan:
    """The batch sampler of the loader: what is planned for the present epoch."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches._plan)

    def __len__(self) -> int:
        return len(self.batches._plan)


def _leave_signals(worker: int) -> None:
    """Ctrl-C is for the training process, which ends its workers when it has saved."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
