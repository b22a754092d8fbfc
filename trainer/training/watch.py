"""Notices when the discriminator runs away.

Late in a GAN's training the discriminator can overpower the generator: its error on made pictures
goes to 0 while the L1 distance to the truth, which had fallen, rises again. From there on the model
gets worse, it doesn't plateau.
"""

from __future__ import annotations

from dataclasses import dataclass

D_FAKE = 0.02
"""Below this LSGAN error, made pictures are told from true ones nearly always."""
RISE = 0.2
"""How far L1 must have risen above its least, as a share of it."""


@dataclass
class Watch:
    """Fed with means over windows of iterations."""

    least_l1: float = float("inf")

    def runaway(self, d_fake: float, l1: float) -> bool:
        """Whether, in this window, the discriminator has run away."""
        self.least_l1 = min(self.least_l1, l1)
        return d_fake < D_FAKE and l1 > (1 + RISE) * self.least_l1
