"""Damaged artifacts, drawn by seeds; what runtimes make of them is in tests/property/test_malformed.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.fuzzing.artifact_mutation import mutate, reseal

from tests.builders.models import model
from tests.compiler.artifacts import write


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    onnx.save(model("several_inputs_and_outputs"), folder / "m.onnx")
    write(folder / "m.onnx", folder / "a")
    return folder / "a"


def test_a_seed_makes_the_same_change_again(artifact: Path, tmp_path: Path) -> None:
    whats = []
    for seed in [*range(12), *range(12)]:
        folder = Path(shutil.copytree(artifact, tmp_path / str(len(whats))))
        whats.append(mutate(folder, seed))
    assert whats[:12] == whats[12:]
    assert len(set(whats)) > 9


def test_resealing_what_is_whole_changes_nothing(artifact: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(artifact, tmp_path / "a"))
    reseal(folder)
    assert (folder / "model.json").read_bytes() == (artifact / "model.json").read_bytes()
