"""Damaged artifacts: what disks, copies, builds and hands do to a folder.

`mutate` changes one thing of a copy of an artifact, seeded: bytes of a file, which file is where, what kind
of file it is, or a member of model.json. A runtime must refuse the folder in its own error, or run it with
the outputs of the original. `reseal` makes model.json say that all of it is as it should be: then a runtime
has its schema and rules alone, and must still refuse or load. `break_rule` does what every runtime must
refuse, with hashes that agree.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..folders.manifest import SEAL, record, seal, sha256

Rng = random.Random
MANIFEST = "model.json"
INTEGERS = (-1, 0, 1, 2, 3, 4, 64, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 10**30)
OTHERS: tuple[Any, ...] = (
    1.5,
    -0.0,
    1e308,
    None,
    True,
    "",
    "x",
    "../x",
    "a" * 300,
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    {"x": 1},
)
PATHS = (
    "../weights.bin", "/etc/passwd", "shaders/../../x", "http://elsewhere.example/w", "//elsewhere.example/w",
    "file:///etc/passwd", "data:,", "w.bin?x=1", "w.bin#x", "%2e%2e/w", "..\\w", "C:\\w", "", ".", "a/b",
    "w\0", "w\n",
)  # fmt: skip
"""Names of files that lie elsewhere, or that only one system takes for names."""
TEXTS = (b"NaN", b"-Infinity", b"1e999", b"1.0", b"9" * 5000, b"[" * 5000, b'"\\ud800"', b"\xff", b"", b",")
ELSEWHERE = ("/dev/zero", "/dev/null", "/etc/passwd", "/proc/self/mem", "nowhere", ".", "..")
"""Where links lead; /dev/zero and pipes would never end."""


def mutate(folder: Path, seed: int) -> str:
    """Changes the artifact in `folder`; the same seed makes the same change. Returns what was changed."""
    rng = Rng(seed)
    change = rng.choice([_change_file] * 3 + [_change_text] + [_change_member] * 3)
    return change(folder, rng)


def reseal(folder: Path) -> None:
    """Gives every file that is recorded, and model.json, the hashes that they have now.

    Raises ValueError, KeyError, TypeError or RecursionError where model.json is no description any more.
    """
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{MANIFEST} is no file")
    model = json.loads((folder / MANIFEST).read_bytes())
    model.pop("sha256", None)
    for one in (model[key] for key in ("weights", "shaders", "rare_shaders", "self_test")):
        path = folder / str(one["file"])
        if path.is_file():
            one.update(record(one["file"], path.read_bytes()))
    (folder / MANIFEST).write_bytes(seal(model, long=("kernels",)))


def break_rule(folder: Path, seed: int) -> str:
    """Breaks what no runtime may take, and makes the hashes anew; returns what was broken."""
    rng = Rng(seed)
    what = rng.choice(list(BREAKS))
    BREAKS[what](folder, rng)
    return what


# -------------------------------------------------------------------------------------- files


def _change_file(folder: Path, rng: Rng) -> str:
    path = rng.choice(_files(folder))
    change = rng.choice(CHANGES)
    change(path, rng)
    return f"{path.relative_to(folder)}: {change.__name__.strip('_')}"


def _files(folder: Path) -> list[Path]:
    """All files; model.json and the weights about as often as all others together."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    first = [path for path in files if path.name == MANIFEST or path.suffix == ".bin"]
    return files + first * (len(files) // 2)


def _flip_bits(path: Path, rng: Rng) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 1, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _cut_off(path: Path, rng: Rng) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.choice([0, 1, len(data) - 1, rng.randrange(len(data))])])


def _lengthen(path: Path, rng: Rng) -> None:
    path.write_bytes(path.read_bytes() + rng.choice([b"\0", b"\n", b" ", bytes(4096), b"{}", b"// more"]))


def _turn_line_ends(path: Path, _: Rng) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")


def _exchange(path: Path, rng: Rng) -> None:
    other = rng.choice([one for one in path.parent.iterdir() if one.is_file() and one != path])
    mine, its = path.read_bytes(), other.read_bytes()
    path.write_bytes(its)
    other.write_bytes(mine)


def _remove(path: Path, _: Rng) -> None:
    path.unlink()


def _become_a_pipe(path: Path, _: Rng) -> None:
    path.unlink()
    os.mkfifo(path)


def _become_a_folder(path: Path, _: Rng) -> None:
    path.unlink()
    path.mkdir()


def _become_a_link(path: Path, rng: Rng) -> None:
    path.unlink()
    path.symlink_to(rng.choice([*ELSEWHERE, path.name]))


def _lose_its_folder(path: Path, _: Rng) -> None:
    shutil.rmtree(path.parent)


CHANGES: list[Callable[[Path, Rng], None]] = [
    *[_flip_bits] * 4, *[_cut_off] * 2, _lengthen, _turn_line_ends, _exchange, _remove, _become_a_pipe,
    _become_a_folder, _become_a_link, _lose_its_folder,
]  # fmt: skip


# --------------------------------------------------------------------------------- model.json


def _change_text(folder: Path, rng: Rng) -> str:
    """Puts something in the place of a token."""
    path = folder / MANIFEST
    data = path.read_bytes()
    ends = [at for at, byte in enumerate(data) if byte in b":,[]{}"]
    at = rng.randrange(len(ends) - 1)
    text = rng.choice(TEXTS)
    path.write_bytes(data[: ends[at] + 1] + text + data[ends[at + 1] :])
    return f"{MANIFEST}: {text[:20]!r} at byte {ends[at]}"


def _change_member(folder: Path, rng: Rng) -> str:
    """Changes, removes, copies or renames a member or an item."""
    path = folder / MANIFEST
    data = path.read_bytes()
    model = json.loads(data)
    owner, key, place = rng.choice(list(_members(model, "$")))
    how = rng.choice([_set, _set, _set, _shift, _delete, _copy, _rename])
    how(owner, key, rng)
    model.pop("sha256", None)
    path.write_bytes(json.dumps(model)[:-1].encode() + SEAL + data.rpartition(SEAL)[2])
    return f"{MANIFEST}: {how.__name__.strip('_')} {place}"


def _members(value: Any, place: str) -> Iterator[tuple[Any, Any, str]]:
    """Every member and item, with what it is in and its place; of long lists the first and the last few."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, child in pairs[:4] + pairs[4:][-12:]:
        yield value, key, f"{place}.{key}"
        if isinstance(child, dict | list):
            yield from _members(child, f"{place}.{key}")


def _set(owner: Any, key: Any, rng: Rng) -> None:
    owner[key] = rng.choice(INTEGERS + OTHERS)


def _shift(owner: Any, key: Any, rng: Rng) -> None:
    """A number by one or by a power of two; a text by a character."""
    value = owner[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        owner[key] = rng.choice([value + 1, value - 1, value * 2, -value, value * 2**20])
    elif isinstance(value, str):
        owner[key] = rng.choice([f"{value}x", value[1:], f"{value}\n", value.upper()])
    else:
        _set(owner, key, rng)


def _delete(owner: Any, key: Any, _: Rng) -> None:
    del owner[key]


def _copy(owner: Any, key: Any, rng: Rng) -> None:
    """Over another one, or as one more."""
    if isinstance(owner, list):
        owner.append(owner[key])
    else:
        owner[rng.choice(list(owner))] = owner[key]


def _rename(owner: Any, key: Any, rng: Rng) -> None:
    if isinstance(owner, dict):
        owner[rng.choice(["x", "", "__proto__", f"{key} ", "name"])] = owner.pop(key)
    else:
        owner.reverse()


# -------------------------------------------------------------------------------------- rules

Model = dict[str, Any]
Break = Callable[[Path, Rng], None]


def _edited(edit: Callable[[Model, Rng], object]) -> Break:
    """Edits model.json."""

    def change(folder: Path, rng: Rng) -> None:
        model = json.loads((folder / MANIFEST).read_bytes())
        model.pop("sha256")
        edit(model, rng)
        (folder / MANIFEST).write_bytes(seal(model, long=()))

    return change


def _rewritten(edit: Callable[[bytes, Rng], bytes]) -> Break:
    """Edits the text of model.json."""

    def change(folder: Path, rng: Rng) -> None:
        content = edit((folder / MANIFEST).read_bytes().rpartition(SEAL)[0], rng)
        (folder / MANIFEST).write_bytes(content + SEAL + sha256(content).encode() + b'"\n}\n')

    return change


def _edited_test(edit: Callable[[Model, Rng], object]) -> Break:
    """Edits the test vectors."""

    def change(folder: Path, rng: Rng) -> None:
        (path,) = folder.glob("self_test*.json")
        test = json.loads(path.read_bytes())
        edit(test, rng)
        path.write_text(json.dumps(test))
        reseal(folder)

    return change


def _at(*path: str, value: Any) -> Callable[[Model, Rng], None]:
    """Sets a member; `*` is any item of a list."""

    def edit(model: Model, rng: Rng) -> None:
        owner: Any = model
        for key in path[:-1]:
            owner = owner[rng.randrange(len(owner)) if key == "*" else key]
        owner[rng.randrange(len(owner)) if path[-1] == "*" else path[-1]] = (
            value(rng) if callable(value) else value
        )

    return edit


def _shrink_arena(model: Model, _: Rng) -> None:
    """To one word; where it has no more, to half of one."""
    model["arena"] = {"bytes": 4 if model["arena"]["bytes"] > 4 else 2, "lower_bound": 0}


def _repeat(name: str) -> Callable[[Model, Rng], None]:
    return lambda model, rng: model[name].append(rng.choice(model[name]))


def _leave_out(model: Model, rng: Rng) -> None:
    owner = rng.choice([model, model["arena"], model["weights"], model["probe"], *model["kernels"]])
    del owner[rng.choice(list(owner))]


def _become_no_integer(model: Model, rng: Rng) -> None:
    kernel = rng.choice(model["kernels"])
    owner, key = rng.choice([(model["arena"], "bytes"), (model["probe"], "count"), (kernel["workgroups"], 0)])
    owner[key] = rng.choice([1.5, -1, -0.0, 2**53, 10**30, 1e308, "1", True, None, [1]])


def _nest(text: bytes, rng: Rng) -> bytes:
    depth = rng.choice([17, 500, 5000, 100_000])
    return text + b',"x":' + b"[" * depth + b"]" * depth


def _become_a_text_of(*texts: bytes) -> Callable[[bytes, Rng], bytes]:
    """Puts one of the texts in the place of the arena's lower bound."""
    name = b'"lower_bound":'
    return lambda data, rng: re.sub(name + rb"\d+", lambda _: name + rng.choice(texts), data, count=1)


def _nest_a_shader(folder: Path, rng: Rng) -> None:
    """As deep as to end the process of a parser that descends."""
    (path,) = folder.glob("shaders*")
    before, after = rng.choice([("(", ")"), ("a[", "]"), ("-", ""), ("1+", ""), ("{", "}")])
    count = rng.choice([5000, 20_000, 100_000])
    deep = f"fn f() {{ let x = {before * count}1{after * count}; }}"
    path.write_text(f"{path.read_text()}\n//// deep.wgsl\n{deep}\n")
    reseal(folder)


def _any(values: Sequence[Any]) -> Callable[[Rng], Any]:
    return lambda rng: rng.choice(values)


BREAKS: dict[str, Break] = {
    "weights elsewhere": _edited(_at("weights", "file", value=_any(PATHS))),
    "a sample elsewhere": _edited(_at("sample", value=_any(PATHS))),
    "a shader elsewhere": _edited(_at("kernels", "*", "shader", value=_any(PATHS))),
    "a snippet elsewhere": _edited(_at("snippets", "dot", "packed", value=_any(PATHS))),
    "a small arena": _edited(_shrink_arena),
    "no workgroups": _edited(_at("kernels", "*", "workgroups", "*", value=_any([0, -1, 65536, 2**32]))),
    "two outputs of a name": _edited(_repeat("outputs")),
    "two kernels of a name": _edited(_repeat("kernels")),
    "no integer": _edited(_become_no_integer),
    "no kernels": _edited(_at("kernels", value=[])),
    "no member": _edited(_leave_out),
    "one member more": _edited(_at("x", value=1)),
    "a lone surrogate": _edited(_at("name", value="\ud800")),
    "an unknown buffer": _edited(_at("kernels", "*", "bindings", "*", "buffer", value="input:nothing")),
    "weights that are written": _edited(
        _at("kernels", "*", "bindings", value=[{"binding": 0, "buffer": "weights", "access": "read_write"}])
    ),
    "a store without end": _edited_test(
        _at(
            "stores",
            "*",
            value=[{"buffer": "arena", "offset": 2**32 - 1, "rows": 1, "pitch": 1, "width": 1}],
        )
    ),
    "a probe beyond the weights": _edited(_at("probe", "count", value=65536)),
    "no shader": _edited(_at("probe", "shader", value="gone.wgsl")),
    "lists in lists": _rewritten(_nest),
    "a member twice": _rewritten(
        lambda text, _: text.replace(b'"lower_bound":', b'"lower_bound":0,"lower_bound":', 1)
    ),
    "no number": _rewritten(
        _become_a_text_of(b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"0x1", b"1.5", b"01")
    ),
    "no UTF-8": _rewritten(lambda text, _: text + b',"x":"\xff"'),
    "a byte order mark": _rewritten(lambda text, _: b"\xef\xbb\xbf" + text),
    "8 MiB of blanks": _rewritten(lambda text, _: text + b" " * 2**23),
    "a deep shader": _nest_a_shader,
    "a pipe": lambda folder, rng: _become_a_pipe(rng.choice(_loaded(folder)), rng),
    "a link elsewhere": lambda folder, rng: _become_a_link(rng.choice(_loaded(folder)), rng),
}


def _loaded(folder: Path) -> list[Path]:
    """The files that runtimes read."""
    return [folder / MANIFEST, *folder.glob("weights*"), *folder.glob("shaders*")]
