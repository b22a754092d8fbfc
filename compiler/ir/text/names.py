"""What values, constants and buffers are called in a text: `%c0`, `@w3`, `%b1`.

A plain and short name of the model's stands for itself. Anything else gets an id, a letter and a
number, and the text has the model's name beside it once, where it is declared.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..graph import Value
from ..program import Buffer
from ..types import DTYPE_NAMES, Array, TensorType
from .data import digest

Key = tuple[object, ...]
Thing = Value | Buffer | Array
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.$/-]+")
LONGEST = 12
"""Characters of a name that stands for itself."""


class Namer:
    """The ids of one compilation: what has one keeps it in every text that is printed with this.

    A new one gives ids by the order of the text alone, so that equal things print equally.
    """

    def __init__(self) -> None:
        self._ids: dict[Key, str] = {}
        self._used: set[str] = set()
        self._counts: Counter[str] = Counter()

    def __getitem__(self, key: Key) -> str:
        return self._ids[key]

    def learn(self, key: Key, identifier: str) -> None:
        """What a text calls the thing of `key`, unless it has an id already."""
        self._ids.setdefault(key, identifier)
        self._used.add(identifier)

    def keep(self, key: Key, identifier: str) -> None:
        """An id for a thing that has none, where no other thing has it."""
        if key not in self._ids and identifier not in self._used:
            self.learn(key, identifier)

    def number(self, key: Key, prefix: str) -> None:
        """The next free id that begins so, where the thing has none."""
        while key not in self._ids:
            identifier = f"{prefix}{self._counts[prefix]}"
            self._counts[prefix] += 1
            self.keep(key, identifier)


@dataclass
class Constant:
    """A constant as a text declares it: its id, with a name beside it unless it is an array of a kernel."""

    declared: str
    type: TensorType
    data: Array


class Keys:
    """Tells the things of one text apart for a Namer: by sort, name and number among those so
    named; arrays by what they hold.
    """

    def __init__(self) -> None:
        self._named: Counter[Key] = Counter()
        self._arrays: dict[int, tuple[Array, Key]] = {}  # by id(), so each is hashed once

    def named(self, sort: str, name: str) -> Key:
        """The key of the next thing of this name; sorts are value, constant and buffer."""
        self._named[sort, name] += 1
        return sort, name, self._named[sort, name]

    def array(self, data: Array) -> Key:
        if data.dtype not in DTYPE_NAMES:
            raise TypeError(f"an array of {data.dtype} has no text form")
        if id(data) not in self._arrays:
            key = ("array", DTYPE_NAMES[data.dtype], data.shape, digest(data))
            self._arrays[id(data)] = (data, key)
        return self._arrays[id(data)][1]


class Names:
    """What each thing of one text is called, and the constants that it declares.

    `things` as the text mentions them, again and again, each with the letter for an id of it.
    """

    def __init__(self, things: Iterable[tuple[Thing, str]], namer: Namer | None) -> None:
        self._namer = namer or Namer()
        self._keys = Keys()
        self._known: dict[Value | Buffer, Key] = {}
        self.constants: dict[str, Constant] = {}
        prefixes = [(thing, sigil_of(thing) + letter) for thing, letter in things]
        for thing, prefix in prefixes:
            self._enter(thing, prefix)
        for thing, prefix in prefixes:
            self._namer.number(self._key(thing), prefix)
            if not isinstance(thing, Buffer) and prefix[0] == "@":
                self._declare(thing)

    def __getitem__(self, thing: Thing) -> str:
        return self._namer[self._key(thing)]

    @property
    def buffers(self) -> list[Buffer]:
        return [thing for thing in self._known if isinstance(thing, Buffer)]

    def declared(self, thing: Value | Buffer) -> str:
        """The id, and the model's name beside it where that is another."""
        is_form = isinstance(thing, Value) and thing.origin is not None
        beside = is_form or thing.name != self[thing][1:]
        return f"{self[thing]} {spelled(thing)}" if beside else self[thing]

    def _key(self, thing: Thing) -> Key:
        return self._keys.array(thing) if isinstance(thing, np.ndarray) else self._known[thing]

    def _enter(self, thing: Thing, prefix: str) -> None:
        if isinstance(thing, np.ndarray) or thing in self._known:
            return
        self._known[thing] = self._keys.named(sort_of(thing), thing.name)
        if len(thing.name) <= LONGEST and PLAIN_NAME.fullmatch(thing.name):
            self._namer.keep(self._known[thing], prefix[0] + thing.name)

    def _declare(self, constant: Value | Array) -> None:
        """Constants of a graph keep their ids as arrays of a program's kernels."""
        if isinstance(constant, Value):
            declared = self.declared(constant)
            self.constants[self[constant]] = Constant(declared, constant.type, constant.array)
            self._namer.learn(self._keys.array(constant.array), self[constant])
        else:
            type_ = TensorType(DTYPE_NAMES[constant.dtype], constant.shape)
            self.constants.setdefault(self[constant], Constant(self[constant], type_, constant))


def sigil_of(thing: Thing) -> str:
    return "@" if sort_of(thing) in ("constant", "array") else "%"


def sort_of(thing: Thing) -> str:
    """Things of different sorts may have one name."""
    if isinstance(thing, Buffer):
        return "buffer"
    if isinstance(thing, np.ndarray):
        return "array"
    return "value" if thing.data is None else "constant"


def spelled(thing: Value | Buffer) -> str:
    """The name; of a form of another value as `"x" + ".packed"`, or `"name" of` the other's name."""
    origin = thing.origin if isinstance(thing, Value) else None
    if origin is None:
        return json.dumps(thing.name)
    if origin.origin is None and thing.name.startswith(origin.name):
        return f"{json.dumps(origin.name)} + {json.dumps(thing.name.removeprefix(origin.name))}"
    return f"{json.dumps(thing.name)} of {spelled(origin)}"
