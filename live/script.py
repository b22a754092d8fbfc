"""What an avatar has to do that speaks by itself: frames at a rate, as long as it speaks, and the sound."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from .sound import Sound
from .source import Packet, Still

REST = 0.5
"""Seconds that it is seen after its last word."""


class Script:
    """A source as a video is one, but for its frames, which show nothing.

    seconds: how long is spoken. rate: frames a second.
    """

    def __init__(self, seconds: float, rate: int, recording: Sound | None = None) -> None:
        self.rate = Fraction(rate)
        self.time_base = 1 / self.rate
        self.count = ceil((seconds + REST) * rate)
        self._recording = recording
        self.path = recording.path if recording else Path()
        self.sound: list[Any] = [recording.stream] if recording else []

    def items(self) -> Iterator[Still | Packet]:
        """The frames in their order, and before each the packets of sound that begin by then."""
        packets = self._recording.packets() if self._recording else iter(())
        waiting = next(packets, None)
        for i in range(self.count):
            while waiting and waiting[0] <= i * self.time_base:
                yield waiting[1]
                waiting = next(packets, None)
            yield Still(None, i, 1)
        if waiting:
            yield waiting[1]
        for _, packet in packets:
            yield packet
