"""model.json: its text, version, own hash, schema and rules; what docs/artifact.md says of it."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from .errors import ArtifactError
from .rules import at, broken_rules, shown

VERSION = 5
WORD = 4
"""Bytes of a u32."""
_ITEM_BYTES = {"float32": 4, "int32": 4, "int64": 8, "uint8": 1, "int8": 1, "bool": 1}
SEAL = b',\n "sha256": "'
"""What stands before the hash of model.json, which covers the bytes before this."""
_SCHEMA = Path(__file__).parent / "model.schema.json"
_PROBLEMS_SHOWN = 5
_EXACT = 2**53  # from here on not every integer is a double, which is what JavaScript reads

Json = dict[str, Any]


def read_description(path: Path, data: bytes) -> Json:
    """The content of model.json at `path`, checked; raises ArtifactError with the place and what to do."""
    description = _parsed(path, data)
    _check_version(path, description)
    _check_seal(path, data)
    problems = problems_of(description)
    if problems:
        raise damaged(path, problems)
    return description


def problems_of(description: Json) -> list[str]:
    """'place: problem' for whatever is against the schema or, where nothing is, against the rules."""
    most = _schema()["limits"]["problems"]
    against = (problem for error in _validator().iter_errors(description) for problem in _words(error))
    return sorted(set(islice(against, most))) or sorted(set(islice(_broken(description), most)))


def read_self_test(path: Path, data: bytes, description: Json) -> Json:
    """The test vectors in the file at `path`, checked; raises ArtifactError with the place and what to do."""
    test = _parsed(path, data)
    problems = self_test_problems(test, description)
    if problems:
        raise damaged(path, problems)
    return test


def self_test_problems(test: Json, description: Json) -> list[str]:
    """The same as `problems_of` for the test vectors, which lie in a file of their own."""
    most = _schema()["limits"]["problems"]
    whole = _with_buffers(description | {"self_test": test})
    errors = _self_test_validator().iter_errors({"self_test": test})
    against = (problem for error in errors for problem in _words(error))
    broken = broken_rules(_schema()["self_test_rules"], whole)
    return sorted(set(islice(against, most))) or sorted(set(islice(broken, most)))


def size_limit() -> int:
    """Bytes of model.json, at most."""
    return int(_schema()["limits"]["bytes"])


def tensor_bytes(shape: Sequence[int], dtype: str) -> int:
    """Bytes of a tensor itself, without what fills up its last word."""
    return math.prod(shape) * _ITEM_BYTES[dtype]


def buffer_sizes(description: Mapping[str, Any]) -> dict[str, int]:
    """Buffer name -> bytes, in whole words, for every buffer that the kernels may bind."""
    sizes = {name: description[name]["bytes"] for name in ("arena", "weights")}
    for tensor in description["inputs"]:
        sizes[f"input:{tensor['name']}"] = _buffer_bytes(tensor)
        if "image" in tensor:
            sizes[f"image:{tensor['name']}"] = math.prod(tensor["image"]["size"]) * WORD
    for tensor in description["outputs"]:
        sizes[f"output:{tensor['name']}"] = _buffer_bytes(tensor)
    return sizes


def damaged(path: Path, problems: list[str]) -> ArtifactError:
    """The error to raise for problems of a file."""
    lines = "\n".join(f"  {problem}" for problem in problems[:_PROBLEMS_SHOWN])
    rest = len(problems) - _PROBLEMS_SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    return ArtifactError(f"{path} is damaged; compile the model again:\n{lines}{more}")


def _buffer_bytes(tensor: Mapping[str, Any]) -> int:
    return -(-tensor_bytes(tensor["shape"], tensor["dtype"]) // WORD) * WORD


def _parsed(path: Path, data: bytes) -> Json:
    hooks: Json = {"parse_int": _number, "parse_float": _number, "parse_constant": _no_number}
    try:
        description = json.loads(data.decode("utf-8"), object_pairs_hook=_object, **hooks)
    except json.JSONDecodeError as error:
        raise damaged(path, [f"line {error.lineno} column {error.colno}: {error.msg}"]) from None
    except UnicodeDecodeError as error:
        raise damaged(path, [f"byte {error.start} is not UTF-8"]) from None
    except RecursionError:
        raise _nested(path) from None
    except ValueError as error:
        raise damaged(path, [str(error)]) from None
    if not isinstance(description, dict):
        raise damaged(path, ["$: not an object"])
    if _is_deeper(description, _schema()["limits"]["depth"]):
        raise _nested(path)
    return description


def _nested(path: Path) -> ArtifactError:
    return damaged(path, [f"nested more than {_schema()['limits']['depth']} deep"])


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects are nested more than `depth` deep."""
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(child, depth - 1) for child in children)


def _number(text: str) -> int | float:
    """As JavaScript reads it: a double, which is an int here where it is whole and exact."""
    value = float(text)
    whole = value.is_integer() and abs(value) < _EXACT and not text.startswith("-0")
    return int(value) if whole else value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice in an object")
    return members


def _check_version(path: Path, description: Json) -> None:
    if description.get("format") != "onnx2wgsl":
        name = shown(description.get("format", "nothing"))
        raise ArtifactError(f'{path}: $.format is {name}, not "onnx2wgsl": not an artifact')
    if description.get("version") != VERSION:
        raise ArtifactError(
            f"{path}: $.version is {shown(description.get('version'))}, this runtime reads {VERSION}; "
            "compile the model again, with the onnx2wgsl that is installed here"
        )


def _check_seal(path: Path, data: bytes) -> None:
    """The file's last member is the SHA-256 of all that stands before it."""
    content, _, seal = data.rpartition(SEAL)
    if seal != hashlib.sha256(content).hexdigest().encode() + b'"\n}\n':
        raise damaged(path, ["it was changed since it was written: its sha256 is that of other bytes"])


@cache
def _schema() -> Json:
    content: Json = json.loads(_SCHEMA.read_text("utf-8"))
    return content


@cache
def _validator() -> Validator:
    return _validator_of(_schema())


@cache
def _self_test_validator() -> Validator:
    test = {"$ref": "#/$defs/self_test"}
    return _validator_of({"$defs": _schema()["$defs"], "properties": {"self_test": test}})


def _validator_of(schema: Json) -> Validator:
    plain = jsonschema.Draft202012Validator
    types = plain.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    extended: type[Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        plain, {"items": _items}, type_checker=types
    )
    return extended(schema)


def _items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Of a list that is too long no item is looked at: it may have millions."""
    if isinstance(instance, list) and len(instance) <= schema.get("maxItems", math.inf):
        for i, item in enumerate(instance):
            yield from validator.descend(item, items, path=i)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _EXACT


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _words(error: jsonschema.ValidationError) -> Iterator[str]:
    """What a schema is broken by, in the words that runtime_js/check.js has, too."""
    place = "$"
    for key in error.absolute_path:
        place = at(place, key)
    limit: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        yield from (f"{at(place, key)}: is missing" for key in limit if key not in instance)
    elif error.validator == "additionalProperties":
        names = [key for key in instance if key not in schema["properties"]]
        yield from (f"{at(place, key)}: is unknown" for key in names)
    else:
        yield f"{place}: {shown(instance)} is against {error.validator} {shown(limit)}"


def _broken(description: Json) -> Iterator[str]:
    return broken_rules(_schema()["rules"], _with_buffers(description))


def _with_buffers(description: Json) -> Json:
    """What rules are about: the description, the bytes of its buffers, and which of these kernels write."""
    buffers = buffer_sizes(description)
    writable = [name for name in buffers if name == "arena" or name.startswith("output:")]
    return description | {"buffers": buffers, "writable": writable}
