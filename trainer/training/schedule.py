"""The learning rate over the whole planned run."""

from __future__ import annotations

import math


def factor(iteration: int, total: int, warmup: int, final: float) -> float:
    """What the learning rate is multiplied by at an iteration, 0 to total - 1.

    Rises linearly over `warmup` iterations (a tenth of the run at most), then falls as a cosine
    to `final`, a share of the rate (Loshchilov and Hutter 2017, without restarts).
    """
    warmup = min(warmup, total // 10)
    if iteration < warmup:
        return (iteration + 1) / (warmup + 1)
    progress = (iteration - warmup) / max(1, total - warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
