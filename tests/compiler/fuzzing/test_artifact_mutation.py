"""Damaged artifacts, drawn by seeds: each is refused in the runtime's own error or runs as if whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.fuzzing.artifact_mutation import mutate, reseal

from tests.builders.models import model
from tests.compiler.artifacts import write

NEXT_STEPS = (
    "compile the model again",
    "make one with: onnx2wgsl compile",
    "not an artifact",
    "no description",
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    onnx.save(model("several_inputs_and_outputs"), folder / "m.onnx")
    write(folder / "m.onnx", folder / "a")
    return folder / "a"


def outcomes(artifact: Path, count: int, *options: str) -> Counter[str]:
    """What `count` mutants came to, in a process that must end well; each refusal says what to do."""
    command = [sys.executable, "-m", "tests.compiler.fuzzing.malformed", artifact, "0", str(count), *options]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
    lines = [line.split("\t") for line in process.stdout.splitlines()]
    refusals = [line[3] for line in lines if line[1] == "refused"]
    assert [text for text in refusals if not any(step in text for step in NEXT_STEPS)] == []
    return Counter(line[1] for line in lines)


def test_a_seed_makes_the_same_change_again(artifact: Path, tmp_path: Path) -> None:
    whats = []
    for seed in [*range(12), *range(12)]:
        folder = Path(shutil.copytree(artifact, tmp_path / str(len(whats))))
        whats.append(mutate(folder, seed))
    assert whats[:12] == whats[12:]
    assert len(set(whats)) > 9


def test_a_damaged_artifact_is_refused_or_runs_as_if_whole(artifact: Path) -> None:
    counts = outcomes(artifact, 60)
    assert set(counts) == {"refused", "right"}
    assert counts["refused"] > 40


def test_one_whose_hashes_are_right_is_loaded_or_refused(artifact: Path) -> None:
    assert set(outcomes(artifact, 100, "--sealed")) == {"refused", "loaded"}


def test_resealing_what_is_whole_changes_nothing(artifact: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(artifact, tmp_path / "a"))
    reseal(folder)
    assert (folder / "model.json").read_bytes() == (artifact / "model.json").read_bytes()
