"""What goes wrong in training is told, and what was trained is kept."""

from __future__ import annotations

import json
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.training import pix2pix
from onnx2wgsl.trainer.training.run import train_student

from tests.trainer.tiny import STEPS, TRAINING


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_a_batch_too_large_is_told_and_the_checkpoint_kept(
    error: Exception, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(TRAINING, distill=replace(STEPS, save_every=2))
    step, count = pix2pix.Pix2Pix.optimize_parameters, iter(range(100))

    def failing(self: pix2pix.Pix2Pix, *args: object) -> object:
        if next(count) == 5:
            raise error
        return step(self, *args)

    monkeypatch.setattr(pix2pix.Pix2Pix, "optimize_parameters", failing)
    with pytest.raises(TrainerError, match=r"a batch of 8 does not fit .* --batch 4"):
        train_student(data, tmp_path, config)
    monkeypatch.undo()
    assert torch.load(tmp_path / "last.pt", weights_only=True)["progress"]["iteration"] == 4
    assert train_student(data, tmp_path, config).finished


def test_a_loss_that_is_no_number_is_not_saved(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_student(data, tmp_path, TRAINING)
    good = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "config.json").unlink()
    longer = replace(TRAINING, distill=replace(STEPS, epochs=5))
    nan = {"l1": torch.tensor(float("nan"))}
    monkeypatch.setattr(pix2pix.Pix2Pix, "optimize_parameters", lambda *_: nan)
    with pytest.raises(TrainerError, match="lower --learning-rate"):
        train_student(data, tmp_path, longer)
    assert (tmp_path / "last.pt").read_bytes() == good


def test_a_full_disk_is_told_and_the_checkpoint_stays_whole(data: Path, tmp_path: Path) -> None:
    train_student(data, tmp_path, replace(TRAINING, distill=replace(STEPS, epochs=1)))
    good = (tmp_path / "last.pt").read_bytes()
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["optimizer"]["epochs"] = 3
    (tmp_path / "config.json").write_text(json.dumps(settings))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, limits[1]))
    try:
        with pytest.raises(TrainerError, match=r"can't be written: .* make room"):
            train_student(data, tmp_path, TRAINING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "last.pt").read_bytes() == good
    assert train_student(data, tmp_path, TRAINING).finished


def test_a_broken_checkpoint_is_told(data: Path, tmp_path: Path) -> None:
    train_student(data, tmp_path, TRAINING)
    (tmp_path / "last.pt").write_bytes((tmp_path / "last.pt").read_bytes()[:1000])
    with pytest.raises(TrainerError, match=r"last\.pt can't be read"):
        train_student(data, tmp_path, TRAINING)
