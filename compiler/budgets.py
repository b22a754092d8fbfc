"""How large a model may be. No network that a browser runs meets these; a damaged file, or a small one that
grows without end, is refused by them before anything is allocated.
"""

from __future__ import annotations

from .errors import CompileError

ELEMENTS = 2**26
"""Of one tensor: 8,192 x 8,192."""
CONSTANT_BYTES = 2**31 - 2**24
"""Of all constants together: onnxruntime and protobuf take a model below 2 GiB."""
NODES = 100_000
"""Of a model, after the bodies of functions took their place."""


def require_within(what: str, number: int, limit: int, unit: str) -> None:
    """Raises CompileError where `what` has more of the `unit` than the limit."""
    if number > limit:
        raise CompileError(
            f"{what} has {_digits(number)} {unit}; at most {limit:,} are taken: make it smaller"
        )


def _digits(number: int) -> str:
    """With separators; of a huge number its size."""
    return f"{number:,}" if number < 10**30 else f"about 10^{len(str(number)) - 1}"
