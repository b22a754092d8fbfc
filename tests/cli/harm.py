"""What a refusal must leave as it was."""

from __future__ import annotations

from pathlib import Path

from tests.command import refusal

SHAPE = (1, 3, 32, 32)
AGAIN = "compile the model again"


def tree(folder: Path) -> dict[str, bytes | None]:
    """All files with their content, and all folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refused_to_compile(path: Path, *options: str | Path) -> str:
    """The message; nothing changes around the model."""
    before = tree(path.parent)
    message = refusal("compile", path, "-o", path.parent / "out", *options)
    assert tree(path.parent) == before
    return message
