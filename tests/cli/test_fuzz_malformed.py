"""onnx2wgsl fuzz --malformed: damaged files, tried in a process with limits."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest
from onnx2wgsl.compiler.cli.malformed import hunt
from rich.console import Console

from tests.command import onnx2wgsl, succeed
from tests.compiler.fuzzing.wrong import Wrong


def test_models_and_artifacts_are_tried_in_turn() -> None:
    text = succeed("fuzz", "--malformed", "--op", "conv", "--examples", "12", "--seed", "5")
    assert text.startswith("0 faults in 12 damaged files: ")
    assert "refused" in text


def test_only_models() -> None:
    text = succeed("fuzz", "--malformed=models", "--graphs", "--examples", "6")
    assert text.startswith("0 faults in 6 damaged files: ")


def test_faults_are_written_down_with_the_command_that_shows_them(tmp_path: Path) -> None:
    text = io.StringIO()
    with pytest.raises(click.exceptions.Exit) as exit_:
        hunt(Console(file=text, width=200), [Wrong()], 5, None, tmp_path / "faults")
    assert exit_.value.exit_code == 1
    lines = text.getvalue().splitlines()
    faults = tmp_path / "faults"
    assert lines[0] == f"{faults}/wrong-0: internal error: internal error: a pass left nonsense"
    assert lines[1] == f"  replay: onnx2wgsl compile {faults}/wrong-0"
    assert lines[2].startswith(f"{faults}/wrong-1: exception: KeyError at wrong.py:")
    assert lines[4] == f"{faults}/wrong-3: wrong: 1 of 2 values"
    assert (
        lines[-1] == "3 FAULTS in 5 damaged files: 1 exception, 1 internal error, 1 refused, 1 right, 1 wrong"
    )
    assert sorted(path.name for path in faults.iterdir()) == ["wrong-0", "wrong-1", "wrong-3"]


def test_a_file_with_the_name_of_a_fault_stays(tmp_path: Path) -> None:
    (tmp_path / "wrong-0").write_text("mine")
    with pytest.raises(click.exceptions.Exit):
        hunt(Console(file=io.StringIO()), [Wrong()], 2, None, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"wrong-0": "mine", "wrong-1": "1"}


def test_another_kind_of_file_is_a_usage_error() -> None:
    result = onnx2wgsl("fuzz", "--malformed=pictures")
    assert result.status == 2
    assert "'models', 'artifacts', 'both'" in result.err
