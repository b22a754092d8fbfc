"""Gives every buffer its place in one arena.

A buffer is live from the first kernel that touches it to the last, both included, and two buffers
whose live ranges meet must not overlap. Buffers are placed one after another, each at the lowest
offset where it fits among those placed that are live together with it; several orders are tried
and the smallest arena wins.

The lower bound is the largest sum of sizes that are live during one kernel; no allocation can be
smaller.

One read_write arena, because WebGPU refuses a buffer that is bound both read-only and writable in
one dispatch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np

from ..ir.program import Buffer, Program

Ranges = dict[Buffer, tuple[int, int]]


@dataclass(frozen=True)
class AllocateBuffers:
    """Live ranges to arena offsets; `alignment` in words."""

    name: ClassVar[str] = "allocate_buffers"
    alignment: int = 4

    def apply(self, program: Program) -> bool:
        ranges = program.live_ranges()
        sizes = {buffer: -(-buffer.words // self.alignment) * self.alignment for buffer in ranges}
        # First fit depends on the order, and no order is best for all programs.
        orders: list[Callable[[Buffer], tuple[int, ...]]] = [
            lambda b: (-sizes[b], ranges[b][0]),
            lambda b: (ranges[b][0], -sizes[b]),
            lambda b: (ranges[b][0] - ranges[b][1], -sizes[b]),
            lambda b: (-sizes[b] * (ranges[b][1] - ranges[b][0] + 1), ranges[b][0]),
        ]
        attempts = [_place(sorted(ranges, key=order), ranges, sizes) for order in orders]
        best = min(attempts, key=lambda offsets: _extent(offsets, sizes))
        for buffer, offset in best.items():
            buffer.offset = offset
        # WebGPU binds no empty buffer.
        program.arena_words = max(_extent(best, sizes), self.alignment)
        program.lower_bound_words = _lower_bound(ranges, len(program.kernels))
        return True


def _lower_bound(ranges: Ranges, kernels: int) -> int:
    """The most words that are live during one kernel."""
    changes = [0] * (kernels + 1)
    for buffer, (first, last) in ranges.items():
        changes[first] += buffer.words
        changes[last + 1] -= buffer.words
    return max(accumulate(changes))


def _extent(offsets: dict[Buffer, int], sizes: dict[Buffer, int]) -> int:
    return max((offset + sizes[buffer] for buffer, offset in offsets.items()), default=0)


def _place(order: list[Buffer], ranges: Ranges, sizes: dict[Buffer, int]) -> dict[Buffer, int]:
    """Offsets by first fit in the given order.

    >>> a, b, c = (Buffer(name, 4) for name in "abc")
    >>> ranges = {a: (0, 1), b: (1, 2), c: (2, 3)}  # first and last kernel
    >>> [*_place([a, b, c], ranges, dict.fromkeys(ranges, 4)).values()]  # c where a was
    [0, 4, 0]
    """
    offsets: dict[Buffer, int] = {}
    # First and last kernel, offset and end of each buffer placed: a row each.
    placed = np.zeros((len(order), 4), np.int64)
    for number, buffer in enumerate(order):
        first, last = ranges[buffer]
        others = placed[:number]
        spans = others[(others[:, 0] <= last) & (first <= others[:, 1]), 2:]
        at = 0
        for start, end in sorted(map(tuple, spans.tolist())):
            if at + sizes[buffer] <= start:
                break
            at = max(at, end)
        offsets[buffer] = at
        placed[number] = first, last, at, at + sizes[buffer]
    return offsets
