"""A split's pairs as numpy has pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..config import Split
from .dataset import PairDataset


@dataclass(frozen=True)
class Pictures:
    """inputs and truths u8[N,S,S,3]; mouths i64[N,4]: y0, y1, x0, x1."""

    inputs: NDArray[np.uint8]
    truths: NDArray[np.uint8]
    mouths: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.inputs.shape[1])

    def __len__(self) -> int:
        return len(self.inputs)


def read(folder: Path, split: Split, size: int | None = None, limit: int | None = None) -> Pictures:
    """A split's pairs, at `size` pixels a side (as stored by default), the first `limit` of them.

    Raises:
        TrainerError: the data set or a shard can't be read.
    """
    pairs = PairDataset(folder, split, size=size, limit=limit)
    return Pictures(
        pairs.inputs.permute(0, 2, 3, 1).numpy(),
        pairs.targets.permute(0, 2, 3, 1).numpy(),
        pairs.mouths.numpy(),
    )
