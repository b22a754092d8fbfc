"""What a compiler would record of an artifact that a test has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def sealed(model: dict[str, Any]) -> bytes:
    """model.json with its own hash, as docs/artifact.md has it."""
    members = {key: value for key, value in model.items() if key != "sha256"}
    content = json.dumps(members)[:-1]
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f'{content},\n "sha256": "{digest}"\n}}\n'.encode()


def record(name: str, data: bytes) -> dict[str, Any]:
    """A file as model.json records it."""
    return {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def part_of(folder: Path, key: str) -> Path:
    """Where the `weights`, `shaders` or `self_test` of a folder lie."""
    return folder / str(json.loads((folder / "model.json").read_bytes())[key]["file"])


def sections(shaders: dict[str, str]) -> bytes:
    """The file of the shaders."""
    return "\n".join(f"//// {name}\n{text}" for name, text in shaders.items()).encode()


def seal(folder: Path, model: dict[str, Any] | None = None) -> None:
    """Records the shaders and test vectors of a folder as they are, and writes its model.json, changed to
    `model`.
    """
    path = folder / "model.json"
    model = json.loads(path.read_bytes()) if model is None else model
    for key in ("shaders", "rare_shaders", "self_test"):
        name = model[key]["file"]
        model[key] = record(name, (folder / name).read_bytes())
    path.write_bytes(sealed(model))
