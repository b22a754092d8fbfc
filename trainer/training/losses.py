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

FAINT = 1e-3
"""Magnitudes below it count as none."""
WINDOW = 16
"""Pixels a side of the windows whose spectra are compared."""


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
    """Terms of the distance to the target: l1, edge, detail, perceptual, each times its weight.

    l1: absolute differences, the mouth's pixels counted `mouth` times. edge: the same of the
    differences' horizontal and vertical gradients. detail: differences of local spectra
    (see `spectra`). Where a line may lie here or there, the least L1 is to draw none, of pixels and of
    gradients alike; this term asks for a line all the same. perceptual: over the mouth (a window
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
            y, x = rng.integers(0, WINDOW, 2).tolist()
            parts = (spectra(pictures[..., y:, x:]) for pictures in (output, target))
            terms["detail"] = config.detail * torch.stack(list(parts)).diff(dim=0).abs().mean()
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


def spectra(pictures: Tensor) -> Tensor:
    """How much detail there is where, at which frequency and in which direction: f32[N,w,138].

    Magnitudes of the discrete Fourier transform of gray windows of 16x16 pixels, side by side,
    under a Hann window; without the lowest frequencies, which are no detail. Where a line lies in a
    window does not matter, how often and how slanted lines come does: a comb, which is the cheapest
    detail for a net whose upsampling tells the pixels of a cell apart, has another spectrum than hair.
    """
    gray = pictures.mean(1)
    hann = torch.hann_window(WINDOW, device=gray.device)
    windows = gray.unfold(1, WINDOW, WINDOW).unfold(2, WINDOW, WINDOW) * (hann[:, None] * hann)
    transform = torch.view_as_real(torch.fft.rfft2(windows, norm="ortho"))
    # Where there is nothing, the direction of a change is not rounding's to choose.
    magnitudes = (transform.square().sum(-1) + FAINT**2).sqrt().flatten(3).flatten(1, 2)
    detail: Tensor = magnitudes[..., _detail(gray.device)]
    return detail


def _detail(device: torch.device) -> Tensor:
    """Which frequencies are detail, of a flattened real transform of a window."""
    down = torch.fft.fftfreq(WINDOW, device=device).abs()[:, None] * WINDOW
    across = torch.fft.rfftfreq(WINDOW, device=device) * WINDOW
    return (torch.maximum(down, across) > 1).flatten()


def lsgan(scores: Tensor, real: bool) -> Tensor:
    """Least-squares GAN loss (Mao et al. 2017): scores against 1 of true, 0 of made pictures."""
    return functional.mse_loss(scores.float(), torch.full_like(scores, float(real)).float())
