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
from typing import ClassVar

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
        program.lower_bound_words = max(
            (
                sum(buffer.words for buffer, (first, last) in ranges.items() if first <= at <= last)
                for at in range(len(program.kernels))
            ),
            default=0,
        )
        return True


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
    for buffer in order:
        first, last = ranges[buffer]
        taken = sorted(
            (offset, offset + sizes[other])
            for other, offset in offsets.items()
            if ranges[other][0] <= last and first <= ranges[other][1]
        )
        at = 0
        for start, end in taken:
            if at + sizes[buffer] <= start:
                break
            at = max(at, end)
        offsets[buffer] = at
    return offsets
