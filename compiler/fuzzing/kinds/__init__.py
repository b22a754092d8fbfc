"""The kinds of operators that are drawn, one file each, by name.

A new kind is a new file with a `Node`, its strategy and a `KIND`, and a line in KINDS.
"""

from __future__ import annotations

from ..nodes import Kind
from . import concat, conv, pad, requantize, resize, unary

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        conv.KIND,
        concat.KIND,
        resize.KIND,
        pad.KIND,
        unary.KIND,
        requantize.KIND,
    )
}

SUPPORTED: tuple[str, ...] = (
    "conv",
    "concat",
    "resize",
    "pad",
    "unary",
    "requantize",
)
"""What the compiler takes: these are drawn unless others are asked for, and tested."""
