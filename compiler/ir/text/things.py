"""What a text gives names to, in the order in which it mentions them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..graph import Graph, Op, Value
from ..program import Buffer, Kernel, Program, View
from ..types import Array
from .data import digest, is_external
from .names import Thing
from .records import Parameter, is_record, parameters, parameters_of_kernel, parameters_of_op

Mention = tuple[Thing, str]
"""A value, buffer or array, and the letter for an id of it: of the op that makes it, or of the field
that holds it.
"""


def mentions(stage: Graph | Program) -> Iterator[Mention]:
    """All that the text of a graph or program names, as often as it does."""
    if isinstance(stage, Program):
        for kernel in stage.kernels:
            yield from _of_kernel(kernel)
        return
    yield from ((value, "x") for value in stage.inputs)
    for op in stage.ops:
        yield from _mentioned(op, "")
    yield from ((value, "y") for value in stage.outputs)


def external_data(stage: Graph | Program) -> dict[str, Array]:
    """By digest, the constants that the text does not hold and the parser must be given."""
    found: dict[str, Array] = {}
    for thing, _ in mentions(stage):
        data = thing if isinstance(thing, np.ndarray) else getattr(thing, "data", None)
        if data is not None and is_external(data):
            found[digest(data)] = data
    return found


def _mentioned(held: Any, letter: str) -> Iterator[Mention]:
    match held:
        case Value() | Buffer() | np.ndarray():
            yield held, letter
        case View():
            yield held.buffer, "b"
        case Op():
            yield held.result, held.kind[0]
            yield from _of_fields(held, parameters_of_op(type(held)))
        case _ if is_record(held):
            yield from _of_fields(held, parameters(type(held)))
        case tuple() | list():
            for one in held:
                yield from _mentioned(one, letter)
        case Mapping():
            for one in held.values():
                yield from _mentioned(one, letter)


def _of_kernel(kernel: Kernel) -> Iterator[Mention]:
    """As its line has them: what it reads, stores, and all else."""
    reads, attributes = parameters_of_kernel(type(kernel))
    yield from _of_fields(kernel, reads)
    for store in kernel.stores:
        yield from _mentioned(store, "")
    yield from _of_fields(kernel, attributes)


def _of_fields(held: Any, items: list[Parameter]) -> Iterator[Mention]:
    for item in items:
        yield from _mentioned(getattr(held, item.name), item.name[0])
