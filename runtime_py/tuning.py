"""Chooses among what computes the same by the time that frames take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS, LEAST_ROUNDS = 9, 3
SECONDS = 1.5
"""For the rounds of each candidate, beyond the least."""


@dataclass(frozen=True)
class Tuning:
    """The variant of `dot` that was chosen, and the milliseconds a frame of each that is exact."""

    dot: str
    milliseconds: dict[str, float]


def fastest(frames: Mapping[str, Callable[[], object]]) -> Tuning:
    """The candidate whose frames take least: medians of frames that are run in turns."""
    times: dict[str, list[float]] = {dot: [] for dot in frames}
    end = time.perf_counter() + SECONDS * len(frames)
    for run in frames.values():  # warms up
        run()
    for number in range(ROUNDS):
        if number >= LEAST_ROUNDS and time.perf_counter() > end:
            break
        for dot, run in frames.items():
            start = time.perf_counter()
            run()
            times[dot].append((time.perf_counter() - start) * 1e3)
    medians = {dot: statistics.median(each) for dot, each in times.items()}
    return Tuning(min(medians, key=medians.__getitem__), medians)
