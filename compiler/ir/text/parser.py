"""What a field may hold, parsed: the same forms in graphs and in programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Op, Value
from ..program import Buffer, View
from ..types import NUMPY_DTYPES, Array, Quantization, TensorType
from .data import digest, of_bytes
from .names import Keys, Namer
from .records import Parameter, fit, hints, parameters, parameters_of_op, record_classes
from .tokens import T, Tokens

WORDS = {"none": None, "true": True, "false": False}


class Parser(Tokens):
    """`known`: values and buffers by what the text calls them.

    `inline`: whether a value may be declared where it stands first, as in a program.
    """

    inline = False

    def __init__(self, text: str, constants: Mapping[str, Array] | None, namer: Namer | None) -> None:
        super().__init__(text)
        self.known: dict[str, Any] = {}
        self._constants = constants or {}
        self._namer = namer or Namer()
        self._keys = Keys()
        self._called: dict[Value | Buffer, str] = {}
        self._records: dict[str, type[Any]] | None = None

    # ------------------------------------------------------------------------------ declarations

    def declaration(self) -> Value:
        """`%id "name": type`, of a value or constant; of an origin the text has the name alone."""
        identifier, names = self.declared()
        self.expect(":")
        type_, value = self.tensor_type(), None
        for name in reversed(names):
            value = Value(name, type_, origin=value)
        assert value is not None
        self.enter("value" if identifier[0] == "%" else "constant", identifier, value)
        return value

    def enter(self, sort: str, identifier: str, thing: Value | Buffer) -> None:
        """Makes something known by its id."""
        self.known[identifier] = thing
        self._called[thing] = identifier
        self._namer.learn(self._keys.named(sort, thing.name), identifier)

    def declared(self) -> tuple[str, list[str]]:
        """Something new: its id, and its name, which is the id where no other stands beside it; behind the
        name that of its origin, and so on.
        """
        identifier = self.name()
        if identifier in self.known:
            raise self.refuse(f"{identifier} is defined twice")
        return identifier, self._names() if self.kind() == "string" else [identifier[1:]]

    def _names(self) -> list[str]:
        name = self.string()
        if self.accept("+"):
            return [name + self.string(), name]
        return [name, *(self._names() if self.accept("of") else [])]

    def tensor_type(self) -> TensorType:
        dtype = self.take("word")
        if dtype not in NUMPY_DTYPES:
            raise self.refuse(f"{dtype!r} is no dtype; known are {', '.join(NUMPY_DTYPES)}")
        shape = tuple(self.bracketed("[", "]", self.integer))
        quantization = self._quantization() if self.peek() == "{" else None
        segments, axis = self._layout() if self.peek() == "<" else (None, 1)
        return TensorType(dtype, shape, quantization, segments, axis)

    def _quantization(self) -> Quantization:
        for sign in ("{", "s", "="):
            self.expect(sign)
        scale = float(np.float32(self.take("number")))
        for sign in (",", "z", "="):
            self.expect(sign)
        zero_point = self.integer()
        self.expect("}")
        return Quantization(scale, zero_point)

    def _layout(self) -> tuple[tuple[int, ...], int]:
        """Segments and axis of a packed type: `<4+3, axis=2>`."""
        self.expect("<")
        segments = [self.integer()]
        while self.peek() not in (">", ","):
            self.accept("+")
            segments.append(self.integer())
        axis = 1
        if self.accept(","):
            self.expect("axis")
            self.expect("=")
            axis = self.integer()
        self.expect(">")
        return tuple(segments), axis

    # ------------------------------------------------------------------------------ constants

    def constant(self) -> None:
        """`@id "name": type = data`, which enters `known`."""
        value = self.declaration()
        self.expect("=")
        at = self.position
        try:
            value.data = self._data(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.fail(f"@{value.name} is no {value.type}: {error}", at) from error
        self._namer.learn(self._keys.array(value.data), self._called[value])

    def _data(self, value: Value) -> Array:
        """In full, uniform, or by digest."""
        dtype, shape = NUMPY_DTYPES[value.type.dtype], value.type.shape
        number = self._float if dtype.kind == "f" else self.integer
        if self.accept("splat"):
            return np.full(shape, number(), dtype)
        if self.accept("external"):
            return of_bytes(self._external(value.name), dtype, shape)
        numbers = self.bracketed("[", "]", number)
        if len(numbers) != value.type.size:
            raise self.refuse(f"@{value.name} has {len(numbers)} elements for shape {shape}")
        return np.array(numbers, dtype).reshape(shape)

    def _float(self) -> float:
        return float(self.take("number"))

    def _external(self, name: str) -> Array:
        expected = self.string()
        if expected not in self._constants:
            raise self.refuse(f"the data of @{name} was not given")
        data = self._constants[expected]
        if digest(data) != expected:
            raise self.refuse(f"@{name} has data {digest(data)}, not {expected}")
        return data

    # ------------------------------------------------------------------------------ values

    def value(self) -> Any:
        """A reference, view, op, record, type, number, string, word, list or dictionary."""
        match self.kind():
            case "name":
                return self._named()
            case "string":
                return self.string()
            case "number":
                token = self.take("number")
                return int(token) if token.lstrip("+-").isdigit() else float(token)
            case "word":
                return self._worded()
        if self.peek() == "[":
            return [item for items in self.bracketed("[", "]", self._items) for item in items]
        if self.peek() == "{":
            return dict(self.bracketed("{", "}", self._entry))
        raise self.fail(f"expected a value, found {self.peek() or 'the end'!r}")

    def _items(self) -> list[Any]:
        """An element of a list, or those that `first..last` stands for."""
        first = self.value()
        if not self.accept(".."):
            return [first]
        return list(range(first, self.integer() + 1))

    def _entry(self) -> tuple[Any, Any]:
        key = self.value()
        self.expect(":")
        return key, self.value()

    def _named(self) -> Any:
        is_declared = self.kind(1) == "string" or self.peek(1) == ":"
        if self.inline and is_declared:
            value = self.declaration()
            return self.operation(value) if self.accept("=") else value
        identifier = self.name()
        if identifier not in self.known:
            raise self.refuse(f"{identifier} is used before it is defined")
        held = self.known[identifier]
        return self._view(held) if isinstance(held, Buffer) else held

    def _view(self, buffer: Buffer) -> View:
        """`[pixels x words]` of a buffer, or `[pixels x first:end of pitch]`."""
        self.expect("[")
        pixels = self.integer()
        self.expect("x")
        first, end = 0, self.integer()
        if self.accept(":"):
            first, end = end, self.integer()
        pitch = self.integer() if self.accept("of") else end
        self.expect("]")
        return View(buffer, pixels, end - first, pitch, first)

    def _worded(self) -> Any:
        if self.peek() in WORDS:
            return WORDS[self.take("word")]
        return self.tensor_type() if self.peek(1) == "[" else self._record()

    # ------------------------------------------------------------------------------ classes

    def operation(self, result: Value) -> Op:
        """`kind(operands, attributes)`."""
        kind = self.take("word")
        if kind not in Op.classes:
            raise self.refuse(f"{kind!r} is no op; known are {', '.join(Op.classes)}")
        cls = Op.classes[kind]
        items = parameters_of_op(cls)
        self.expect("(")
        held = self.fields(kind, cls, items, ")")
        return self.made(kind, cls, items, {"result": result} | held)

    def _record(self) -> Any:
        name = self.take("word")
        known = self._records = self._records or record_classes()
        if name not in known:
            raise self.refuse(f"{name!r} is no record; known are {', '.join(known)}")
        items = parameters(known[name])
        self.expect("(")
        return self.made(name, known[name], items, self.fields(name, known[name], items, ")"))

    def fields(self, what: str, cls: type[Any], items: Sequence[Parameter], last: str) -> dict[str, Any]:
        """Fields up to a sign, by name; one that stands without its name is the first of `items`."""
        held: dict[str, Any] = {}
        names = [item.name for item in items]

        def field() -> None:
            is_named = self.kind() == "word" and self.peek(1) == "="
            name = self.peek() if is_named else "".join(names[:1])
            if name not in names or name in held:
                raise self.fail(f"{what} takes {', '.join(names)} once each, not {name!r}")
            self.position += 2 * is_named
            held[name] = self.fitted(f"{what}: {name}", hints(cls)[name])

        self.until(last, field)
        return held

    def fitted(self, what: str, hint: Any) -> Any:
        """A value, in the form that a field of this type holds."""
        at = self.position
        try:
            return fit(self.value(), hint)
        except TypeError as error:
            raise self.fail(f"{what}: {error}", at) from error

    def made(self, what: str, cls: type[T], items: Sequence[Parameter], held: dict[str, Any]) -> T:
        """An instance of the class of these fields."""
        missing = [item.name for item in items if item.is_required and item.name not in held]
        if missing:
            raise self.refuse(f"{what}: {', '.join(missing)} is missing")
        return cls(**held)
