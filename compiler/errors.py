"""The errors that a person is meant to read.

What a room raises for its caller to catch stands there: `NodeRefusal` in frontend/, `NoIntegerForm` in
operators/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class CompileError(Exception):
    """A model or a request that can't be compiled: the place, the reason and the next step."""


class InternalError(CompileError):
    """Nobody's mistake but the compiler's."""

    def __init__(self, message: str) -> None:
        super().__init__(f"internal error: {message}")


class UnsupportedError(CompileError):
    """Parts of a model that this version does not compile; `reasons` lists every one of them."""

    def __init__(self, heading: str, reasons: Sequence[str]) -> None:
        self.heading, self.reasons = heading, list(reasons)
        super().__init__("\n".join([heading, *(f"  - {reason}" for reason in reasons)]))


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Turns whatever onnx or onnxruntime raises into one CompileError of one line."""
    try:
        yield
    except CompileError:
        raise
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CompileError(f"{what}: {reason}") from error
