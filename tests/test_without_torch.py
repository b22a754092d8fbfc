"""torch is an extra that only the trainer and the networks of tests/zoo need: the other tests run without."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from .test_layout import imported_modules

ROOT = Path(__file__).resolve().parent.parent
FREE = (
    "builders",
    "compiler",
    "runtime_py",
    "property",
    "cli",
    "face",
    "media",
    "outside",
    "js",
    "test_readme.py",
)
BLOCKED = """
import sys
sys.modules["torch"] = None
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def file_of(module: str) -> Path | None:
    """The file of a module of tests; None of others, and of names within a module."""
    path = ROOT / Path(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if module.startswith("tests.") and file.is_file()), None)


def closure(files: set[Path]) -> dict[Path, set[str]]:
    """The files of tests that these import, they themselves too, each with all that it imports."""
    imports: dict[Path, set[str]] = {}
    queue = list(files)
    while queue:
        path = queue.pop()
        if path not in imports:
            package = ".".join(path.relative_to(ROOT).parent.parts)
            names = {name for _, name in imported_modules(path.read_text("utf-8"), package)}
            imports[path] = names
            modules = names | {name.rpartition(".")[0] for name in names}
            queue += [file for file in map(file_of, modules) if file]
    return imports


def torch_users(files: set[Path]) -> list[str]:
    """Which of the files of tests that these need import torch, or what needs it."""
    users = ("torch", "onnx2wgsl.trainer")
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path, names in closure(files).items()
        if any(f"{name}.".startswith(f"{user}.") for name in names for user in users)
    )


@pytest.mark.parametrize("name", FREE)
def test_nothing_that_these_tests_import_is_torch(name: str) -> None:
    place = ROOT / "tests" / name
    files = {place} if place.is_file() else set(place.rglob("*.py"))
    assert files
    assert torch_users(files) == []


def test_a_user_of_torch_is_seen_behind_another_file() -> None:
    assert torch_users({ROOT / "tests" / "test_coverage.py"}) != []


ONE_OF_EACH = (
    "test_given_tensors_are_not_evaluated",
    "test_a_whole_artifact_loads",
    "test_supported_kinds_are_kinds",
    "test_it_counts_what_it_strips_and_changes_no_bit",
    "test_one_weight_off_by_one_differs",
)


def test_they_are_collected_and_one_of_each_folder_runs_where_torch_is_missing() -> None:
    """All are imported; that the others run without torch too is seen in their imports, above."""
    assert importlib.util.find_spec("torch"), "torch is not here to be blocked"
    places = [str(ROOT / "tests" / name) for name in FREE if name != "builders"]
    command = [sys.executable, "-c", BLOCKED, *places, "-k", " or ".join(ONE_OF_EACH)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert f"{len(ONE_OF_EACH)} passed" in process.stdout
