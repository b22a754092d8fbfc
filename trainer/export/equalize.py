"""Channels brought to like ranges, so that one scale a tensor serves them all.

A ReLU passes a positive factor: a channel that is made s times as large, and read by weights 1/s
times as large, changes nothing. Nagel et al. 2019, "Data-Free Quantization Through Weight
Equalization and Bias Correction", section 4.1, choose the factors by the weights on both sides;
here the weights of the making side have a scale for each channel and need nothing, so the factors
balance the channel's own range r against the weights w that read it: s = sqrt(w / r) gives both
the range sqrt(w * r).

The two parts of a concatenation are then brought to one largest value in the same way, so that one
scale serves both, and no byte is rounded anew where they are joined (quantize.py gives them one).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..models import MobileUNet

MOST = 64.0
"""Bound of a factor and of its inverse, for channels that hardly speak."""


@dataclass
class _Tensor:
    """What a Conv and its ReLU make; `readers`: each a Conv and its first channel of this; `beside`:
    the skip that it is concatenated with.
    """

    maker: nn.Conv2d
    relu: nn.ReLU
    readers: list[tuple[nn.Conv2d, int]]
    beside: _Tensor | None = None
    peaks: Tensor | None = None
    """f32[C]: the largest values seen."""

    @property
    def channels(self) -> int:
        """How many."""
        return self.maker.out_channels

    def read(self) -> Tensor:
        """f32[C]: the largest weight that reads each channel, as a share of its filter's."""
        shares = []
        for reader, first in self.readers:
            filters = reader.weight.abs().amax((2, 3))
            shares.append((filters / filters.amax(1, keepdim=True)).amax(0)[first:][: self.channels])
        return torch.stack(shares).amax(0)

    def scale(self, factors: Tensor) -> None:
        """Makes each channel `factors` times as large, and its readers undo it."""
        self.maker.weight.mul_(factors[:, None, None, None])
        assert self.maker.bias is not None
        self.maker.bias.mul_(factors)
        for reader, first in self.readers:
            reader.weight[:, first : first + self.channels].div_(factors[:, None, None])
        assert self.peaks is not None
        self.peaks = self.peaks * factors

    def peak(self) -> Tensor:
        """f32[]: the largest value seen, in today's scale."""
        assert self.peaks is not None
        return self.peaks.max()


@torch.no_grad()
def equalize(net: MobileUNet, inputs: NDArray[np.float32], batch: int = 8) -> None:
    """Rescales the channels of a folded student in place; its outputs are the same in f32.

    Args:
        inputs: f32[N,3,S,S] in [-1,1], in which the channels' ranges are found.
    """
    tensors = _tensors(net)
    hooks = [tensor.relu.register_forward_hook(_watching(tensor)) for tensor in tensors]
    for first in range(0, len(inputs), batch):
        net(torch.from_numpy(inputs[first : first + batch]))
    for hook in hooks:
        hook.remove()
    for tensor in tensors:
        assert tensor.peaks is not None
        peaks = tensor.peaks.clamp_min(1e-3 * float(tensor.peaks.max()) + 1e-12)
        factors = (tensor.read() / peaks).sqrt()
        tensor.scale(factors.clamp(1 / MOST, MOST))
    for tensor in tensors:
        if tensor.beside is not None and float(tensor.peak()) > 0:
            tensor.scale((tensor.beside.peak() / tensor.peak()).expand(tensor.channels))


def _watching(tensor: _Tensor) -> Callable[..., None]:
    """A hook that notes the largest values of a tensor's channels."""

    def watch(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        peaks = output.amax((0, 2, 3))
        tensor.peaks = peaks if tensor.peaks is None else torch.maximum(tensor.peaks, peaks)

    return watch


def _tensors(net: MobileUNet) -> list[_Tensor]:
    """What ReLUs make: each level down is read by the next and, joined first, on the way up."""
    down, up = ([_conv(part) for part in parts] for parts in (net.down, net.up))
    tensors = []
    for level, (maker, part) in enumerate(zip(down, net.down, strict=True)):
        last = level == len(down) - 1
        # up[k] reads what up[k - 1] made behind the skip of level len(down) - 1 - k.
        readers = [(up[0], 0)] if last else [(down[level + 1], 0), (up[len(down) - 1 - level], 0)]
        tensors.append(_Tensor(maker, _relu(part), readers))
    for k, (maker, part) in enumerate(zip(up[:-1], list(net.up)[:-1], strict=True)):
        skip = tensors[len(down) - 2 - k]
        tensors.append(_Tensor(maker, _relu(part), [(up[k + 1], skip.channels)], skip))
    return tensors


def _conv(part: nn.Module) -> nn.Conv2d:
    return next(layer for layer in part.modules() if isinstance(layer, nn.Conv2d))


def _relu(part: nn.Module) -> nn.ReLU:
    return next(layer for layer in part.modules() if isinstance(layer, nn.ReLU))
