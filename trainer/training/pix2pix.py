"""One iteration of training a generator, with or without a discriminator.

The methods are the paper's (Isola et al. 2017): forward, backward_D, backward_G,
optimize_parameters. The teacher is trained with LSGAN + L1; a student is the same without a
discriminator, its targets mixed with the teacher's pictures and more terms in its loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..config import OptimizerConfig
from . import distributed
from .batches import Batch
from .device import place
from .losses import PictureLoss, lsgan, to_network
from .teacher import Teacher

DISCRIMINATOR_RATE = 2e-4
"""pix2pix's."""


class Pix2Pix:
    """Networks and optimizers of a run, on one device.

    Args:
        loss: distance of pictures to their targets.
        gan: weight of the LSGAN term; there is a discriminator where it is above 0.
        teacher: whose pictures are mixed into the targets while it is better.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        loss: PictureLoss,
        gan: float,
        config: OptimizerConfig,
        device: torch.device,
        teacher: Teacher | None = None,
    ) -> None:
        self.device, self.config, self.gan, self.teacher = device, config, gan, teacher
        self.loss = place(loss, device)
        self.netG = self._placed(generator)
        self.optimizer_G = self._adam(self.netG, config.learning_rate)
        self.netD: nn.Module | None = None
        self.optimizer_D: torch.optim.Optimizer | None = None
        if discriminator is not None:
            self.netD = self._placed(discriminator)
            self.optimizer_D = self._adam(self.netD, DISCRIMINATOR_RATE)
        self.terms: dict[str, Tensor] = {}

    def _placed(self, network: nn.Module) -> nn.Module:
        wrapped = distributed.wrap(place(network, self.device), self.device).train()
        if self.config.freeze_norms:
            freeze_norms(wrapped)
        return wrapped

    def _adam(self, network: nn.Module, rate: float) -> torch.optim.Adam:
        betas = (self.config.beta1, 0.999)
        adam = torch.optim.Adam(network.parameters(), rate, betas=betas, fused=True)
        for group in adam.param_groups:
            group["full_rate"] = rate
        return adam

    @property
    def generator(self) -> nn.Module:
        """The generator itself, whatever wraps it."""
        return distributed.bare(self.netG)

    def set_input(self, batch: Batch, iteration: int) -> None:
        """Takes a batch to the device; random choices depend on the seed and the iteration."""
        seed = self.config.seed
        torch.manual_seed((seed * 1_000_003 + iteration) * 1024 + distributed.rank())
        self.rng = np.random.default_rng([seed, iteration])
        self.drawing = to_network(batch.inputs.to(self.device, non_blocking=True))
        self.target = to_network(batch.targets.to(self.device, non_blocking=True))
        self.boxes = batch.mouths
        if self.teacher is not None and self.teacher.share:
            taught = self.teacher.pictures(batch.indices, self.drawing)
            self.target = self.target.lerp_(to_network(taught), self.teacher.share)

    def forward(self) -> None:
        """Makes the pictures."""
        with self._autocast():
            self.output = self.netG(self.drawing)
        self.output = self.output.float()

    def backward_D(self) -> None:  # noqa: N802
        """Gradients of the discriminator: half of its loss on made, half on true pictures."""
        assert self.netD is not None
        # Two passes, so that each forward has its own backward, as DistributedDataParallel wants.
        with distributed.unsynchronised(self.netD):
            fake = self._judged(self.netD, self.output.detach(), real=False)
            torch.autograd.backward(0.5 * fake)
        real = self._judged(self.netD, self.target, real=True)
        torch.autograd.backward(0.5 * real)
        self.terms |= {"d_fake": fake.detach(), "d_real": real.detach()}

    def backward_G(self) -> None:  # noqa: N802
        """Gradients of the generator: distance to the target, and the discriminator deceived."""
        terms = self.loss(self.output, self.target, self.boxes, self.rng)
        if self.netD is not None:
            # Unwrapped: the discriminator's own gradients are not wanted here.
            judge = distributed.bare(self.netD).requires_grad_(False)
            terms["gan"] = self.gan * self._judged(judge, self.output, real=True)
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
        if self.netD is not None:
            self.netD.requires_grad_(True)
        self.terms |= {name: term.detach() for name, term in terms.items()}
        self.terms["error"] = (self.output.detach() - self.target).abs().mean()

    def optimize_parameters(self, batch: Batch, iteration: int, factor: float) -> dict[str, Tensor]:
        """One iteration with learning rates times `factor`; returns the terms, detached scalars."""
        self.terms = {}
        self.set_input(batch, iteration)
        self.forward()
        if self.optimizer_D is not None:
            _step(self.optimizer_D, self.backward_D, factor)
        _step(self.optimizer_G, self.backward_G, factor)
        return self.terms

    def drop_discriminator(self) -> None:
        """Goes on without one."""
        self.netD = self.optimizer_D = None

    def state(self) -> dict[str, Any]:
        """Everything that an iteration changes."""
        state = {
            "generator": self.generator.state_dict(),
            "optimizer_G": self.optimizer_G.state_dict(),
        }
        if self.netD is not None and self.optimizer_D is not None:
            state["discriminator"] = distributed.bare(self.netD).state_dict()
            state["optimizer_D"] = self.optimizer_D.state_dict()
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Takes up a state; one without a discriminator had dropped it."""
        self.generator.load_state_dict(state["generator"])
        _load_adam(self.optimizer_G, state["optimizer_G"])
        if "discriminator" not in state:
            self.drop_discriminator()
        elif self.netD is not None and self.optimizer_D is not None:
            distributed.bare(self.netD).load_state_dict(state["discriminator"])
            _load_adam(self.optimizer_D, state["optimizer_D"])

    def _judged(self, judge: nn.Module, pictures: Tensor, real: bool) -> Tensor:
        with self._autocast():
            scores = judge(self.drawing, pictures)
        return lsgan(scores, real)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.amp)


def _load_adam(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Takes up a state; raises ValueError where it is not of these parameters."""
    keys = set(optimizer.param_groups[0])
    optimizer.load_state_dict(state)
    if any(set(group) != keys for group in optimizer.param_groups):
        raise ValueError("an optimizer's settings are others")
    for parameter, moments in optimizer.state.items():
        if any(moments[name].shape != parameter.shape for name in ("exp_avg", "exp_avg_sq")):
            raise ValueError("an optimizer's moments have another shape than their weights")


def _step(optimizer: torch.optim.Optimizer, backward: Any, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * factor
    optimizer.zero_grad(set_to_none=True)
    backward()
    optimizer.step()


def freeze_norms(network: nn.Module) -> None:
    """Norms keep their statistics: the network is trained as the one that ships, with norms
    folded, and any batch size gives the same gradients."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
            module.eval()
