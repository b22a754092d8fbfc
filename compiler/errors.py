"""The errors that a person is meant to read.

What a room raises for its caller to catch stands there: `NodeRefusal` in frontend/, `NoIntegerForm` in
operators/.
"""

from __future__ import annotations

import re
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


_PLACES = (
    r"\[ONNXRuntimeError\] : \d+ : \w+ : ",
    r"Exception during initialization: |This is an invalid model\. |Failed to load model with error: ",
    r"Load model (from \S+ )?failed:",
    r"/\S+\.(cc|h):\d+ .*?\)( const)?( \[with .*?\])? (?=\w)",  # of its source, with the function
    r"\w+\.(cc|h):\d+ \w+ ",
)
"""What stands before onnxruntime's words, and means nothing to whoever made the model."""
LENGTH = 400
"""Characters that are told of another's error."""


def words_of(error: BaseException) -> str:
    """What onnx or onnxruntime says, in one short line; the error's name where it says nothing."""
    words = " ".join(str(error).split())
    for place in _PLACES:
        words = re.sub(place, "", words)
    if len(words) > LENGTH:  # the reason may stand before a long name or behind it
        words = f"{words[: LENGTH // 2]} ... {words[-LENGTH // 2 :]}"
    return words or type(error).__name__


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Turns whatever onnx or onnxruntime raises into one CompileError of one line."""
    try:
        yield
    except CompileError:
        raise
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise CompileError(f"{what}: {words_of(error)}") from error
