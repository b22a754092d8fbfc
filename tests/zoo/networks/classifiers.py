"""Classifiers of ordinary convolutions: chains, sums, concatenations, branches."""

from __future__ import annotations

import torch
from torch import nn

from .common import Network, conv_norm, head


class Residual(nn.Module):
    """A chain of layers added to its input, or to a 1x1 convolution of it."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.layers(x) + self.shortcut(x))


class Fire(nn.Module):
    """SqueezeNet's: 1x1 squeeze, then 1x1 and 3x3 side by side."""

    def __init__(self, inner: int, squeezed: int, outer: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inner, squeezed, 1)
        self.one = nn.Conv2d(squeezed, outer, 1)
        self.three = nn.Conv2d(squeezed, outer, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], dim=1)


class Dense(nn.Module):
    """DenseNet's layer: norm, relu, convolution twice; the result joins its input."""

    def __init__(self, inner: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.layers(x)], dim=1)


class Inception(nn.Module):
    """Four branches: 1x1; 3x3; two 3x3; average pool and 1x1 (or at stride 2 a max pool)."""

    def __init__(self, inner: int, width: int, stride: int = 1) -> None:
        super().__init__()
        branches: list[nn.Module] = [
            nn.Sequential(conv_norm(inner, width, 1), conv_norm(width, width, stride=stride)),
            nn.Sequential(
                conv_norm(inner, width, 1),
                conv_norm(width, width),
                conv_norm(width, width, stride=stride),
            ),
        ]
        if stride == 1:
            branches.append(conv_norm(inner, width, 1))
            pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
            branches.append(nn.Sequential(pool, conv_norm(inner, width, 1)))
        else:
            branches.append(nn.MaxPool2d(3, 2, 1))
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def lenet() -> nn.Module:
    """LeNet-5 with ReLU and MaxPool."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def lenet_tanh() -> nn.Module:
    """LeNet-5 as first published: Tanh and average pools."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def vgg() -> nn.Module:
    """VGG-11 at half width, with a small classifier."""
    layers: list[nn.Module] = []
    inner = 3
    for outer in (32, 0, 64, 0, 128, 128, 0, 256, 256, 0, 256, 256, 0):
        if outer:
            layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.ReLU()]
            inner = outer
        else:
            layers.append(nn.MaxPool2d(2))
    classifier = [nn.Flatten(), nn.Linear(256 * 4, 256), nn.ReLU(), nn.Linear(256, 100)]
    return nn.Sequential(*layers, *classifier)


def squeezenet() -> nn.Module:
    """SqueezeNet 1.1."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), _ceiled_pool(),
        Fire(64, 16, 64), Fire(128, 16, 64), _ceiled_pool(),
        Fire(128, 32, 128), Fire(256, 32, 128), _ceiled_pool(),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
        nn.Conv2d(512, 100, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def resnet18() -> nn.Module:
    """ResNet-18."""
    layers: list[nn.Module] = [conv_norm(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    inner = 64
    for outer in (64, 128, 256, 512):
        for i in range(2):
            stride = 2 if i == 0 and outer != 64 else 1
            block = nn.Sequential(
                conv_norm(inner, outer, stride=stride), conv_norm(outer, outer, activation=None)
            )
            layers.append(Residual(block, _shortcut(inner, outer, stride)))
            inner = outer
    return nn.Sequential(*layers, head(inner, 100))


def resnet26() -> nn.Module:
    """ResNet-26: bottlenecks of 1x1, 3x3, 1x1, at half width."""
    layers: list[nn.Module] = [conv_norm(3, 32, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    inner = 32
    for width in (32, 64, 128, 256):
        for i in range(2):
            stride = 2 if i == 0 and width != 32 else 1
            block = nn.Sequential(
                conv_norm(inner, width, 1),
                conv_norm(width, width, stride=stride),
                conv_norm(width, 4 * width, 1, activation=None),
            )
            layers.append(Residual(block, _shortcut(inner, 4 * width, stride)))
            inner = 4 * width
    return nn.Sequential(*layers, head(inner, 100))


def resnext() -> nn.Module:
    """A ResNeXt of three bottlenecks: grouped 3x3 convolutions."""
    layers: list[nn.Module] = [conv_norm(3, 32, stride=2)]
    inner = 32
    for width, stride in ((32, 1), (64, 2), (128, 2)):
        block = nn.Sequential(
            conv_norm(inner, width, 1),
            conv_norm(width, width, stride=stride, groups=8),
            conv_norm(width, 2 * width, 1, activation=None),
        )
        layers.append(Residual(block, _shortcut(inner, 2 * width, stride)))
        inner = 2 * width
    return nn.Sequential(*layers, head(inner, 10))


def densenet() -> nn.Module:
    """A DenseNet of three blocks with average pools between them."""
    growth, channels = 12, 24
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range(4):
            layers.append(Dense(channels, growth))
            channels += growth
        if block < 2:
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            layers += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), head(channels, 10))


def inception() -> nn.Module:
    """A small Inception: average-pool branches, max-pool reductions."""
    return nn.Sequential(
        conv_norm(3, 16, stride=2),
        Inception(16, 16),
        Inception(64, 24, stride=2),
        Inception(112, 32),
        Inception(128, 40, stride=2),
        head(208, 10),
    )


def mlp() -> nn.Module:
    """Three fully connected layers on a flat picture."""
    return nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.Sigmoid(), nn.Linear(128, 10)
    )


def _ceiled_pool() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _shortcut(inner: int, outer: int, stride: int) -> nn.Module | None:
    if inner == outer and stride == 1:
        return None
    return conv_norm(inner, outer, 1, stride=stride, activation=None)


NETWORKS = (
    Network("lenet", "LeNet", lenet, (1, 1, 28, 28)),
    Network("lenet_tanh", "LeNet", lenet_tanh, (1, 1, 28, 28)),
    Network("mlp", "MLP", mlp, (1, 784)),
    Network("vgg11_0.5", "VGG", vgg, (1, 3, 64, 64)),
    Network("squeezenet_1.1", "SqueezeNet", squeezenet, (1, 3, 96, 96)),
    Network("resnet18", "ResNet", resnet18, (1, 3, 64, 64)),
    Network("resnet26_0.5", "ResNet", resnet26, (1, 3, 64, 64)),
    Network("resnext", "ResNet", resnext, (1, 3, 48, 48)),
    Network("densenet", "DenseNet", densenet, (1, 3, 32, 32)),
    Network("inception", "Inception", inception, (1, 3, 64, 64)),
)
