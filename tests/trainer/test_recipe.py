"""onnx2wgsl-train recipe: what a model of models/ is made by, in slices."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from onnx2wgsl.trainer import config
from onnx2wgsl.trainer.cli import recipe as command
from onnx2wgsl.trainer.config import DataConfig, ModelConfig
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.evaluation.predict import load
from onnx2wgsl.trainer.models import MobileUNet, save_generator
from onnx2wgsl.trainer.training.log import read_log

from tests.trainer import tiny
from tests.trainer.command import refusal

SMALL = replace(
    tiny.ONCE,
    data=DataConfig(size=64, train=24, val=6, pose_extreme=0, speech=0, dev=6, shard=24),
    model=ModelConfig(size=64, ngf=8),
    file="small_u8.onnx",
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.command, [str(argument) for argument in arguments])


def test_a_recipe_goes_on_where_its_time_was_up_and_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config.PRESETS, "avatar256", SMALL)
    options = ("avatar256", "-o", tmp_path, "--processes", 1, "--amp")
    result = run(*options, "--seconds", 1e-6)
    assert result.exception is None, result.exception
    assert f"{tmp_path}: to be gone on with by the same command" in result.output
    assert not (tmp_path / "small_u8.onnx").exists()
    result = run(*options)
    assert result.exception is None, result.exception
    assert "0 rendered" not in result.output
    assert re.search(r"small_u8\.onnx: \d+ bytes, int8 [\d.]+ dB from float; exact: 0 of", result.output)
    about = {entry.key: entry.value for entry in onnx.load(tmp_path / "small_u8.onnx").metadata_props}
    data = json.loads(about["onnx2wgsl.data"])
    assert (data["seed"], data["noise"], data["train"]) == (0, 0.1, 24)
    recipe = json.loads(about["onnx2wgsl.recipe"])
    assert recipe["optimizer"]["amp"]
    # Each iteration was made once.
    steps = [entry["iteration"] for entry in read_log(tmp_path / "student") if entry["event"] == "validation"]
    assert steps == sorted(set(steps))


def test_a_model_that_shipped_is_where_a_recipe_may_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(config.PRESETS, "avatar256", SMALL)
    assert run("avatar256", "-o", tmp_path / "one", "--processes", 1).exception is None
    start = tmp_path / "one" / "small_u8.onnx"
    result = run("avatar256", "-o", tmp_path / "two", "--processes", 1, "--init", start)
    assert result.exception is None, result.exception
    about = json.loads((tmp_path / "two" / "student" / "config.json").read_text())
    assert re.fullmatch("[0-9a-f]{64}", about["init"])


def test_four_phase_students_start_from_one_net_and_learn_from_a_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(
        SMALL,
        data=replace(SMALL.data, size=128),
        model=ModelConfig(size=128, ngf=4, phases=2),
        base=SMALL.distill,
        file="weave_u8.onnx",
    )
    monkeypatch.setitem(config.PRESETS, "weave256", small)
    save_generator(tmp_path / "teacher.pt", MobileUNet(128, 8))
    options = ("weave256", "-o", tmp_path / "run", "--processes", 1, "--teacher", tmp_path / "teacher.pt")
    assert run(*options, "--seconds", 1e-6).exception is None
    assert (tmp_path / "run" / "base").exists()
    assert not (tmp_path / "run" / "student").exists()
    result = run(*options)
    assert result.exception is None, result.exception
    names = [f"weave_u8_{number}.onnx" for number in range(4)]
    assert sorted(path.name for path in (tmp_path / "run").glob("*.onnx")) == names
    base, student = (
        json.loads((tmp_path / "run" / name / "config.json").read_text()) for name in ("base", "student")
    )
    assert (base["model"]["size"], base["teacher"], base["init"]) == (64, None, None)
    assert re.fullmatch("[0-9a-f]{64}", student["init"])
    assert re.fullmatch("[0-9a-f]{64}", student["teacher"])
    small_drawings = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    woven = load(tmp_path / "run" / "weave_u8.onnx", 128)(small_drawings.repeat(2, 1).repeat(2, 2))
    for phase, name in enumerate(names):
        pictures = load(tmp_path / "run" / name, 64)(small_drawings)
        np.testing.assert_array_equal(woven[:, phase // 2 :: 2, phase % 2 :: 2], pictures)
    (tmp_path / "run" / "weave_u8_3.onnx").unlink()
    with pytest.raises(TrainerError, match=r"weave_u8_3\.onnx: no such file"):
        load(tmp_path / "run" / "weave_u8.onnx", 128)


def test_what_no_recipe_is_made_of_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    result = run("beige", "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "'avatar256', 'ember256', 'avatar512', 'weave256'" in result.output
    (tmp_path / "no.onnx").write_text("no model")
    message = refusal("recipe", "avatar256", "-o", tmp_path / "run", "--init", tmp_path / "no.onnx")
    assert "no.onnx is no int8 model of onnx2wgsl-train ship" in message
    save_generator(tmp_path / "small.pt", MobileUNet(64, 8))
    message = refusal("recipe", "avatar512", "-o", tmp_path / "run", "--init", tmp_path / "small.pt")
    assert "give a generator of the same kind, size and channels" in message
    message = refusal("recipe", "weave256", "-o", tmp_path / "run", "--teacher", tmp_path / "small.pt")
    assert "small.pt makes pictures of 64 pixels, the student of 256" in message
    assert not (tmp_path / "run").exists()
