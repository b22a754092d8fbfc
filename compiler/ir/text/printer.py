"""What a field may hold, as text: the same forms in graphs and in programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Op, Value
from ..program import View
from ..types import TensorType
from .data import format_data
from .names import PLAIN_NAME, Names
from .records import Parameter, is_record, parameters, parameters_of_op

LEAST_RUN = 5
"""Integers in a row from which on a list has them as `first..last`."""


class Printer:
    """Prints with the names of one text.

    `known`: the values that the text has declared; any other is declared where it stands first.
    """

    def __init__(self, names: Names, known: Iterable[Value] = ()) -> None:
        self.names = names
        self._known = set(known)

    def constants(self) -> Iterator[str]:
        """Every constant with its data, a line each."""
        for constant in self.names.constants.values():
            yield f"{constant.declared}: {constant.type} = {format_data(constant.data)}"

    def declaration(self, value: Value) -> str:
        self._known.add(value)
        return f"{self.names.declared(value)}: {value.type}"

    def op(self, op: Op) -> str:
        """`%result: type = kind(operands, attributes)`."""
        head = self.declaration(op.result)
        return f"{head} = {op.kind}({', '.join(self.fields(op, parameters_of_op(type(op))))})"

    def fields(self, held: Any, items: Sequence[Parameter], *, named: bool = False) -> Iterator[str]:
        """Those that are not as by default; unless all are `named`, a first one that has no default
        without its name.
        """
        for number, item in enumerate(items):
            field = getattr(held, item.name)
            if not item.is_default(field):
                nameless = number == 0 and item.is_required and not named
                yield self.value(field) if nameless else f"{item.name}={self.value(field)}"

    def value(self, held: Any) -> str:
        match held:
            case Value():
                is_known = held.data is not None or held in self._known
                return self.names[held] if is_known else self.declaration(held)
            case np.ndarray():
                return self.names[held]
            case View():
                return self._view(held)
            case Op():
                return self.op(held)
            case TensorType():
                return str(held)
            case None | bool():
                return str(held).lower()
            case str():
                return json.dumps(held)
            case int() | float() | np.generic():
                return repr(held.item() if isinstance(held, np.generic) else held)
            case Mapping():
                entries = (f"{self.value(key)}: {self.value(one)}" for key, one in held.items())
                return f"{{{', '.join(entries)}}}"
            case _ if is_record(held):
                return f"{type(held).__name__}({', '.join(self.fields(held, parameters(type(held))))})"
            case tuple() | list():
                return f"[{', '.join(self._elements(held))}]"
        raise TypeError(f"{type(held).__name__} has no text form")

    def _view(self, view: View) -> str:
        words = f"{view.words}"
        if not (view.whole and not view.first):
            words = f"{view.first}:{view.first + view.words} of {view.pitch}"
        return f"{self.names[view.buffer]}[{view.pixels} x {words}]"

    def _elements(self, held: Sequence[Any]) -> Iterator[str]:
        at = 0
        while at < len(held):
            run = _run(held, at)
            yield f"{held[at]}..{held[at] + run - 1}" if run >= LEAST_RUN else self.value(held[at])
            at += run if run >= LEAST_RUN else 1


def _run(held: Sequence[Any], at: int) -> int:
    """How many integers from there on count up by one."""
    run = 0
    while at + run < len(held) and type(held[at + run]) is int and held[at + run] == held[at] + run:
        run += 1
    return run


def title(name: str) -> str:
    """The name of a graph or program."""
    return f"@{name}" if PLAIN_NAME.fullmatch(name) else f"@{json.dumps(name)}"
