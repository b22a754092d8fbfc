"""The mean of runs."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from onnx2wgsl.trainer.export.provenance import command
from onnx2wgsl.trainer.models import MobileUNet, load_generator, save_generator

from tests.trainer.command import refusal, succeed


def runs(folder: Path, *widths: int) -> list[str]:
    paths = []
    for index, ngf in enumerate(widths):
        path = folder / f"{index}.pt"
        save_generator(path, MobileUNet(64, ngf))
        paths.append(str(path))
    return paths


def test_weights_and_statistics_are_the_mean_by_shares(tmp_path: Path) -> None:
    a, b = runs(tmp_path, 2, 2)
    succeed("blend", f"{a}=0.75", f"{b}=0.25", "-o", str(tmp_path / "run"))
    one, two, mean = (load_generator(Path(path)).state_dict() for path in (a, b, str(tmp_path / "run")))
    for name, value in mean.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * one[name] + 0.25 * two[name])
    recipe = json.loads((tmp_path / "run" / "config.json").read_text())
    assert command(recipe) == "onnx2wgsl-train blend RUN1=0.75 RUN2=0.25 -o RUN"


def test_what_cannot_be_blended_is_refused(tmp_path: Path) -> None:
    a, b = runs(tmp_path, 2, 4)
    out = ("-o", str(tmp_path / "run"))
    assert "only nets of one architecture" in refusal("blend", f"{a}=0.5", f"{b}=0.5", *out)
    assert "sum to 1; these sum to 0.9" in refusal("blend", f"{a}=0.5", f"{a}=0.4", *out)
    assert "write RUN=SHARE" in refusal("blend", a, *out)
    assert "sum to 1; these sum to nan" in refusal("blend", f"{a}=nan", f"{a}=0.5", *out)
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_trained_is_not_written_over(tmp_path: Path) -> None:
    (a,) = runs(tmp_path, 2)
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text('{"stage": "distill"}')
    assert "holds a run that was trained" in refusal("blend", f"{a}=1", "-o", str(run))
    (run / "config.json").write_text('{"stage": ')
    assert "config.json can't be read (it is no JSON" in refusal("blend", f"{a}=1", "-o", str(run))
    assert not (run / "best.pt").exists()


def test_a_blend_can_be_made_again(tmp_path: Path) -> None:
    (a,) = runs(tmp_path, 2)
    for _ in range(2):
        succeed("blend", f"{a}=1", "-o", str(tmp_path / "run"))
