"""Exponential moving average of a network's weights: what is validated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """Weights and norms' statistics, averaged; `network` is a copy in eval mode that holds them.

    The decay grows with the number of updates n as (1 + n) / (10 + n) up to `decay`, so that a
    short run is not weighed down by its random start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0
        self._pairs: tuple[list[Tensor], list[Tensor]] | None = None

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes in the weights of now; always those of the same network."""
        if self._pairs is None:
            mine, live = self.network.state_dict(), network.state_dict()
            names = [name for name, value in mine.items() if value.is_floating_point()]
            self._pairs = [mine[name] for name in names], [live[name] for name in names]
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(*self._pairs, 1 - decay)
        self.updates += 1
