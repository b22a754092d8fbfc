"""A UNet of strided convolutions and nearest upsampling, the kind that the project ships."""

from __future__ import annotations

import math

import torch
from torch import nn

MAX_DEPTH = 8
CHANNEL_MULTIPLIERS = (1, 2, 4, 8, 8, 8, 8, 8)


class MobileUNet(nn.Module):
    """A UNet: strided convs down, nearest upsampling and 3x3 convs up, skip concatenations.

    Input and output: f32[N, 3, size, size]; the output lies in [-1, 1] (Tanh).
    """

    def __init__(self, ngf: int, depth: int) -> None:
        super().__init__()
        channels = [ngf * multiplier for multiplier in CHANNEL_MULTIPLIERS[:depth]]
        self.down = nn.ModuleList(
            _down(inner, outer) for inner, outer in zip([3, *channels[:-1]], channels, strict=True)
        )
        skips = channels[-2::-1]  # what each level but the innermost receives beside its input
        inputs = [channels[-1], *(2 * skip for skip in skips)]
        self.up = nn.ModuleList(_up(inner, outer) for inner, outer in zip(inputs[:-1], skips, strict=True))
        self.head = nn.Sequential(_upsample(), nn.Conv2d(inputs[-1], 3, 3, padding=1), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()  # the innermost level has no skip
        for up in self.up:
            x = torch.cat([up(x), skips.pop()], dim=1)
        return self.head(x)  # type: ignore[no-any-return]


def mobile_unet(size: int = 256, ngf: int = 16, *, seed: int = 0) -> MobileUNet:
    """A seeded MobileUNet in eval mode for size x size pictures; log2(size) levels, at most 8."""
    depth = min(int(math.log2(size)), MAX_DEPTH)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = MobileUNet(ngf, depth)
        _enliven(net, torch.rand(4, 3, size, size) * 2 - 1)
    return net.eval()


def parameter_count(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in net.parameters())


def _down(inner: int, outer: int) -> nn.Sequential:
    conv = nn.Conv2d(inner, outer, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outer), nn.ReLU())


def _up(inner: int, outer: int) -> nn.Sequential:
    conv = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
    return nn.Sequential(_upsample(), conv, nn.BatchNorm2d(outer), nn.ReLU())


def _upsample() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="nearest")


def _enliven(net: nn.Module, images: torch.Tensor) -> None:
    """Randomise each BatchNorm2d's affine part; let it measure its statistics as in training."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.3, 0.5)
        norm.momentum = None  # a plain average: the statistics of the one batch below
    net.train()
    with torch.no_grad():
        net(images)
