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

    `scope`: the values that the text has declared; any other is declared where it stands first.
    """

    def __init__(self, names: Names, scope: Iterable[Value] = ()) -> None:
        self.names = names
        self._scope = set(scope)

    def constants(self) -> Iterator[str]:
        """Every constant with its data, a line each."""
        for constant in self.names.constants.values():
            yield f"{constant.declaration}: {constant.type} = {format_data(constant.data)}"

    def declaration(self, value: Value) -> str:
        self._scope.add(value)
        return f"{self.names.declaration(value)}: {value.type}"

    def op(self, op: Op) -> str:
        """`%result: type = kind(operands, attributes)`."""
        head = self.declaration(op.result)
        return f"{head} = {op.kind}({', '.join(self.fields(op, parameters_of_op(type(op))))})"

    def fields(self, record: Any, items: Sequence[Parameter], *, named: bool = False) -> Iterator[str]:
        """Those that are not as by default; unless all are `named`, a first one that has no default
        without its name.
        """
        for number, item in enumerate(items):
            field = getattr(record, item.name)
            if not item.is_default(field):
                nameless = number == 0 and item.is_required and not named
                yield self.value(field) if nameless else f"{item.name}={self.value(field)}"

    def value(self, item: Any) -> str:
        match item:
            case Value():
                is_in_scope = item.data is not None or item in self._scope
                return self.names[item] if is_in_scope else self.declaration(item)
            case np.ndarray():
                return self.names[item]
            case View():
                return self._view(item)
            case Op():
                return self.op(item)
            case TensorType():
                return str(item)
            case None | bool():
                return str(item).lower()
            case str():
                return json.dumps(item)
            case int() | float() | np.generic():
                return repr(item.item() if isinstance(item, np.generic) else item)
            case Mapping():
                entries = (f"{self.value(key)}: {self.value(one)}" for key, one in item.items())
                return f"{{{', '.join(entries)}}}"
            case _ if is_record(item):
                return f"{type(item).__name__}({', '.join(self.fields(item, parameters(type(item))))})"
            case tuple() | list():
                return f"[{', '.join(self._elements(item))}]"
        raise TypeError(f"{type(item).__name__} has no text form")

    def _view(self, view: View) -> str:
        words = f"{view.words}"
        if not view.is_prefix:
            words = f"{view.first}:{view.first + view.words} of {view.pitch}"
        return f"{self.names[view.buffer]}[{view.pixels} x {words}]"

    def _elements(self, items: Sequence[Any]) -> Iterator[str]:
        at = 0
        while at < len(items):
            run = _run(items, at)
            yield f"{items[at]}..{items[at] + run - 1}" if run >= LEAST_RUN else self.value(items[at])
            at += run if run >= LEAST_RUN else 1


def _run(items: Sequence[Any], at: int) -> int:
    """How many integers from there on count up by one."""
    run = 0
    while at + run < len(items) and type(items[at + run]) is int and items[at + run] == items[at] + run:
        run += 1
    return run


def title(name: str) -> str:
    """The name of a graph or program."""
    return f"@{name}" if PLAIN_NAME.fullmatch(name) else f"@{json.dumps(name)}"
