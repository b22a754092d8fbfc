"""Generated text against tests/goldens/<test name>/<file>."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

GOLDENS = Path(__file__).parent / "goldens"
UPDATE = "run pytest --update-golden, look at the difference, and commit it"


class Golden:
    """The goldens of one test; a test requests it as the fixture `golden`."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.folder = GOLDENS / re.sub(r"[^A-Za-z0-9]+", "_", request.node.name).strip("_")
        self._update = bool(request.config.getoption("--update-golden"))

    def check(self, files: Mapping[str, str]) -> None:
        """`files` are the goldens: none differs, none is missing, none is left over."""
        if self._update:
            self._rewrite(files)
        present = {path.name for path in self.folder.glob("*")} if self.folder.exists() else set()
        for name, text in files.items():
            if name not in present:
                pytest.fail(f"the golden {self._place(name)} is missing: {UPDATE}")
            golden = (self.folder / name).read_text()
            if golden != text:
                lines = difflib.unified_diff(
                    golden.splitlines(), text.splitlines(), "golden", "generated", lineterm=""
                )
                pytest.fail(f"{self._place(name)} differs: {UPDATE}\n" + "\n".join(lines))
        if stale := present - set(files):
            pytest.fail(f"{self._place(min(stale))} is generated no more: {UPDATE}")

    def _place(self, name: str) -> Path:
        return (self.folder / name).relative_to(GOLDENS.parent.parent)

    def _rewrite(self, files: Mapping[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*"):
            path.unlink()
        for name, text in files.items():
            (self.folder / name).write_text(text)
