"""Damaged artifacts, drawn by seeds; what runtimes make of them is in tests/property/test_malformed.py."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.fuzzing.artifact_mutation import BREAKS, Rng, mutate, reseal
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.errors import ArtifactError

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


LOADER = Path(__file__).parents[2] / "js" / "load_artifacts.js"
PYTHON_ALONE = ("a deep shader", "a link elsewhere")
"""What JavaScript takes: browsers bound a shader themselves, and servers know where files may lie."""


def test_both_runtimes_refuse_what_breaks_a_rule_and_say_it_in_one_error(
    artifact: Path, tmp_path: Path
) -> None:
    folders: dict[Path, str] = {}
    for what, change in BREAKS.items():
        for seed in range(6):
            folder = Path(shutil.copytree(artifact, tmp_path / f"{what} {seed}"))
            change(folder, Rng(seed))
            with pytest.raises(ArtifactError):
                load_artifact(folder)
            if what not in PYTHON_ALONE:
                folders[folder] = what
    command = ["node", LOADER, *folders]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(told) == len(folders)
    for folder, problem in zip(folders, told, strict=True):
        assert problem is not None, folder.name
        assert problem.startswith(("ArtifactError: ", "MissingFileError: ")), (folder.name, problem)
