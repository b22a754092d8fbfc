"""What ops, kernels and the records inside them consist of, read off their classes.

So an operator's own classes print and parse as they are: a record is a dataclass or a NamedTuple
that the field of a kernel holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..graph import Op, Value
from ..program import Buffer, Kernel, View
from ..types import TensorType

FRAME = ("name", "shape", "words", "stores")
"""The fields of every kernel, which have a place of their own in its line."""


@dataclass(frozen=True)
class Parameter:
    """A field of a class: `default` is MISSING where it must be there."""

    name: str
    default: Any = MISSING

    @property
    def is_required(self) -> bool:
        return self.default is MISSING

    def is_default(self, held: Any) -> bool:
        """Whether the text leaves it out; -0.0 is not 0."""
        if isinstance(held, np.ndarray) or self.is_required:
            return False
        same = type(held) is type(self.default) or isinstance(held, int | float)
        return same and bool(held == self.default) and str(held)[:1] == str(self.default)[:1]


_HINTS: dict[type[Any], dict[str, Any]] = {}


def hints(cls: type[Any]) -> dict[str, Any]:
    """The types of the fields of a class."""
    if cls not in _HINTS:
        _HINTS[cls] = get_type_hints(cls)
    return _HINTS[cls]


def parameters(cls: type[Any]) -> list[Parameter]:
    """The fields of a record in the order of their declaration."""
    if not is_dataclass(cls):
        return [Parameter(name, cls._field_defaults.get(name, MISSING)) for name in cls._fields]
    return [Parameter(item.name, _default(item)) for item in fields(cls)]


def parameters_of_op(cls: type[Op]) -> list[Parameter]:
    """Operands and attributes, those by keyword alone last."""
    held = sorted(fields(cls), key=lambda item: bool(item.kw_only))
    return [Parameter(item.name, _default(item)) for item in held if item.name != "result"]


def parameters_of_kernel(cls: type[Kernel]) -> tuple[list[Parameter], list[Parameter]]:
    """What a kernel reads, the fields that may hold views; and all else."""
    own = [item for item in parameters(cls) if item.name not in FRAME]
    return (
        [item for item in own if View in classes_in(hints(cls)[item.name])],
        [item for item in own if View not in classes_in(hints(cls)[item.name])],
    )


def _default(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def classes_in(hint: Any) -> Iterator[Any]:
    """The classes that a type hint names, at any depth."""
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for inner in get_args(hint):
        yield from classes_in(inner)


def is_record(held: Any) -> bool:
    """Whether something, a class or an instance, is a dataclass or a NamedTuple."""
    return is_dataclass(held) or hasattr(held, "_field_defaults")


def record_classes() -> dict[str, type[Any]]:
    """The records that kernels hold, by name."""
    found: dict[str, type[Any]] = {}
    waiting: list[Any] = list(Kernel.classes.values())
    while waiting:
        for hint in hints(waiting.pop()).values():
            for cls in classes_in(hint):
                known = (Buffer, View, Value, Op, Kernel, TensorType)
                if is_record(cls) and not issubclass(cls, known) and cls.__name__ not in found:
                    found[cls.__name__] = cls
                    waiting.append(cls)
    return found


def fit(raw: Any, hint: Any) -> Any:
    """`raw`, as parsed, in the form that a field of that type holds: lists as tuples, a constant as
    its data. TypeError where it is nothing of that type.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _fit_one(raw, inner)
    if origin is np.ndarray and isinstance(raw, Value) and raw.data is not None:
        return raw.data
    if origin in (tuple, list) and isinstance(raw, list):
        return origin(map(fit, raw, _element_hints(inner, len(raw))))
    if origin in (dict, Mapping) and isinstance(raw, dict):
        return {fit(key, inner[0]): fit(item, inner[1]) for key, item in raw.items()}
    if hint is Any or (origin is Literal and raw in inner):
        return raw
    kinds = (int, float) if hint is float else hint
    is_flag = isinstance(raw, bool) and hint is not bool
    if origin is None and isinstance(raw, kinds) and not is_flag:
        return raw
    raise TypeError(f"{_told(raw)} is no {_named(hint)}")


def _fit_one(raw: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return fit(raw, hint)
        except TypeError:
            continue
    raise TypeError(f"{_told(raw)} is no {' or '.join(map(_named, hints))}")


def _told(raw: Any) -> str:
    """What was parsed, for a message."""
    plain = raw is None or isinstance(raw, bool | int | float | str)
    return repr(raw) if plain else f"a {type(raw).__name__}"


def _named(hint: Any) -> str:
    """What a field must hold, as the text has it."""
    origin = get_origin(hint) or hint
    words: dict[Any, str] = {np.ndarray: "constant", tuple: "list", NoneType: "none", Value: "value"}
    return words[origin] if origin in words else str(getattr(origin, "__name__", origin))


def _element_hints(inner: tuple[Any, ...], count: int) -> list[Any]:
    """The hint of each of `count` elements of a list or tuple."""
    if len(inner) > 1 and inner[1] is not Ellipsis:
        if len(inner) == count:
            return list(inner)
        if len(set(inner)) > 1:
            raise TypeError(f"{count} elements are not {len(inner)}")
    return [inner[0]] * count
