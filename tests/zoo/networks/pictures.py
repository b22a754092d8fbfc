"""Networks from picture to picture: segmentation, super-resolution, style, compression."""

from __future__ import annotations

import torch
from torch import nn

from .common import Network, conv_norm
from .mobile_unet import mobile_unet


class UNet(nn.Module):
    """Two 3x3 convolutions a level, max pools down, `up` of one of three kinds, skips."""

    def __init__(self, up: str, width: int = 16, depth: int = 3, classes: int = 5) -> None:
        super().__init__()
        channels = [width << level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            _twice(inner, outer) for inner, outer in zip([3, *channels], channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(_up(up, c, c // 2) for c in channels[:0:-1])
        self.join = nn.ModuleList(_twice(c, c // 2) for c in channels[:0:-1])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level, down in enumerate(self.down):
            x = down(self.pool(x) if level else x)
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)  # type: ignore[no-any-return]


class FastStyle(nn.Module):
    """Fast style transfer: reflected borders, instance norms, five residual blocks' worth."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.down = nn.Sequential(
            _styled(3, width, 9),
            _styled(width, 2 * width, 3, 2),
            _styled(2 * width, 4 * width, 3, 2),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(_styled(4 * width, 4 * width, 3), _styled(4 * width, 4 * width, 3, relu=False))
            for _ in range(2)
        )
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2),
            _styled(4 * width, 2 * width, 3),
            nn.Upsample(scale_factor=2),
            _styled(2 * width, width, 3),
            nn.ReflectionPad2d(4),
            nn.Conv2d(width, 3, 9),
            nn.Tanh(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down(x)
        for block in self.blocks:
            x = x + block(x)
        return self.up(x)  # type: ignore[no-any-return]


class EDSR(nn.Module):
    """EDSR: residual blocks without norms, a scaled sum, pixel shuffle."""

    def __init__(self, width: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(blocks)
        )
        self.last = nn.Conv2d(width, width, 3, padding=1)
        self.up = nn.Sequential(
            nn.Conv2d(width, 4 * width, 3, padding=1),
            nn.PixelShuffle(2),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = y = self.first(x)
        for block in self.blocks:
            y = y + 0.5 * block(y)
        return self.up(x + self.last(y))  # type: ignore[no-any-return]


class Reshape(nn.Module):
    """Each sample in another shape; exported as one Reshape, which nn.Unflatten is not."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = (-1, *shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(self.shape)


def espcn() -> nn.Module:
    """ESPCN: three convolutions on luma, then a pixel shuffle by 3."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(),
        nn.Conv2d(64, 32, 3, padding=1), nn.Tanh(),
        nn.Conv2d(32, 9, 3, padding=1), nn.PixelShuffle(3), nn.Sigmoid(),
    )  # fmt: skip


def fsrcnn() -> nn.Module:
    """FSRCNN: shrink, map, expand with PReLU, then one transposed convolution."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.PReLU(32), nn.Conv2d(32, 8, 1), nn.PReLU(8),
        nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(8), nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(8),
        nn.Conv2d(8, 32, 1), nn.PReLU(32),
        nn.ConvTranspose2d(32, 1, 9, 2, padding=4, output_padding=1),
    )  # fmt: skip


def autoencoder() -> nn.Module:
    """A convolutional autoencoder with a flat code of 32."""
    return nn.Sequential(
        conv_norm(3, 16, stride=2), conv_norm(16, 32, stride=2), conv_norm(32, 64, stride=2),
        nn.Flatten(), nn.Linear(64 * 16, 32), nn.Linear(32, 64 * 16), nn.ReLU(),
        Reshape(64, 4, 4),
        nn.Upsample(scale_factor=2), conv_norm(64, 32),
        nn.Upsample(scale_factor=2), conv_norm(32, 16),
        nn.Upsample(scale_factor=2), nn.Conv2d(16, 3, 3, padding=1), nn.Sigmoid(),
    )  # fmt: skip


def dcgan() -> nn.Module:
    """A DCGAN generator: transposed convolutions from a vector of 64 to a picture."""
    layers: list[nn.Module] = []
    for inner, outer, stride in ((64, 64, 1), (64, 32, 2), (32, 16, 2)):
        layers += [
            nn.ConvTranspose2d(inner, outer, 4, stride, 0 if stride == 1 else 1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh())


def _twice(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(conv_norm(inner, outer), conv_norm(outer, outer))


def _up(kind: str, inner: int, outer: int) -> nn.Module:
    if kind == "transposed":
        return nn.ConvTranspose2d(inner, outer, 2, 2)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=kind), nn.Conv2d(inner, outer, 1))


def _styled(inner: int, outer: int, kernel: int, stride: int = 1, *, relu: bool = True) -> nn.Sequential:
    layers = [
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inner, outer, kernel, stride),
        nn.InstanceNorm2d(outer, affine=True),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


NETWORKS = (
    Network("mobile_unet", "UNet", lambda: mobile_unet(64, 8), (1, 3, 64, 64)),
    Network("unet_nearest", "UNet", lambda: UNet("nearest"), (1, 3, 48, 64)),
    Network("unet_bilinear", "UNet", lambda: UNet("bilinear"), (1, 3, 48, 64)),
    Network("unet_transposed", "UNet", lambda: UNet("transposed"), (1, 3, 48, 64)),
    Network("espcn", "super-resolution", espcn, (1, 1, 40, 56)),
    Network("fsrcnn", "super-resolution", fsrcnn, (1, 1, 40, 56)),
    Network("edsr", "super-resolution", EDSR, (1, 3, 32, 32)),
    Network("fast_style", "style transfer", FastStyle, (1, 3, 64, 64)),
    Network("autoencoder", "autoencoder", autoencoder, (1, 3, 32, 32)),
    Network("dcgan", "GAN", dcgan, (1, 64, 1, 1)),
)
