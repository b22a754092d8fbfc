"""Detectors in the manner of YOLO: CSP blocks, SPPF, feature pyramid, a head that permutes."""

from __future__ import annotations

import torch
from torch import nn

from .common import Network, conv_norm

CLASSES = 4


class CSP(nn.Module):
    """Half of the channels pass, the other half goes through a residual block; joined."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = conv_norm(channels, channels, 1, activation=nn.SiLU)
        self.block = nn.Sequential(
            conv_norm(half, half, activation=nn.SiLU), conv_norm(half, half, activation=nn.SiLU)
        )
        self.leave = conv_norm(channels + half, channels, 1, activation=nn.SiLU)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.enter(x).chunk(2, dim=1)
        return self.leave(torch.cat([left, right, right + self.block(right)], dim=1))  # type: ignore[no-any-return]


class SPPF(nn.Module):
    """Three 5x5 max pools in a row, all four stages joined."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = conv_norm(channels, channels // 2, 1, activation=nn.SiLU)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = conv_norm(2 * channels, channels, 1, activation=nn.SiLU)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stages = [self.enter(x)]
        for _ in range(3):
            stages.append(self.pool(stages[-1]))
        return self.leave(torch.cat(stages, dim=1))  # type: ignore[no-any-return]


class Detector(nn.Module):
    """Backbone, top-down pyramid of two levels, one head a level.

    Output: f32[N, anchors, 5 + CLASSES], all through a sigmoid.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_norm(3, width, stride=2, activation=nn.SiLU),
            conv_norm(width, 2 * width, stride=2, activation=nn.SiLU),
            CSP(2 * width),
        )
        self.middle = nn.Sequential(
            conv_norm(2 * width, 4 * width, stride=2, activation=nn.SiLU), CSP(4 * width)
        )
        self.deep = nn.Sequential(
            conv_norm(4 * width, 8 * width, stride=2, activation=nn.SiLU), SPPF(8 * width)
        )
        self.lateral = conv_norm(8 * width, 4 * width, 1, activation=nn.SiLU)
        self.up = nn.Upsample(scale_factor=2)
        self.join = conv_norm(8 * width, 4 * width, 1, activation=nn.SiLU)
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, 3 * (5 + CLASSES), 1) for channels in (4 * width, 8 * width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        middle = self.middle(self.stem(x))
        deep = self.deep(middle)
        fine = self.join(torch.cat([self.up(self.lateral(deep)), middle], dim=1))
        boxes = [_boxes(head(level)) for head, level in zip(self.heads, (fine, deep), strict=True)]
        return torch.sigmoid(torch.cat(boxes, dim=1))


class TinyDetector(nn.Module):
    """A YOLO-tiny of plain convolutions with LeakyReLU; its output is the raw grid."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inner = 3
        for outer in (16, 32, 64, 128):
            layers += [conv_norm(inner, outer, activation=_leaky), nn.MaxPool2d(2)]
            inner = outer
        self.layers = nn.Sequential(
            *layers, conv_norm(128, 128, activation=_leaky), nn.Conv2d(128, 3 * (5 + CLASSES), 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)  # type: ignore[no-any-return]


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.1)


def _boxes(grid: torch.Tensor) -> torch.Tensor:
    """[N, 3*(5+C), H, W] -> [N, 3*H*W, 5+C]."""
    n, _, h, w = grid.shape
    split = grid.view(n, 3, 5 + CLASSES, h, w).permute(0, 1, 3, 4, 2)
    return split.reshape(n, 3 * h * w, 5 + CLASSES)


NETWORKS = (
    Network("yolo", "YOLO", Detector, (1, 3, 96, 96)),
    Network("yolo_tiny", "YOLO", TinyDetector, (1, 3, 96, 96)),
)
