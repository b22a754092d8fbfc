"""Damaged artifacts: what disks, copies, builds and hands do to a folder.

`mutate` changes one thing of a copy of an artifact, seeded: bytes of a file, which file is where, what kind
of file it is, or a member of model.json. A runtime must refuse the folder in its own error, or run it with
the outputs of the original. `reseal` makes model.json say that all of it is as it should be: then a runtime
has its schema and rules alone, and must still refuse or load.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..folders.manifest import SEAL, record, seal

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
    for one in (model["weights"], *model["files"]):
        path = folder / str(one["file"])
        if path.is_file():
            one.update(record(one["file"], path.read_bytes()))
    (folder / MANIFEST).write_bytes(seal(model, long=("files", "kernels")))


# -------------------------------------------------------------------------------------- files


def _change_file(folder: Path, rng: Rng) -> str:
    path = rng.choice(_files(folder))
    change = rng.choice(CHANGES)
    change(path, rng)
    return f"{path.relative_to(folder)}: {change.__name__.strip('_')}"


def _files(folder: Path) -> list[Path]:
    """All files; model.json and the weights about as often as all others together."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    first = [path for path in files if path.name in (MANIFEST, "weights.bin")]
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
