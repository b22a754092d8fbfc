"""How large a model may be. No network that a browser runs meets these; a damaged file, or a small one that
grows without end, is refused by them before anything is allocated.
"""

from __future__ import annotations

from .errors import CompileError

ELEMENTS = 2**25
"""Of one computed tensor: sixteen channels of a 1080p picture. As floats they take the 128 MiB that every
WebGPU device binds.
"""
CONSTANT_ELEMENTS = 2**28
"""Of one constant that the file holds; the greatest layer of a VGG-16 has 103 million."""
LANES = 2**26
"""Of one packed tensor: its elements, and what pads the last of its words of four channels."""
CONSTANT_BYTES = 2**31 - 2**24
"""Of all constants together: onnxruntime and protobuf take a model below 2 GiB."""
NODES = 100_000
"""Of a model, after the bodies of functions took their place."""
ALL_ELEMENTS = 2**33
"""Of all tensors together: 256 as large as one may be."""
FOLDED_ELEMENTS = 2**27
"""Of all tensors together that are computed from constants alone, once for all frames."""
REACHED_ELEMENTS = 2**27
"""Of what windows reach of a tensor and its padding."""
ROW_TAPS = 1024
"""Of a convolution's window in a row, which its shader writes out one by one."""
SPREAD_WEIGHTS = 2**24
"""Of a convolution whose groups are no whole words of channels, with the zeros between its groups."""
SEGMENTS = 2**12
"""Operands of a concatenation along its packed axis, those of operands that are concatenations among them."""
MOVED_ELEMENTS = 2**29
"""Of the results of all moves together, each of whose elements is followed."""
DISPATCHES = 2**14
"""Of a frame."""
OPERATIONS = 2**40
"""Products of a frame, and elements that its windows and sums take in."""
MEMORY_BYTES = 2**30
"""Of the arena and of all inputs and outputs."""


def require_within(what: str, number: int, limit: int, unit: str) -> None:
    """Raises CompileError where `what` has more of the `unit` than the limit."""
    if number > limit:
        raise CompileError(
            f"{what} has {_digits(number)} {unit}; at most {limit:,} are taken: make it smaller"
        )


def _digits(number: int) -> str:
    """With separators; of a huge number its size."""
    return f"{number:,}" if number < 10**30 else f"about 10^{len(str(number)) - 1}"
