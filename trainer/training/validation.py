"""How good a generator is on held-out pairs, between epochs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from .batches import Pair
from .losses import to_bytes, to_network

BATCH = 8
MOST_PSNR = 100.0
"""dB, of equal pictures."""
SHEET = 8
"""Pairs on a picture sheet."""


class Validation:
    """Figures on the pairs of a split, in memory."""

    def __init__(self, pairs: Dataset[Pair], device: torch.device) -> None:
        self.device = device
        self._loader: DataLoader[Pair] = DataLoader(pairs, BATCH)

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Means over the pictures, of rounded bytes: l1 (of values in [0,1]), psnr and mouth_psnr
        in dB, sharpness (Laplacian variance as a share of the truth's), score.

        score: the mean of psnr and mouth_psnr, by which the best epoch is chosen. The mouth is a
        twentieth of a picture and half of what a viewer looks at.
        """
        network.eval()
        rows = []
        for inputs, targets, mouths in self._loader:
            output = to_bytes(network(to_network(inputs.to(self.device)))).cpu()
            for have, want, (y0, y1, x0, x1) in zip(
                output.float() / 255, targets.float() / 255, mouths.tolist(), strict=True
            ):
                difference = have - want
                rows.append(
                    (
                        float(difference.abs().mean()),
                        _psnr(difference),
                        _psnr(difference[:, y0:y1, x0:x1]),
                        laplacian_variance(have),
                        laplacian_variance(want),
                    )
                )
        l1, psnr, mouth, detail, truth = torch.tensor(rows, dtype=torch.float64).mean(0).tolist()
        return {
            "l1": l1,
            "psnr": psnr,
            "mouth_psnr": mouth,
            "sharpness": detail / truth if truth else 0.0,
            "score": (psnr + mouth) / 2,
        }

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> Tensor:
        """u8[H,W,3]: columns of pairs; rows input, output, target, output's and target's mouth."""
        inputs, targets, mouths = next(iter(self._loader))
        inputs, targets, mouths = inputs[:SHEET], targets[:SHEET], mouths[:SHEET]
        output = to_bytes(network.eval()(to_network(inputs.to(self.device)))).cpu()
        rows = [inputs, output, targets, _mouths(output, mouths), _mouths(targets, mouths)]
        return torch.cat([torch.cat(list(row), 2) for row in rows], 1).permute(1, 2, 0)


def _mouths(pictures: Tensor, boxes: Tensor) -> Tensor:
    """The boxes, enlarged to the width of a picture and half its height."""
    size = pictures.shape[-1]
    parts = [
        nn.functional.interpolate(picture[None, :, y0:y1, x0:x1].float(), (size // 2, size), mode="bilinear")
        for picture, (y0, y1, x0, x1) in zip(pictures, boxes.tolist(), strict=True)
    ]
    return torch.cat(parts).round().to(torch.uint8)


def _psnr(difference: Tensor) -> float:
    """Of values in [0,1]."""
    error = float(difference.square().mean())
    return MOST_PSNR if error == 0 else min(MOST_PSNR, -10 * float(torch.tensor(error).log10()))


def laplacian_variance(picture: Tensor) -> float:
    """Of f32[3,H,W] in [0,1]: the 3x3 Laplacian's variance, of luma (BT.601) in 0..255."""
    red, green, blue = picture * 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float((around - 4 * luma[1:-1, 1:-1]).var(correction=0))
