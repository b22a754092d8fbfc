"""Networks of depthwise convolutions for phones, after their papers."""

from __future__ import annotations

import torch
from torch import nn

from .common import Activation, Network, conv_norm, head


class InvertedResidual(nn.Module):
    """1x1 expand, depthwise, (squeeze and excite,) 1x1 project; a sum where the shapes agree."""

    def __init__(
        self,
        inner: int,
        wide: int,
        outer: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        activation: Activation = nn.ReLU6,
        excite: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if wide != inner:
            layers.append(conv_norm(inner, wide, 1, activation=activation))
        layers.append(conv_norm(wide, wide, kernel, stride=stride, groups=wide, activation=activation))
        if excite:
            layers.append(SqueezeExcite(wide, _to_eight(wide / 4)))
        layers.append(conv_norm(wide, outer, 1, activation=None))
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and inner == outer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layers(x)
        return x + y if self.adds else y  # type: ignore[no-any-return]


class SqueezeExcite(nn.Module):
    """Channels weighted by what a two-layer net makes of their averages."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weigh(x)  # type: ignore[no-any-return]


class ShuffleUnit(nn.Module):
    """ShuffleNetV2's unit: half of the channels pass, or at stride 2 both halves are convolved."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.stride, half = stride, outer // 2
        self.left = (
            nn.Sequential(
                conv_norm(inner, inner, stride=2, groups=inner, activation=None),
                conv_norm(inner, half, 1),
            )
            if stride == 2
            else nn.Identity()
        )
        self.right = nn.Sequential(
            conv_norm(inner if stride == 2 else half, half, 1),
            conv_norm(half, half, stride=stride, groups=half, activation=None),
            conv_norm(half, half, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = (x, x) if self.stride == 2 else x.chunk(2, dim=1)
        y = torch.cat([self.left(left), self.right(right)], dim=1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def mobilenet_v1(width: float) -> nn.Module:
    """MobileNet: 13 depthwise separable convolutions."""
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5
    plan += [(1024, 2), (1024, 1)]
    inner = _to_eight(32 * width)
    layers: list[nn.Module] = [conv_norm(3, inner, stride=2)]
    for channels, stride in plan:
        outer = _to_eight(channels * width)
        layers += [conv_norm(inner, inner, stride=stride, groups=inner), conv_norm(inner, outer, 1)]
        inner = outer
    return nn.Sequential(*layers, head(inner, 100))


def mobilenet_v2(width: float) -> nn.Module:
    """MobileNetV2: inverted residuals with linear bottlenecks."""
    plan = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
        (6, 160, 3, 2), (6, 320, 1, 1),
    ]  # expansion, channels, repeats, stride  # fmt: skip
    inner = _to_eight(32 * width)
    layers: list[nn.Module] = [conv_norm(3, inner, stride=2, activation=nn.ReLU6)]
    for expansion, channels, repeats, stride in plan:
        outer = _to_eight(channels * width)
        for i in range(repeats):
            step = stride if i == 0 else 1
            layers.append(InvertedResidual(inner, inner * expansion, outer, stride=step))
            inner = outer
    layers.append(conv_norm(inner, 1280, 1, activation=nn.ReLU6))
    return nn.Sequential(*layers, head(1280, 100))


def mobilenet_v3_small() -> nn.Module:
    """MobileNetV3-Small: HardSwish, squeeze and excite with HardSigmoid."""
    plan = [
        (3, 16, 16, True, nn.ReLU, 2), (3, 72, 24, False, nn.ReLU, 2),
        (3, 88, 24, False, nn.ReLU, 1), (5, 96, 40, True, nn.Hardswish, 2),
        (5, 240, 40, True, nn.Hardswish, 1), (5, 240, 40, True, nn.Hardswish, 1),
        (5, 120, 48, True, nn.Hardswish, 1), (5, 144, 48, True, nn.Hardswish, 1),
        (5, 288, 96, True, nn.Hardswish, 2), (5, 576, 96, True, nn.Hardswish, 1),
        (5, 576, 96, True, nn.Hardswish, 1),
    ]  # kernel, expanded, channels, excite, activation, stride  # fmt: skip
    layers: list[nn.Module] = [conv_norm(3, 16, stride=2, activation=nn.Hardswish)]
    inner = 16
    for kernel, wide, outer, excite, activation, stride in plan:
        layers.append(
            InvertedResidual(
                inner,
                wide,
                outer,
                kernel=kernel,
                stride=stride,
                activation=activation,
                excite=excite,
            )
        )
        inner = outer
    return nn.Sequential(
        *layers,
        conv_norm(inner, 576, 1, activation=nn.Hardswish),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(576, 1024),
        nn.Hardswish(),
        nn.Linear(1024, 100),
    )


def efficientnet_lite0() -> nn.Module:
    """EfficientNet-Lite0: 3x3 and 5x5 inverted residuals, ReLU6, no squeeze and excite."""
    plan = [
        (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2),
        (6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1),
    ]  # expansion, kernel, channels, repeats, stride  # fmt: skip
    layers: list[nn.Module] = [conv_norm(3, 32, stride=2, activation=nn.ReLU6)]
    inner = 32
    for expansion, kernel, outer, repeats, stride in plan:
        for i in range(repeats):
            step = stride if i == 0 else 1
            layers.append(InvertedResidual(inner, inner * expansion, outer, kernel=kernel, stride=step))
            inner = outer
    layers.append(conv_norm(inner, 1280, 1, activation=nn.ReLU6))
    return nn.Sequential(*layers, head(1280, 100))


def shufflenet_v2() -> nn.Module:
    """ShuffleNetV2 at width 0.5: channel split and shuffle."""
    layers: list[nn.Module] = [conv_norm(3, 24, stride=2), nn.MaxPool2d(3, 2, 1)]
    inner = 24
    for outer, repeats in ((48, 4), (96, 8), (192, 4)):
        for i in range(repeats):
            layers.append(ShuffleUnit(inner, outer, 2 if i == 0 else 1))
            inner = outer
    return nn.Sequential(*layers, conv_norm(inner, 1024, 1), head(1024, 100))


def _to_eight(channels: float) -> int:
    """The multiple of 8 next to `channels`, but not more than a tenth below it."""
    multiple = max(8, int(channels + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * channels else multiple


NETWORKS = (
    Network("mobilenet_v1_0.25", "MobileNet", lambda: mobilenet_v1(0.25), (1, 3, 96, 96)),
    Network("mobilenet_v2_0.35", "MobileNet", lambda: mobilenet_v2(0.35), (1, 3, 96, 96)),
    Network("mobilenet_v2_1.0", "MobileNet", lambda: mobilenet_v2(1.0), (1, 3, 96, 96)),
    Network("mobilenet_v3_small", "MobileNet", mobilenet_v3_small, (1, 3, 96, 96)),
    Network("efficientnet_lite0", "EfficientNet", efficientnet_lite0, (1, 3, 96, 96)),
    Network("shufflenet_v2_0.5", "ShuffleNet", shufflenet_v2, (1, 3, 96, 96)),
)
