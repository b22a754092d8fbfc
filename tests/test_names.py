"""Names are nouns for things, and one word means one thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTICIPLES = {"made", "given", "found", "held"}
"""What a thing underwent, which does not say what it is."""
FOLDERS = ("benchmarks", "compiler", "face", "live", "media", "runtime_py", "scripts", "trainer", "tests")


def bound_names(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of every variable and argument in a source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def participles(source: str) -> list[tuple[int, str]]:
    """The names that are, or begin or end as, a participle in the place of a noun."""
    return [
        (line, name)
        for line, name in bound_names(source)
        if (words := name.strip("_").split("_")) and PARTICIPLES & {words[0], words[-1]}
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_participle_stands_for_a_thing(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    names = {
        f"{path.relative_to(ROOT).as_posix()}:{line} {name}"
        for path in files
        for line, name in participles(path.read_text("utf-8"))
    }
    assert names == set()


def test_a_participle_is_seen() -> None:
    source = "def f(given):\n    made_pixel = found = 1\n    kernel = given\n"
    assert participles(source) == [(1, "given"), (2, "made_pixel"), (2, "found")]
