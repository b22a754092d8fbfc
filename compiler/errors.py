"""The one exception that a person is meant to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ir.graph import Graph


class CompileError(Exception):
    """A model or a request that can't be compiled: the place, the reason and the next step."""


class UnsupportedError(CompileError):
    """Parts of a model that this version does not compile; `reasons` lists every one of them.

    `partial`: the Graph of what could be imported, where the import refused the rest.
    """

    def __init__(self, heading: str, reasons: list[str], partial: Graph | None = None) -> None:
        self.reasons, self.partial = reasons, partial
        super().__init__("\n".join([heading, *(f"  - {reason}" for reason in reasons)]))


class Refusal(Exception):  # noqa: N818
    """A node that can't be taken; collected, so that one message names them all."""
