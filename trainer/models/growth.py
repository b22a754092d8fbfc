"""A student of twice the size, grown around a trained one: it starts as that one's picture, doubled.

Chen, Goodfellow, Shlens: Net2Net, ICLR 2016: a larger net that computes what a smaller one has
learnt needs no start of its own. Here one level comes outside: the new first Conv halves the
drawing as the mean of 2x2 pixels, the new last one passes the inner picture on. Red, green and blue
go through its ReLUs as two channels each, what is above 0 and what is below.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import TrainerError
from .mobile import MobileUNet

COLORS = 3


@torch.no_grad()
def grown(inner: MobileUNet) -> MobileUNet:
    """A MobileUNet of twice the size with an outer level more, in eval mode.

    Its picture of a drawing is, pixel doubled, the inner one's of the drawing's 2x2 means. What
    channels it has beyond the six of the colours start at random, and are heard by nothing as yet.

    Raises:
        TrainerError: the inner net has less than six channels outside, or no size is twice its own.
    """
    if inner.ngf < 2 * COLORS:
        raise TrainerError(
            f"a net of {inner.ngf} channels can't be grown: the new level needs {2 * COLORS} for the colours"
        )
    outer = MobileUNet(2 * inner.size, inner.ngf, inner.outer + 1).eval()
    for here, there in zip(outer.down[2:], inner.down[1:], strict=True):
        here.load_state_dict(there.state_dict())
    for here, there in zip(outer.up, inner.up[:-1], strict=False):
        here.load_state_dict(there.state_dict())
    _halve(outer.down[0])
    _listen(outer.down[1], inner.down[0])
    _part(outer.up[-2], inner.up[-1])
    _pass_on(outer.up[-1])
    return outer


def _layers(block: nn.Module) -> tuple[nn.Conv2d, nn.BatchNorm2d | None]:
    """A block's Conv and norm."""
    norms = [layer for layer in block.children() if isinstance(layer, nn.BatchNorm2d)]
    (conv,) = [layer for layer in block.children() if isinstance(layer, nn.Conv2d)]
    return conv, norms[0] if norms else None


def _signed(weight: Tensor) -> Tensor:
    """Output channels f32[n,...], and the same with the other sign: f32[2n,...]."""
    return torch.cat([weight, -weight])


def _leave(norm: nn.BatchNorm2d | None) -> nn.BatchNorm2d:
    """A norm that leaves its input as it is."""
    assert norm is not None
    assert norm.running_var is not None
    norm.running_var.fill_(1 - norm.eps)
    return norm


def _halve(block: nn.Module) -> None:
    """The first six channels are the means of 2x2 pixels, above 0 and below."""
    conv, norm = _layers(block)
    mean = torch.zeros(COLORS, COLORS, 4, 4)
    mean[range(COLORS), range(COLORS), 1:3, 1:3] = 0.25
    conv.weight[: 2 * COLORS] = _signed(mean)
    _leave(norm)


def _listen(block: nn.Module, first: nn.Module) -> None:
    """What the inner net's first Conv makes of colours, of their two halves."""
    (conv, norm), (inner, inner_norm) = _layers(block), _layers(first)
    assert norm is not None
    assert inner_norm is not None
    conv.weight.zero_()
    conv.weight[:, :COLORS], conv.weight[:, COLORS : 2 * COLORS] = inner.weight, -inner.weight
    norm.load_state_dict(inner_norm.state_dict())


def _part(block: nn.Module, last: nn.Module) -> None:
    """The first six channels are the inner picture before its Tanh, above 0 and below."""
    (conv, norm), (inner, _) = _layers(block), _layers(last)
    assert inner.bias is not None
    conv.weight[: 2 * COLORS] = _signed(inner.weight)
    _leave(norm).bias[: 2 * COLORS] = _signed(inner.bias)


def _pass_on(block: nn.Module) -> None:
    """The two halves of each colour are joined; the skip comes before them."""
    conv, _ = _layers(block)
    assert conv.bias is not None
    conv.weight.zero_()
    conv.bias.zero_()
    skip = conv.in_channels // 2
    for color in range(COLORS):
        conv.weight[color, skip + color, 1, 1] = 1
        conv.weight[color, skip + COLORS + color, 1, 1] = -1
