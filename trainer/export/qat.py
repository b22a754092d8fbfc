"""Training that knows of int8: a short fine-tune with rounded weights and activations.

Optional: the ranges that `quantize` finds afterwards are its own, so what this changes is weights
that are the better for being rounded. Jacob et al. 2018, "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", section 3; the gradient passes straight
through a rounding (Bengio et al. 2013).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from ..models.onnx_generator import to_range

BATCH = 4
LEARNING_RATE = 2e-5
MOUTH = 5.0
"""Weight of the mouth's pixels, as in distillation."""


class _RoundedWeight(nn.Module):
    """What s8 per output channel makes of a convolution's weight, symmetric about 0."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.detach().abs().amax((1, 2, 3)).clamp_min(1e-12) / 127
        zero = torch.zeros_like(scale, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)


class _RoundedActivation:
    """What u8 makes of a module's output, in the range of all that it has made so far."""

    def __init__(self) -> None:
        self.low, self.high = 0.0, 1e-6

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:  # noqa: ARG002
        self.low = min(self.low, float(output.detach().min()))
        self.high = max(self.high, float(output.detach().max()))
        scale = (self.high - self.low) / 255
        zero = round(-self.low / scale)
        return torch.fake_quantize_per_tensor_affine(output, scale, zero, 0, 255)


@contextmanager
def _rounding(model: nn.Module) -> Iterator[None]:
    """Rounds the weights of all convolutions, and what is quantized behind them.

    That is a convolution's output, or that of the ReLU behind it: u8 clips at 0 as ReLU does.
    """
    convolutions = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
    ends = [
        end for chain in model.modules() if isinstance(chain, nn.Sequential) for end in _quantized_ends(chain)
    ]
    hooks = [end.register_forward_hook(_RoundedActivation()) for end in ends]
    for part in convolutions:
        parametrize.register_parametrization(part, "weight", _RoundedWeight())
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for part in convolutions:
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=False)


def _quantized_ends(chain: nn.Sequential) -> Iterator[nn.Module]:
    parts = [part for part in chain if not isinstance(part, nn.Identity)]
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        if isinstance(part, nn.Conv2d):
            yield after if isinstance(after, nn.ReLU) else part


def tune(
    model: nn.Module,
    inputs: NDArray[np.uint8],
    targets: NDArray[np.uint8],
    mouths: NDArray[np.int64],
    iterations: int,
    seed: int = 0,
) -> None:
    """Trains a folded model in place against u8[N,S,S,3] pictures, L1 with the mouth weighted.

    Leaves float weights: `quantize` rounds them.
    """
    order = np.random.default_rng(seed)
    model.train()
    for part in model.parameters():
        part.requires_grad_(True)
    with _rounding(model):
        optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
        for _ in range(iterations):
            batch = order.choice(len(inputs), min(BATCH, len(inputs)), replace=False)
            output = model(torch.from_numpy(to_range(inputs[batch])))
            truth = torch.from_numpy(to_range(targets[batch]))
            weight = _weights(mouths[batch], output)
            error = functional.l1_loss(output, truth, reduction="none")
            loss = (error * weight).sum() / (weight.sum() * error.shape[1])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    model.eval()


def _weights(mouths: NDArray[np.int64], like: Tensor) -> Tensor:
    """f32[N,1,S,S]: MOUTH within the boxes, 1 elsewhere."""
    weight = torch.ones_like(like[:, :1])
    for place, (y0, y1, x0, x1) in enumerate(mouths):
        weight[place, :, y0:y1, x0:x1] = MOUTH
    return weight
