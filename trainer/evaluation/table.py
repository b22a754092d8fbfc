"""The table of figures: rows of predictors, columns of figures, one table a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..config import Split
from ..models.onnx_generator import to_range
from ..training.perceptual import FeatureDistance
from . import metrics
from .metrics import Figures, Perceptual

HELD_OUT: tuple[Split, ...] = ("val", "pose-extreme", "speech", "tracked")

BATCH = 8
"""Pictures that a distance sees at a time."""

_COLUMNS = {
    "l1": ("L1", 4),
    "psnr": ("PSNR dB", 2),
    "ssim": ("SSIM", 4),
    "perc": ("{distance}", 4),
    "sharpness": ("sharpness", 2),
    "comb": ("comb", 2),
    "mouth_l1": ("mouth L1", 4),
    "mouth_psnr": ("mouth PSNR", 2),
    "mouth_ssim": ("mouth SSIM", 4),
    "mouth_perc": ("mouth {distance}", 4),
    "mouth_sharpness": ("mouth sharpness", 2),
}


@dataclass(frozen=True)
class Row:
    """A predictor's figures by split."""

    name: str
    figures: Mapping[Split, Figures]

    def as_json(self) -> dict[str, Any]:
        """{"name", split: {figure: value}}"""
        splits: dict[str, Any] = {
            split: {name: round(value, 5) for name, value in asdict(figures).items()}
            for split, figures in self.figures.items()
        }
        return {"name": self.name} | splits


def perceptual(distance: FeatureDistance) -> Perceptual:
    """A distance of tensors as one of u8[N,S,S,3] stacks, a few pictures at a time."""

    def measure(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
        parts = [
            distance(*(torch.from_numpy(to_range(pictures[at : at + BATCH])) for pictures in (output, truth)))
            for at in range(0, len(output), BATCH)
        ]
        return np.asarray(torch.cat(parts).double().numpy())

    return torch.no_grad()(measure)


def markdown(rows: Iterable[Row], distance: str, splits: Iterable[Split] = HELD_OUT) -> str:
    """A table a split, under a heading each."""
    rows = list(rows)
    heads = [title.format(distance=distance) for title, _ in _COLUMNS.values()]
    lines = []
    for split in splits:
        lines += [f"### {split}", "", "| | " + " | ".join(heads) + " |"]
        lines.append("|---|" + "---:|" * len(heads))
        lines += [f"| {row.name} | {_cells(row.figures[split])} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _cells(figures: Figures) -> str:
    return " | ".join(f"{getattr(figures, name):.{digits}f}" for name, (_, digits) in _COLUMNS.items())


assert list(_COLUMNS) == metrics.names()
