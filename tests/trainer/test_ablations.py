"""onnx2wgsl-train ablate: runs that differ in one thing, figures, a verdict on each finding."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.evaluation import ablations
from onnx2wgsl.trainer.evaluation.ablations import Ablations, Budget, steps, take
from onnx2wgsl.trainer.evaluation.findings import FINDINGS, Finding, write_findings
from rich.console import Console

from tests.trainer.tiny import CONFIG, write_data

BUDGET = Budget(size=64, pairs=8, pairs_held_out=2, epochs=1)


def differences(a: Any, b: Any, place: str = "") -> Iterator[str]:
    """Places in which two configurations differ."""
    if isinstance(a, dict):
        for name in a:
            yield from differences(a[name], b[name], f"{place}.{name}".lstrip("."))
    elif a != b:
        yield place


def test_each_run_differs_from_the_baseline_in_one_thing() -> None:
    by_name = {step.name: step for step in steps(Budget())}
    base = asdict(by_name["baseline"].config)
    changed = {name: list(differences(base, asdict(step.config))) for name, step in by_name.items()}
    assert changed["mouth-1"] == ["loss.mouth"]
    assert changed["ngf-24"] == ["model.ngf"]
    assert changed["double"] == ["model.pixels"]
    assert changed["gan"] == ["loss.gan"]
    assert changed["taught"] == ["loss.teacher"]
    assert changed["silent"] == changed["gan-free"] == changed["teacher"] == []


def test_a_gan_gets_as_many_iterations_with_as_without_it() -> None:
    by_name = {step.name: step.config for step in steps(Budget(epochs=4))}
    then_without = by_name["gan"].distill.epochs + by_name["gan-free"].finetune.epochs
    assert by_name["gan-long"].distill.epochs == then_without == 6


def test_every_finding_compares_runs_that_are_made() -> None:
    names = {step.name for step in steps(Budget())}
    assert {name for finding in FINDINGS for name in (finding.before, finding.after)} <= names
    assert len({finding.title for finding in FINDINGS}) == 8


def test_a_verdict_says_whether_it_got_better() -> None:
    lower = Finding("", "", "a", "b", "val", "mouth_perc")
    assert lower.verdict(2.0, 1.5) == "reproduced (-25.0%)"
    assert lower.verdict(2.0, 2.01) == "NOT reproduced, no difference (+0.5%)"
    assert lower.verdict(2.0, 3.0) == "NOT reproduced, it is the other way round (+50.0%)"
    higher = Finding("", "", "a", "b", "val", "sharpness")
    assert higher.verdict(0.2, 0.9) == "reproduced (+350.0%)"


def test_steps_are_done_once_and_the_report_says_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [step for step in steps(BUDGET) if step.name in ("baseline", "mouth-1")]
    monkeypatch.setattr(ablations, "steps", lambda _: two)

    def run(seconds: float | None) -> bool:
        return Ablations(tmp_path, BUDGET, 1, Console(quiet=True)).run(seconds)

    assert not run(0)
    assert not (tmp_path / "baseline").exists()
    assert run(None)
    mtime = (tmp_path / "baseline" / "figures.json").stat().st_mtime_ns
    assert run(None)
    assert (tmp_path / "baseline" / "figures.json").stat().st_mtime_ns == mtime
    figures = json.loads((tmp_path / "mouth-1" / "figures.json").read_text())
    assert figures["epochs"] == [1, 1]
    assert figures["best"] == figures["latest"]
    text = write_findings(Ablations(tmp_path, BUDGET, 1, Console(quiet=True))).read_text()
    assert text.count("not measured yet") == len(FINDINGS) - 1
    assert "| baseline | ngf 16, mouth weight 5" in text
    assert (tmp_path / "sheets" / "speech.jpg").is_file()


def test_pairs_are_taken_from_a_larger_data_set(tmp_path: Path) -> None:
    source = write_data(tmp_path / "source")
    few = DataConfig(size=64, train=10, val=2, pose_extreme=2, speech=2, dev=2, shard=4)
    take(source, tmp_path / "few", few)
    targets = store.read_split(source, "train").targets[8:10]
    shard = store.read_shard(tmp_path / "few" / "train-00002.npz", 2, 64)
    assert (shard.targets == targets).all()
    with pytest.raises(TrainerError, match="these ablations need 128"):
        take(source, tmp_path / "other", DataConfig(size=128))
    assert CONFIG.train > few.train
