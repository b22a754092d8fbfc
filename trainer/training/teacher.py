"""A frozen teacher, and the gate that it must pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .losses import to_bytes


class Teacher:
    """Makes the teacher's pictures of the training pairs, each once, and keeps them as bytes.

    Memory: count * 3 * size * size bytes (786 MB for 4000 pairs of 256 pixels), filled as needed.

    Args:
        full_share: share of its pictures in the targets while the gate is open.
        score: its validation score, in dB.
    """

    def __init__(
        self,
        network: nn.Module,
        count: int,
        size: int,
        full_share: float,
        score: float,
    ) -> None:
        self.network = network
        self.full_share, self.score = full_share, score
        self.share = 0.0
        self._pictures = torch.empty((count, 3, size, size), dtype=torch.uint8)
        self._valid = torch.zeros(count, dtype=torch.bool)

    def gate(self, student: float) -> bool:
        """Sets the share by the student's best score so far; whether the gate is open.

        A teacher that is no better than the student would pull it back: its share is then 0.
        """
        self.share = self.full_share if self.score > student else 0.0
        return self.share > 0

    @torch.no_grad()
    def pictures(self, indices: Tensor, drawings: Tensor) -> Tensor:
        """u8[n,3,S,S] of the pairs with these indices, on the drawings' device."""
        new = ~self._valid[indices]
        if new.any():
            fresh = to_bytes(self.network(drawings[new.to(drawings.device)]))
            self._pictures[indices[new]] = fresh.cpu().contiguous()
            self._valid[indices[new]] = True
        return self._pictures[indices].to(drawings.device)
