"""Networks of sound: raw samples by 1-D convolutions, spectrograms by separable ones."""

from __future__ import annotations

import torch
from torch import nn

from .common import Network, conv_norm, head


class Dilated(nn.Module):
    """A temporal block: two dilated 1-D convolutions added to their input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.layers(x))


def samples_net() -> nn.Module:
    """M5 for raw sound: 1-D convolutions of wide windows, max pools."""
    layers: list[nn.Module] = []
    inner = 1
    for outer, kernel, stride in ((32, 80, 4), (32, 3, 1), (64, 3, 1), (64, 3, 1)):
        layers += [
            nn.Conv1d(inner, outer, kernel, stride),
            nn.BatchNorm1d(outer),
            nn.ReLU(),
            nn.MaxPool1d(4),
        ]
        inner = outer
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(inner, 12))


def temporal_net() -> nn.Module:
    """A temporal convolutional network: growing dilations."""
    return nn.Sequential(
        nn.Conv1d(8, 32, 1), *(Dilated(32, 1 << level) for level in range(4)), nn.Conv1d(32, 5, 1)
    )


def ds_cnn() -> nn.Module:
    """DS-CNN for keywords: a 10x4 convolution of a spectrogram, then separable ones."""
    layers: list[nn.Module] = [
        nn.Conv2d(1, 64, (10, 4), 2, padding=(4, 1), bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
    ]
    for _ in range(4):
        layers += [conv_norm(64, 64, groups=64), conv_norm(64, 64, 1)]
    return nn.Sequential(*layers, head(64, 12), nn.Softmax(dim=1))


NETWORKS = (
    Network("m5_samples", "1-D audio", samples_net, (1, 1, 4000)),
    Network("temporal", "1-D audio", temporal_net, (1, 8, 100)),
    Network("ds_cnn", "keyword spotting", ds_cnn, (1, 1, 49, 10)),
)
