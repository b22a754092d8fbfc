"""The students: UNets made only of what becomes integer arithmetic.

Conv, BatchNorm, ReLU in that order, so that each norm folds into its Conv; nearest Upsample and
Conv instead of ConvTranspose (no checkerboard, integer Resize); skips joined by FloatFunctional, so
that quantizers see each Concat as a place of its own.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.ao.nn.quantized import FloatFunctional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..errors import TrainerError
from .pyramid import channels

SHORTER_FROM = 16
"""Pixels a side from which `upsampling_kernel` is faster than Upsample and Conv (measured)."""


class MobileUNet(nn.Module):
    """f32[N,3,S,S] in [-1,1] to the same; 2,450,723 parameters at 256 pixels with ngf 16.

    Down: Conv k4 s2 p1, BatchNorm, ReLU, one level for each halving (8 at 256). Up: nearest x2,
    Conv k3 p1, BatchNorm, ReLU, then the skip of the level is joined; the last ends in Tanh.

    outer: levels of ngf channels around a net of half the size each (see growth.py).

    Every level is normed, the innermost too: its Conv's outputs are one pixel a picture, so that
    a batch in training mode needs at least two pictures (and more are better: statistics of few
    numbers are noise). In eval mode, or with frozen norms, any batch will do.
    """

    def __init__(self, size: int = 256, ngf: int = 16, outer: int = 0) -> None:
        super().__init__()
        self.size, self.ngf, self.outer = size, ngf, outer
        widths = channels(size, ngf, outer)
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(above, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            for above, width in zip([3, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList()
        incoming = widths[-1]
        for width in reversed(widths[:-1]):
            self.up.append(
                nn.Sequential(
                    nn.Upsample(scale_factor=2, mode="nearest"),
                    nn.Conv2d(incoming, width, 3, 1, 1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                )
            )
            incoming = 2 * width
        self.up.append(
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv2d(incoming, 3, 3, 1, 1),
                nn.Tanh(),
            )
        )
        self.joins = nn.ModuleList(FloatFunctional() for _ in widths[:-1])
        self.apply(_initialize)

    def forward(self, drawing: Tensor) -> Tensor:
        innermost = self.down[-1].get_submodule("1")
        if innermost.training and isinstance(innermost, nn.BatchNorm2d) and len(drawing) < 2:
            raise TrainerError(
                "a batch of 1 can't be trained on: the innermost norm needs at least 2 pictures; "
                "use --batch 2 or more"
            )
        skips = []
        x = drawing
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.joins, strict=False):
            assert isinstance(join, FloatFunctional)
            x = join.cat([skips.pop(), self._raised(up, x)], 1)
        return self._raised(self.up[-1], x)

    def _raised(self, up: nn.Module, x: Tensor) -> Tensor:
        """An up block's output; in training by a shorter way to the same numbers."""
        assert isinstance(up, nn.Sequential)
        conv = up[1]
        # A quantizer's Conv is of another type, and must be called to do what it does.
        if not self.training or x.shape[-1] < SHORTER_FROM or type(conv) is not nn.Conv2d:
            plain: Tensor = up(x)
            return plain
        kernel = upsampling_kernel(conv.weight)
        x = nn.functional.conv_transpose2d(x, kernel, conv.bias, stride=2, padding=1)
        for layer in list(up)[2:]:
            x = layer(x)
        return x

    def architecture(self) -> dict[str, int | str]:
        """What `make` builds it from."""
        architecture: dict[str, int | str] = {"kind": "mobile", "size": self.size, "ngf": self.ngf}
        return architecture | ({"outer": self.outer} if self.outer else {})


class PhaseStudents(nn.Module):
    """Four MobileUNets of half the size, each for one phase of the 2x2 cells of the picture.

    Each sees the drawing averaged over 2x2 pixels (as a drawing of half the size is); the net at
    2 * i + j makes output[:, :, i::2, j::2]. A page runs one of them a frame and weaves it in.
    """

    def __init__(self, size: int = 256, ngf: int = 16) -> None:
        super().__init__()
        self.size, self.ngf = size, ngf
        self.nets = nn.ModuleList(MobileUNet(size // 2, ngf) for _ in range(4))

    @classmethod
    def of(cls, net: MobileUNet) -> PhaseStudents:
        """Four copies of one net, which has learnt the picture of half the size that they weave."""
        students = cls(2 * net.size, net.ngf)
        for copy_ in students.nets:
            copy_.load_state_dict(net.state_dict())
        return students

    def forward(self, drawing: Tensor) -> Tensor:
        small = nn.functional.avg_pool2d(drawing, 2)
        phases = torch.stack([net(small) for net in self.nets], 2)
        # pixel_shuffle takes channels ordered as (channel, i, j).
        return nn.functional.pixel_shuffle(phases.flatten(1, 2), 2)

    def architecture(self) -> dict[str, int | str]:
        """What `make` builds it from."""
        return {"kind": "phases", "size": self.size, "ngf": self.ngf}


def upsampling_kernel(weight: Tensor) -> Tensor:
    """f32[I,O,4,4] for a ConvTranspose of stride 2 and padding 1 that equals nearest x2 and then
    the Conv k3 p1 of weight f32[O,I,3,3].

    Each output pixel has 3x3 taps on pixels of which only 2x2 differ: the kernel holds the sums of
    the taps on equal ones, so that 4 of 9 multiplications remain (an iteration of training takes
    half the time). The network itself keeps Upsample and Conv, as it ships.
    """
    kernel = nn.functional.pad(weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
    rows = kernel[:, :, :-1] + kernel[:, :, 1:]
    return rows[..., :-1] + rows[..., 1:]


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """A copy in eval mode in which each Conv has taken in the norm that follows it.

    Its outputs are the same within rounding; a MobileUNet of 256 pixels and ngf 16 then has
    2,449,347 parameters. Jacob et al. 2018, equation 14.
    """
    network = copy.deepcopy(model).eval()
    for block in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        for at in range(len(block) - 1):
            conv, norm = block[at], block[at + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                block[at] = fuse_conv_bn_eval(conv, norm)
                block[at + 1] = nn.Identity()
    return network


def _initialize(module: nn.Module) -> None:
    """He et al. 2015 for what a ReLU follows."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            # The one before Tanh: small, so that training starts where Tanh is steep.
            nn.init.normal_(module.weight, 0.0, 0.02)
            nn.init.zeros_(module.bias)
