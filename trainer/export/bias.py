"""Biases that take back what rounded weights add on average.

A weight's rounding error times the mean of what it reads is an offset that every pixel gets; where
most of a picture is one colour, as a drawing's background is, it is most of the error. Nagel et al.
2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def rounded(weight: Tensor) -> Tensor:
    """What s8 per output channel keeps of f32[O,I,k,k], symmetric about 0 as `quantize` has it."""
    scale = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-30) / 127
    return (weight / scale).round() * scale


@torch.no_grad()
def correct_biases(net: nn.Module, inputs: NDArray[np.float32], batch: int = 8) -> None:
    """Changes the biases of a folded net in place, so that rounded weights give the same means.

    Args:
        inputs: f32[N,3,S,S] in [-1,1], in which the means are found.
    """
    sums: dict[nn.Conv2d, Tensor] = {}
    convolutions = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    hooks = [part.register_forward_hook(_summing(part, sums)) for part in convolutions]
    for first in range(0, len(inputs), batch):
        net(torch.from_numpy(inputs[first : first + batch]))
    for hook in hooks:
        hook.remove()
    for part in convolutions:
        assert part.bias is not None
        error = (part.weight - rounded(part.weight)).sum((2, 3))
        part.bias.add_(error @ (sums[part] / len(inputs)))


def _summing(part: nn.Conv2d, sums: dict[nn.Conv2d, Tensor]) -> Callable[..., None]:
    """A hook that adds up the means f32[I] of the pictures that a convolution reads."""

    def watch(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        sums[part] = sums.get(part, torch.zeros(part.in_channels)) + inputs[0].mean((2, 3)).sum(0)

    return watch
