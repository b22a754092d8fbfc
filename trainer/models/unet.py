"""The teacher: pix2pix's UNet and the 70x70 PatchGAN that judges it.

Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks, CVPR
2017, section 6.1 (architectures), with the channels and the dropout of its published unet_256.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .pyramid import channels

LEAK = 0.2


class UNet(nn.Module):
    """unet_256 (or 64, 128, 512, with fewer or more levels): f32[N,3,S,S] to the same, in [-1,1].

    Encoder: LeakyReLU, Conv k4 s2 p1, BatchNorm a level; the first level has neither activation nor
    norm, the innermost no norm (it is one pixel). Decoder: ReLU, ConvTranspose k4 s2 p1, BatchNorm,
    dropout of a half in the inner levels of full width; the last level ends in Tanh.
    """

    def __init__(self, size: int = 256, ngf: int = 64) -> None:
        super().__init__()
        self.size, self.ngf = size, ngf
        widths = channels(size, ngf)
        levels = len(widths)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for level, width in enumerate(widths):
            above = widths[level - 1] if level else 3
            self.down.append(_down(above, width, first=level == 0, last=level == levels - 1))
        for level in reversed(range(levels)):
            # What comes from below is joined with the skip of its own level, but for the innermost.
            incoming = widths[level] * (1 if level == levels - 1 else 2)
            outgoing = widths[level - 1] if level else 3
            self.up.append(_up(incoming, outgoing, level, levels))
        self.apply(initialize)

    def forward(self, drawing: Tensor) -> Tensor:
        skips = []
        x = drawing
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up in self.up:
            x = up(x)
            if skips:
                x = torch.cat([skips.pop(), x], 1)
        return x

    def architecture(self) -> dict[str, int | str]:
        """What `make` builds it from."""
        return {"kind": "unet", "size": self.size, "ngf": self.ngf}


def unet(size: int = 256, ngf: int = 64) -> UNet:
    """The teacher: 54.4 M parameters at 256 pixels with ngf 64, 217 M with ngf 128."""
    return UNet(size, ngf)


def _down(above: int, width: int, first: bool, last: bool) -> nn.Sequential:
    layers: list[nn.Module] = [] if first else [nn.LeakyReLU(LEAK)]
    layers.append(nn.Conv2d(above, width, 4, 2, 1, bias=False))
    if not (first or last):
        layers.append(nn.BatchNorm2d(width))
    return nn.Sequential(*layers)


def _up(incoming: int, outgoing: int, level: int, levels: int) -> nn.Sequential:
    last = level == 0
    layers: list[nn.Module] = [
        nn.ReLU(),
        nn.ConvTranspose2d(incoming, outgoing, 4, 2, 1, bias=last),
        nn.Tanh() if last else nn.BatchNorm2d(outgoing),
    ]
    if 4 <= level < levels - 1:
        layers.append(nn.Dropout(0.5))
    return nn.Sequential(*layers)


class PatchGAN(nn.Module):
    """The 70x70 PatchGAN: a drawing and a picture, f32[N,3,S,S] each, to scores f32[N,1,s,s].

    Each score judges a patch of 70x70 pixels; LSGAN wants 1 of true pictures and 0 of made ones
    (Mao et al. 2017). 2.77 M parameters with ndf 64.
    """

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(6, ndf, 4, 2, 1), nn.LeakyReLU(LEAK)]
        for factor, stride in ((1, 2), (2, 2), (4, 1)):
            layers += [
                nn.Conv2d(ndf * factor, ndf * factor * 2, 4, stride, 1, bias=False),
                nn.BatchNorm2d(ndf * factor * 2),
                nn.LeakyReLU(LEAK),
            ]
        layers.append(nn.Conv2d(ndf * 8, 1, 4, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.apply(initialize)

    def forward(self, drawing: Tensor, picture: Tensor) -> Tensor:
        scores: Tensor = self.layers(torch.cat([drawing, picture], 1))
        return scores


def initialize(module: nn.Module) -> None:
    """pix2pix's start: weights of variance 0.02 squared around 0, of norms around 1; biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
