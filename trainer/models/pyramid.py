"""The channels of a UNet that halves a square picture down to one pixel."""

from __future__ import annotations

from ..errors import TrainerError

SIZES = (64, 128, 256, 512)
"""Pictures' sides in pixels."""


def channels(size: int, ngf: int, outer: int = 0) -> list[int]:
    """Channels after each halving: ngf times 1, 2, 4, then 8; as many levels as log2(size).

    outer: how many levels of ngf channels come before these.

    512 pixels, 16 channels and 1 outer level: 16, 16, 32, 64, then 128 five times.

    Raises:
        TrainerError: a size that is no power of two from 64 to 512, no channels, or a net within
            the outer levels that is smaller than that.
    """
    if size not in SIZES or ngf < 1 or outer < 0 or (outer and size >> outer not in SIZES):
        sizes = ", ".join(map(str, SIZES))
        raise TrainerError(
            f"a network of {size} pixels, {ngf} channels and {outer} outer levels: the size, halved by each "
            f"of these, must be one of {sizes}, the channels at least 1"
        )
    inner = [ngf * min(2**level, 8) for level in range((size >> outer).bit_length() - 1)]
    return [ngf] * outer + inner
