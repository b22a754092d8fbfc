"""A manifest lists the files of a folder that onnx2wgsl wrote, so that all else is known to be the user's.

It is a JSON file with the SHA-256 of every other file and, as its last member, its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

Record = dict[str, Any]
SEAL = b',\n "sha256": "'
"""What stands before the hash of a manifest, which covers the bytes before this."""
FORMATS = ("onnx2wgsl", "onnx2wgsl-ir")
"""The `format` of our manifests: of artifacts, and of what --dump-ir writes."""
EARLIER = {"files.json": "model.json"}
"""What the manifests of artifacts were called up to version 3."""
LIMIT = 1 << 23
"""Bytes of a manifest, at most; runtimes read no larger model.json."""
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What systems leave in folders that people look into: it is in nobody's way, and stays."""


def record(name: str, data: bytes) -> Record:
    """A file as a manifest lists it."""
    return {"file": name, "bytes": len(data), "sha256": sha256(data)}


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def seal(manifest: Mapping[str, Any], long: Sequence[str] = ("files",)) -> bytes:
    """The text of a manifest, its last member the SHA-256 of the bytes before it; `manifest` is without it.

    The lists `long` have one item a line: compact, and still readable as a diff.
    """
    members = [(key, _listed(value) if key in long else _compact(value)) for key, value in manifest.items()]
    content = ("{\n" + ",\n".join(f' "{key}": {text}' for key, text in members)).encode()
    return content + SEAL + sha256(content).encode() + b'"\n}\n'


def _listed(items: Sequence[Any]) -> str:
    body = ",\n".join(f"  {_compact(item)}" for item in items)
    return f"[\n{body}\n ]"


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class Contents:
    """What a folder holds: files as they were written, the user's, and those that were changed since."""

    own: list[str]
    foreign: list[str]
    changed: list[str]

    @property
    def users(self) -> list[str]:
        """What must not be lost."""
        return self.foreign + self.changed


def contents(folder: Path, manifest: str) -> Contents:
    """What a folder holds by its manifest; where that is not whole, all of it is the user's.

    Links are not followed, and a folder in it that holds no file of ours counts as one path.
    """
    records = _records(folder / manifest)
    if not records and manifest in EARLIER:
        manifest = EARLIER[manifest]
        records = _records(folder / manifest)
    places = {parent.as_posix() for name in records for parent in PurePosixPath(name).parents}
    result = Contents([], [], [])
    for name, path in _entries(folder, "", places):
        if name not in records:
            result.foreign.append(name)
        elif name == manifest or _is_unchanged(path, records[name]):
            result.own.append(name)
        else:
            result.changed.append(name)
    return result


def _entries(folder: Path, prefix: str, places: set[str]) -> Iterator[tuple[str, Path]]:
    """Name and path of what is in a folder, and in those of its folders that have files of ours."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and name in places:
                yield from _entries(folder / entry.name, f"{name}/", places)
            elif entry.name not in LITTER or not entry.is_file(follow_symlinks=False):
                yield name, folder / entry.name


def _records(manifest: Path) -> dict[str, Record]:
    """The files that a manifest lists, and itself; none where it is not whole or not of onnx2wgsl."""
    if not _is_file(manifest) or manifest.stat().st_size > LIMIT:
        return {}
    data = manifest.read_bytes()
    content, _, end = data.rpartition(SEAL)
    if end != sha256(content).encode() + b'"\n}\n':
        return {}
    try:
        description = json.loads(data)
        # What model.json records apart, up to version 3.
        more = [description[key] for key in ("weights", "shaders", "self_test") if key in description]
        own = {
            str(one["file"]): {"bytes": one["bytes"], "sha256": one["sha256"]}
            for one in [*description["files"], *more]
        }
    except (ValueError, KeyError, TypeError, RecursionError):  # of another tool, or of a version to come
        return {}
    return own | {manifest.name: {}} if description["format"] in FORMATS else {}


def _is_unchanged(path: Path, known: Record) -> bool:
    if not _is_file(path) or path.stat().st_size != known["bytes"]:
        return False
    return sha256(path.read_bytes()) == str(known["sha256"])


def _is_file(path: Path) -> bool:
    """Whether it is a regular file, and no link to one."""
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)
