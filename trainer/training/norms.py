"""Batch norms of a net that had none: statistics for what they leave as it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

PICTURES = 64
BATCH = 8


@torch.no_grad()
def renormed(network: nn.Module, drawings: Tensor) -> nn.Module:
    """The net with its norms' statistics taken from f32[N,3,S,S], and the same outputs in eval mode.

    A norm makes w * (x - m) / sqrt(v + e) + b of x. Where m and v become others, w and b follow, so
    that the line stays; in training, the statistics of a batch are then near those that the norm has.

    x of mean 3 and variance 4 under a norm of m = 0, v + e = 1, w = 1, b = 0: w becomes 2, b 3.
    """
    network.eval()
    sums: dict[nn.BatchNorm2d, Tensor] = {}

    def add(norm: nn.Module, inputs: Any) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double()
        count = torch.full_like(x[0, :, 0, 0], x.numel() / x.shape[1])
        sums[norm] = sums.get(norm, 0) + torch.stack([x.square().sum((0, 2, 3)), x.sum((0, 2, 3)), count])

    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for first in range(0, len(drawings), BATCH):
        network(drawings[first : first + BATCH])
    for hook in hooks:
        hook.remove()
    for norm, (squares, total, count) in sums.items():
        mean = total / count
        variance = squares / count - mean.square()
        _restate(norm, mean, variance.clamp(min=0))
    return network


def _restate(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Gives a norm other statistics, and weights with which it does what it did."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    slope = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    bias = norm.bias.double() + slope * (mean - norm.running_mean.double())
    norm.weight.copy_(slope * (variance + norm.eps).sqrt())
    norm.bias.copy_(bias)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
