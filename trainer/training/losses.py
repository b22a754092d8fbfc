"""What a generator's pictures are told to be like.

Each term is a mean over pictures of the picture's own mean, so that it does not matter how a batch
is divided between processes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import LossConfig
from .perceptual import FeatureDistance


def to_network(pictures: Tensor) -> Tensor:
    """u8 NCHW to f32 in [-1,1], channels last."""
    scaled = pictures.to(torch.float32, memory_format=torch.channels_last)
    return scaled.mul_(1 / 127.5).sub_(1)


def to_bytes(pictures: Tensor) -> Tensor:
    """f32 in [-1,1] to u8, rounded to nearest."""
    return pictures.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def mouth_weights(boxes: Tensor, size: int, mouth: float) -> Tensor:
    """f32[N,1,S,S]: `mouth` within each box, 1 elsewhere, scaled to a mean of 1 a picture."""
    at = torch.arange(size, device=boxes.device)
    rows = (at >= boxes[:, 0:1]) & (at < boxes[:, 1:2])
    columns = (at >= boxes[:, 2:3]) & (at < boxes[:, 3:4])
    weights = 1 + (mouth - 1) * (rows[:, None, :, None] & columns[:, None, None, :]).float()
    return weights / weights.mean((1, 2, 3), keepdim=True)


class PictureLoss(nn.Module):
    """Terms of the distance to the target: l1, edge, detail, comb, perceptual, each times its weight.

    l1: absolute differences, the mouth's pixels counted `mouth` times. edge: the same of the
    differences' horizontal and vertical gradients. detail: differences of the local amount of
    detail. Where a line may lie here or there, the least L1 is to draw none, of pixels and of
    gradients alike; this term asks for a line all the same. comb: differences of
    combs, which are the cheapest detail that a net can make up. perceptual: over the mouth (a window
    of a quarter of the picture's side) and over a random window, the same for the whole batch;
    the features of whole pictures would cost more than the student does.
    """

    def __init__(self, config: LossConfig, distance: FeatureDistance | None) -> None:
        super().__init__()
        self.config = config
        self.distance = distance

    def forward(
        self, output: Tensor, target: Tensor, boxes: Tensor, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Terms (scalars) of f32[N,3,S,S] pictures; boxes i64[N,4] on the CPU."""
        config, size = self.config, output.shape[-1]
        difference = output - target
        weights = mouth_weights(boxes.to(output.device), size, config.mouth)
        terms = {"l1": config.l1 * (weights * difference.abs()).mean()}
        if config.edge:
            terms["edge"] = config.edge * edges(difference, weights)
        if config.detail:
            terms["detail"] = config.detail * (amount(output) - amount(target)).abs().mean()
        if config.comb:
            terms["comb"] = config.comb * combs(difference)
        if self.distance is not None:
            distances = [
                self.distance(crop(output, corners, side), crop(target, corners, side)).mean()
                for corners, side in self._windows(boxes, size, rng)
            ]
            terms["perceptual"] = config.perceptual * torch.stack(distances).mean()
        return terms

    def _windows(
        self, boxes: Tensor, size: int, rng: np.random.Generator
    ) -> list[tuple[list[tuple[int, int]], int]]:
        """Corners (y, x) of each picture and side: of the mouths, of a random window."""
        side = size // 4
        middles = (boxes[:, [0, 2]] + boxes[:, [1, 3]]) // 2 - side // 2
        mouths = [(int(y), int(x)) for y, x in middles.clamp(0, size - side)]
        window = min(self.config.window or size, size)
        y, x = rng.integers(0, size - window + 1, 2).tolist()
        return [(mouths, side), ([(y, x)] * len(boxes), window)]


def crop(pictures: Tensor, corners: list[tuple[int, int]], side: int) -> Tensor:
    """A square window of each picture."""
    if side == pictures.shape[-1]:
        return pictures
    parts = [
        picture[:, y : y + side, x : x + side] for picture, (y, x) in zip(pictures, corners, strict=True)
    ]
    return torch.stack(parts).contiguous(memory_format=torch.channels_last)


def edges(difference: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute gradients of the differences, down and across."""
    down = difference[:, :, 1:] - difference[:, :, :-1]
    across = difference[:, :, :, 1:] - difference[:, :, :, :-1]
    by_rows = (weights[:, :, 1:] * down.abs()).mean()
    by_columns = (weights[:, :, :, 1:] * across.abs()).mean()
    return by_rows + by_columns


def amount(pictures: Tensor) -> Tensor:
    """Local detail, f32[N,1,~S/4,~S/4]: the Laplacian's mean magnitude in windows of 8 pixels.

    Of pictures averaged over 2x2 pixels: a comb of every second column would be the cheapest way
    to have detail, and there it has none.
    """
    gray = functional.avg_pool2d(pictures.mean(1, keepdim=True), 2, 1)
    around = gray[:, :, :-2, 1:-1] + gray[:, :, 2:, 1:-1]
    around = around + gray[:, :, 1:-1, :-2] + gray[:, :, 1:-1, 2:]
    return functional.avg_pool2d((4 * gray[:, :, 1:-1, 1:-1] - around).abs(), 8, 4)


def combs(difference: Tensor) -> Tensor:
    """Mean magnitude of what repeats every 4 pixels in windows of 16 and 32, or every 8 in 32.

    A net that doubles its picture's side can tell the pixels of a 2x2 cell apart for nothing, the
    level before those of a 4x4 cell, and so on; so it can draw a comb anywhere without knowing
    anything. An edge or a line is in few of a window's cells and nearly cancels.
    """
    gray = fine(difference.mean(1, keepdim=True))
    terms = [periodic(gray, period, cells).abs().mean() for period, cells in ((4, 4), (4, 8), (8, 4))]
    return torch.stack(terms).sum()


def fine(gray: Tensor) -> Tensor:
    """What f32[N,1,S,S] has beyond the mean of 5x5 pixels around."""
    padded = functional.pad(gray, (2, 2, 2, 2), mode="reflect")
    return gray - functional.avg_pool2d(padded, 5, 1)


def periodic(gray: Tensor, period: int, cells: int) -> Tensor:
    """What f32[N,1,S,S] has of a period, by window: f32[N,period^2,w,w], 0 in the mean.

    Each window is the mean of cells x cells cells of `period` pixels a side; a comb of any period
    that divides it stays, a plain gives 0. Windows overlap by half.

    Columns 0, 1, 0, 1, ... at period 2 give -0.5, 0.5 for the two columns of the cell.
    """
    phases = functional.pixel_unshuffle(gray, period)
    cells = min(cells, phases.shape[-1])
    windows = functional.avg_pool2d(phases, cells, max(1, cells // 2))
    return windows - windows.mean(1, keepdim=True)


def lsgan(scores: Tensor, real: bool) -> Tensor:
    """Least-squares GAN loss (Mao et al. 2017): scores against 1 of true, 0 of made pictures."""
    return functional.mse_loss(scores.float(), torch.full_like(scores, float(real)).float())
