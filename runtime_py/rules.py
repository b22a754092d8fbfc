"""What no JSON Schema can say of model.json: the `rules` of model.schema.json.

A rule has three parts: `each`, the paths of what it is about; `holds`, a relation between operands; `says`,
the problem where it doesn't hold, with {0}, {1} for what the relation says. An operand is a path, a number,
{"value": a constant}, or [function, operands ...]. A path begins at the whole description (`$`), at any
kernel (`@`) or at the thing that the rule is about (`.`): `.name` is a member, `[]` all items, `[name]` the
items that have a member, `[name=text]` those where it is that text. A path with brackets is a list.
runtime_js/check.js reads the same rules.
"""

import json
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
_Place = tuple[str, Any]
_KERNELS = ("$.kernels[]", "$.inputs[].image.kernel")
_STEP = re.compile(r"\.(\w+)|\[(\w*)=?(\w*)\]")


def broken_rules(rules: Sequence[Json], description: Mapping[str, Any]) -> Iterator[str]:
    """Yields 'place: problem' for whatever breaks a rule; the description follows the schema."""
    reader = _Reader(description)
    for rule in rules:
        relation, *operands = rule["holds"]
        for path in rule["each"]:
            for place, item in reader.places(path, None):
                pair = [reader.value(operand, item) for operand in operands]
                problem = _RELATIONS[relation](*pair)
                if problem:
                    yield f"{place}: {_filled(rule['says'], problem)}"


def at(place: str, key: str | int) -> str:
    """The place of a member or an item."""
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return f"{place}.{key}"
    return f"{place}[{shown(key)}]"


def shown(value: Any) -> str:
    """A value as JSON, shortened, in JavaScript's words; lone surrogates are escaped."""
    text = json.dumps(_without_points(value), ensure_ascii=False, separators=(",", ":"))
    text = text.replace("e-0", "e-") if isinstance(value, float) else text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= 160 else f"{text[:60]} ... {text[-90:]}"


def _without_points(value: Any) -> Any:
    """Whole numbers as JavaScript prints them."""
    if isinstance(value, dict):
        return {key: _without_points(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_points(child) for child in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e21
    return int(Decimal(repr(value))) if whole else value


class _Reader:
    """Evaluates paths and operands on one description."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._lists: dict[str, dict[Any, None]] = {}

    def places(self, path: str, item: Any) -> list[_Place]:
        """What a path leads to, each with its place."""
        if path.startswith("@"):
            return [end for kernels in _KERNELS for end in self.places(kernels + path[1:], item)]
        ends: list[_Place] = [("$", self._root) if path.startswith("$") else ("", item)]
        for step in _STEP.finditer(path):
            name, member, text = step.groups()
            if name:
                ends = [(at(place, name), value[name]) for place, value in ends if name in value]
            else:
                ends = [child for end in ends for child in _items(*end) if _fits(child[1], member, text)]
        return ends

    def value(self, operand: Any, item: Any) -> Any:
        """An operand's value; the lists of the whole description are made once."""
        if isinstance(operand, dict):
            return operand["value"]
        if isinstance(operand, list):
            function, *operands = operand
            return _FUNCTIONS[function](*(self.value(one, item) for one in operands))
        if not isinstance(operand, str):
            return operand
        if "[" not in operand:
            return next((value for _, value in self.places(operand, item)), 0)
        if operand.startswith("."):
            return [value for _, value in self.places(operand, item)]
        if operand not in self._lists:
            self._lists[operand] = dict.fromkeys(value for _, value in self.places(operand, item))
        return self._lists[operand]


def _items(place: str, value: Any) -> list[_Place]:
    return [(at(place, key), child) for key, child in _pairs(value)]


def _pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _fits(value: Any, member: str, text: str) -> bool:
    return not member or (member in value and (not text or value[member] == text))


def _filled(says: str, values: Sequence[Any]) -> str:
    return re.sub(r"\{(\d)\}", lambda match: shown(values[int(match[1])]), says)


def _member(value: Any, key: Any) -> Any:
    """The member or item of that key; 0 where there is none."""
    if isinstance(value, dict):
        return value.get(key, 0)
    return value[key] if key < len(value) else 0


def _repeats(values: Sequence[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _told(values: list[Any]) -> list[list[Any]]:
    """What is said of some values that break a rule: nothing where there are none."""
    return [values] if values else []


# Each returns what to say where it does not hold, else nothing.
_RELATIONS: dict[str, Callable[..., list[Any]]] = {
    "==": lambda a, b: [] if a == b else [a, b],
    "<=": lambda a, b: [] if a <= b else [a, b],
    "in": lambda a, b: [] if a in b else [a],
    "unique": lambda a: _told(_repeats(a)),
    "subset": lambda a, b: _told([value for value in a if value not in b]),
    "disjoint": lambda a, b: _told([value for value in a if value in b]),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "at": _member,
    "count": len,
    "product": math.prod,
}
