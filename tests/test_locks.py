"""The locks of requirements/: what `make` and CI install, bounded, hashed and in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUN = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
ALL = [*RUN, *(one for extra in EXTRAS.values() for one in extra)]
OUTSIDE = {"torch"}  # which of its builds is right depends on the machine


def entries(lock: Path) -> list[str]:
    """The requirements of a lock, each with its hashes, on one line."""
    text = lock.read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def versions(lock: Path) -> dict[str, list[str]]:
    """By name, the versions that are locked: one, or one for each of several Pythons or systems."""
    by_name: dict[str, list[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split("--hash")[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", entry
        by_name.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    return by_name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_package_has_its_version_and_hashes(lock: Path) -> None:
    assert versions(lock)
    for entry in entries(lock):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("text", ALL)
def test_each_dependency_is_bounded(text: str) -> None:
    operators = {part.operator for part in Requirement(text).specifier}
    assert operators & {"<", "==", "~="}, text


@pytest.mark.parametrize(("lock", "wanted"), [("run", RUN), ("dev", ALL)])
def test_a_lock_holds_what_pyproject_asks_for(lock: str, wanted: list[str]) -> None:
    locked = versions(ROOT / "requirements" / f"{lock}.txt")
    for requirement in map(Requirement, wanted):
        if requirement.name in OUTSIDE:
            assert requirement.name not in locked
            continue
        for version in locked[canonicalize_name(requirement.name)]:
            assert version in requirement.specifier, f"{requirement}: run make lock"


def test_both_locks_have_the_same_versions() -> None:
    run, dev = (versions(ROOT / "requirements" / f"{name}.txt") for name in ("run", "dev"))
    assert run.items() <= dev.items()


def test_setup_installs_nothing_but_torch_without_a_hash() -> None:
    calls = re.findall(r"^ +pip_install .+", (ROOT / "scripts/setup.sh").read_text(), re.MULTILINE)
    free = [call.strip() for call in calls if "--require-hashes" not in call]
    assert free == ['pip_install "$torch"', "pip_install --no-deps --no-build-isolation -e ."]
