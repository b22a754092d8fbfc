"""The channels of a UNet that halves a square picture down to one pixel."""

from __future__ import annotations

from ..errors import TrainerError

SIZES = (64, 128, 256, 512)
"""Pictures' sides in pixels."""


def channels(size: int, ngf: int) -> list[int]:
    """Channels after each halving: ngf times 1, 2, 4, then 8; as many levels as log2(size).

    Raises:
        TrainerError: a size that is no power of two from 64 to 512, or no channels.
    """
    if size not in SIZES or ngf < 1:
        sizes = ", ".join(map(str, SIZES))
        raise TrainerError(
            f"a network of {size} pixels and {ngf} channels: the size must be one of {sizes}, "
            "the channels at least 1"
        )
    return [ngf * min(2**level, 8) for level in range(size.bit_length() - 1)]
