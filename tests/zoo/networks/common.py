"""What the networks share: blocks of a convolution and a norm, and lively random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

Activation = Callable[[], nn.Module]
SUMS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True)
class Network:
    """A network by name: one f32 input `input` of `shape`, one f32 output `output`.

    `family`: networks of one idea.
    """

    name: str
    family: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]

    def module(self, seed: int = 0) -> nn.Module:
        """The network in eval mode, with the weights of a seed."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = self.build()
            enliven(net, torch.rand(4, *self.shape[1:]) * 2 - 1)
        return net.eval()


def conv_norm(
    inner: int,
    outer: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: Activation | None = nn.ReLU,
) -> nn.Sequential:
    """Conv2d that keeps the size (but for its stride), BatchNorm2d, an activation or none."""
    padding = (kernel - 1) // 2
    layers: list[nn.Module] = [
        nn.Conv2d(inner, outer, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outer),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def head(channels: int, classes: int) -> nn.Sequential:
    """Global average, then a linear classifier."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def enliven(net: nn.Module, inputs: torch.Tensor) -> None:
    """Make untrained weights behave as trained ones do: no layer dies out or saturates.

    Every sum is scaled to a standard deviation of 1 on `inputs` and given a bias, every BatchNorm
    gets an affine part of its own and the statistics of `inputs`.
    """
    hooks = []
    for module in net.modules():
        if isinstance(module, SUMS):
            hooks.append(module.register_forward_hook(_scale_to_one))
        if isinstance(module, NORMS):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.5)
            module.momentum = None  # a plain average: the statistics of one batch
    net.train()
    with torch.no_grad():
        net(inputs)
    for hook in hooks:
        hook.remove()


def _scale_to_one(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
    weight, bias = module.weight, module.bias
    assert isinstance(weight, torch.Tensor)
    weight /= output.std() + 1e-6
    if isinstance(bias, torch.Tensor):
        nn.init.uniform_(bias, -0.2, 0.3)
    return module.forward(*inputs)  # type: ignore[no-any-return]
