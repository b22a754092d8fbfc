"""A data set as torch reads it: in memory, at any size."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from onnx2wgsl.face.drawing import draw
from torch import Tensor
from torch.utils.data import Dataset

from ..config import Split
from .mouth import mouth_box
from .store import Pairs, read_split


class PairDataset(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """The pairs of a split: (input u8[3,S,S], target u8[3,S,S], mouth i64[4]), RGB.

    mouth: y0, y1, x0, x1 of mouth.mouth_box. `size` pixels a side, as stored where it is None: at
    another size the drawings are made anew from the landmarks, and the avatars are resized (by the
    mean over the area of a pixel where they shrink). `limit`: the first pairs only.

    Raises:
        TrainerError: the folder is no data set or a shard can't be read.
    """

    def __init__(self, folder: Path, split: Split, size: int | None = None, limit: int | None = None) -> None:
        pairs = read_split(folder, split, limit)
        if size is not None and size != pairs.inputs.shape[1]:
            pairs = resized(pairs, size)
        self.size = pairs.inputs.shape[1]
        self.landmarks = pairs.landmarks
        self.inputs = torch.from_numpy(pairs.inputs).permute(0, 3, 1, 2)
        self.targets = torch.from_numpy(pairs.targets).permute(0, 3, 1, 2)
        boxes = [mouth_box(points, self.size) for points in pairs.landmarks]
        self.mouths = torch.tensor(boxes, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.inputs[index], self.targets[index], self.mouths[index]


def resized(pairs: Pairs, size: int) -> Pairs:
    """The same pairs at another size."""
    result = Pairs.empty(len(pairs), size)
    result.landmarks[:] = pairs.landmarks

    def fill(place: int) -> None:
        result.inputs[place] = draw(pairs.landmarks[place], size)
        result.targets[place] = _resized(pairs.targets[place], size)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(fill, range(len(pairs))):
            pass
    return result


def _resized(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    how = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=how), np.uint8)
