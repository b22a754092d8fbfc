"""Training: it learns, resumes as if never stopped, gates the teacher, and fails without loss."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx2wgsl.trainer.config import LossConfig, ModelConfig
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.models import MobileUNet, PatchGAN, load_generator, save_generator
from onnx2wgsl.trainer.training import loop, pix2pix
from onnx2wgsl.trainer.training.average import Average
from onnx2wgsl.trainer.training.batches import Batch
from onnx2wgsl.trainer.training.log import read_log
from onnx2wgsl.trainer.training.losses import (
    PictureLoss,
    edges,
    mouth_weights,
    spectra,
    to_bytes,
    to_network,
)
from onnx2wgsl.trainer.training.run import Result, train_student, train_teacher
from onnx2wgsl.trainer.training.schedule import factor
from onnx2wgsl.trainer.training.stopping import Stop
from onnx2wgsl.trainer.training.teacher import Teacher
from onnx2wgsl.trainer.training.watch import Watch
from torch import nn

from tests.trainer.command import refusal, succeed, train
from tests.trainer.tiny import STEPS, TRAINING, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("training") / "data")


def weights(result: Result) -> torch.Tensor:
    state = load_generator(result.best).state_dict()
    return torch.cat([value.flatten().float() for value in state.values()])


def test_a_student_learns_with_every_term_and_tells_what_it_did(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "WINDOW", 10)
    config = replace(
        TRAINING,
        loss=LossConfig(perceptual=0.1, window=32),
        model=ModelConfig(size=64, ngf=4),
        distill=replace(STEPS, epochs=12),
    )
    result = train_student(data, tmp_path / "run", config)
    assert result.finished
    assert result.iterations == (36, 36)
    assert result.metrics["score"] == max(epoch["score"] for epoch in result.history)
    assert result.metrics["psnr"] > result.history[0]["psnr"] + 2
    lines = read_log(tmp_path / "run")
    record = next(line for line in lines if line["event"] == "train")
    assert {"l1", "edge", "perceptual", "error", "rate", "seconds"} <= record.keys()
    assert [line["epoch"] for line in lines if line["event"] == "validation"] == list(range(1, 13))
    assert len(list((tmp_path / "run" / "sheets").glob("*.png"))) == 12
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_a_run_in_slices_equals_one_that_was_never_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teacher: with a discriminator, dropout, and stops within epochs."""
    whole = train_teacher(data, tmp_path / "whole", TRAINING)
    calls = iter(range(1000))
    monkeypatch.setattr(Stop, "reason", lambda _: "time" if next(calls) % 3 == 2 else None)
    slices = 0
    while True:
        part = train_teacher(data, tmp_path / "parts", TRAINING)
        slices += 1
        if part.finished:
            break
        assert part.reason == "time"
    assert slices > 3
    torch.testing.assert_close(weights(part), weights(whole), rtol=0, atol=1e-6)
    scores = [[epoch["score"] for epoch in run.history] for run in (part, whole)]
    assert scores[0] == pytest.approx(scores[1])
    iterations = [x["epoch"] for x in read_log(tmp_path / "parts") if x["event"] == "validation"]
    assert iterations == [1, 2, 3]


def test_a_finished_run_is_not_trained_again(data: Path, tmp_path: Path) -> None:
    first = train_student(data, tmp_path, TRAINING)
    before = (tmp_path / "last.pt").stat().st_mtime_ns
    second = train_student(data, tmp_path, TRAINING)
    assert second.finished
    assert second.metrics == first.metrics
    assert (tmp_path / "last.pt").stat().st_mtime_ns == before


def test_a_run_folder_of_something_else_is_refused(data: Path, tmp_path: Path) -> None:
    train_student(data, tmp_path, TRAINING)
    other = replace(TRAINING, distill=replace(STEPS, batch=4, workers=0, save_every=7))
    with pytest.raises(TrainerError, match=r"optimizer\.batch 8, asked for 4\. Give the same"):
        train_student(data, tmp_path, other)


def test_seconds_and_the_command_line(data: Path, tmp_path: Path) -> None:
    command = ["distill", data, "-o", tmp_path / "run", "--preset", "ci", "--ngf", "2"]
    command += ["--epochs", "2", "--batch", "8", "--perceptual", "0"]
    output = succeed(*command, "--seconds", "0.000001")
    assert "time is up after 0 of 6 iterations: saved; the same command goes on" in output
    assert "finished" in succeed(*command)
    assert "finished" in succeed(
        "finetune", data, "--init", tmp_path / "run", "-o", tmp_path / "tuned", "--preset", "ci",
        "--epochs", "1", "--perceptual", "0",
    )  # fmt: skip
    assert "--gan are for distill" in refusal(
        "finetune", data, "--init", tmp_path / "run", "-o", tmp_path / "x", "--gan", "1"
    )
    assert "--batch 24 or fewer" in train(*command[:3], tmp_path / "y", *command[4:], "--batch", "99").err


def test_an_interrupt_saves_and_exits(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "onnx2wgsl.trainer", "distill", str(data), "-o", str(tmp_path)]
    command += ["--preset", "ci", "--epochs", "2000", "--perceptual", "0", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "best.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted after" in out
    assert err == ""
    assert torch.load(tmp_path / "last.pt", weights_only=True)["progress"]["iteration"] > 0


def test_a_fine_tune_starts_from_its_student_and_is_never_worse(data: Path, tmp_path: Path) -> None:
    student = train_student(data, tmp_path / "student", TRAINING)
    wild = replace(TRAINING, finetune=replace(TRAINING.finetune, learning_rate=0.3, epochs=1))
    tuned = train_student(data, tmp_path / "tuned", wild, "finetune", init=tmp_path / "student")
    assert tuned.metrics["psnr"] == pytest.approx(student.metrics["psnr"])
    torch.testing.assert_close(weights(tuned), weights(student))
    with pytest.raises(TrainerError, match="--init"):
        train_student(data, tmp_path / "other", TRAINING, "finetune")


def test_phase_students_are_trained_as_one(data: Path, tmp_path: Path) -> None:
    config = replace(TRAINING, model=ModelConfig(128, 2, phases=2), distill=replace(STEPS, epochs=1))
    result = train_student(data, tmp_path, config)  # drawn anew at 128 pixels
    assert load_generator(result.best).architecture() == {"kind": "phases", "size": 128, "ngf": 2}


def test_the_gate_lets_in_only_a_better_teacher() -> None:
    teacher = Teacher(nn.Identity(), 4, 8, full_share=0.5, score=20.0)
    assert teacher.gate(19.9)
    assert teacher.share == 0.5
    assert not teacher.gate(20.0)
    assert teacher.share == 0.0


def test_a_bad_teacher_is_gated_out_of_a_run(data: Path, tmp_path: Path) -> None:
    save_generator(tmp_path / "bad.pt", MobileUNet(64, 2))
    alone = train_student(data, tmp_path / "alone", TRAINING)
    init = {"init": tmp_path / "alone"}
    once = replace(TRAINING, distill=replace(STEPS, epochs=1))
    without = train_student(data, tmp_path / "without", once, **init)
    taught = train_student(data, tmp_path / "taught", once, teacher=tmp_path / "bad.pt", **init)
    assert alone.finished
    torch.testing.assert_close(weights(taught), weights(without))
    gate = next(line for line in read_log(tmp_path / "taught") if line["event"] == "gate")
    assert gate["state"] == "closed"


def test_a_teacher_paints_each_pair_once() -> None:
    painted = []

    class Counting(nn.Module):
        def forward(self, drawing: torch.Tensor) -> torch.Tensor:
            painted.append(len(drawing))
            return -drawing

    teacher = Teacher(Counting(), 4, 8, 0.5, 20.0)
    drawings = to_network(torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8))
    teacher.pictures(torch.tensor([0, 1, 2]), drawings)
    again = teacher.pictures(torch.tensor([2, 3]), drawings[[2, 0]])
    assert painted == [3, 1]
    assert torch.equal(again, to_bytes(-drawings[[2, 0]]))


def test_pictures_survive_the_network_s_range() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(to_bytes(to_network(every)), every)


def test_the_mouth_counts_five_times() -> None:
    w = mouth_weights(torch.tensor([[2, 4, 1, 5]]), 8, 5.0)
    assert w.mean() == pytest.approx(1)
    inside = w[0, 0, 2:4, 1:5]
    assert torch.equal(inside, torch.full((2, 4), float(inside[0, 0])))
    assert float(inside[0, 0] / w[0, 0, 0, 0]) == pytest.approx(5)
    assert (w == inside[0, 0]).sum() == 8


def test_the_edge_term_sees_gradients_only() -> None:
    assert edges(torch.full((1, 3, 8, 8), 0.7), torch.ones(1, 1, 8, 8)) == 0
    step = torch.zeros(1, 3, 8, 8)
    step[..., 4:] = 1
    assert float(edges(step, torch.ones(1, 1, 8, 8))) == pytest.approx(1 / 7)


def test_the_detail_term_prefers_a_line_beside_its_place_to_none() -> None:
    line, beside, blank = (torch.zeros(1, 3, 32, 32) for _ in range(3))
    line[..., 6] = beside[..., 7] = 1
    assert float((beside - line).abs().mean()) > float((blank - line).abs().mean())
    off, without = ((spectra(other) - spectra(line)).abs().mean() for other in (beside, blank))
    assert float(off) < 0.5 * float(without)


def test_a_loss_does_not_depend_on_how_a_batch_is_divided() -> None:
    loss = PictureLoss(LossConfig(perceptual=0), None)
    torch.manual_seed(0)
    a, b = torch.rand(2, 4, 3, 32, 32)
    boxes = torch.tensor([[2, 9, 3, 8], [0, 32, 0, 32], [5, 6, 7, 9], [1, 20, 1, 4]])

    def total(part: slice) -> torch.Tensor:
        terms = loss(a[part], b[part], boxes[part], np.random.default_rng(0))
        return torch.stack(list(terms.values())).sum()

    halves = (total(slice(0, 2)) + total(slice(2, 4))) / 2
    torch.testing.assert_close(total(slice(0, 4)), halves)


def test_the_learning_rate_rises_then_falls_to_its_share() -> None:
    rates = [factor(i, 1000, 100, 0.01) for i in range(1000)]
    assert np.argmax(rates) == 100
    assert rates[100] == 1.0
    assert rates[0] < 0.02
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)
    assert factor(0, 5, 100, 0.01) == 1.0  # a run too short for a warm-up


def test_the_average_starts_quickly_and_takes_statistics_along() -> None:
    network = nn.BatchNorm2d(1)
    average = Average(network, 0.999)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(2.0)
    average.update(network)
    assert float(average.network.weight) == pytest.approx(1 + 2 * 0.9)
    assert float(average.network.running_mean) == pytest.approx(2 * 0.9)


def test_a_discriminator_that_runs_away_is_noticed() -> None:
    watch = Watch()
    assert not watch.runaway(0.2, 0.10)
    assert not watch.runaway(0.01, 0.11)  # L1 has hardly risen
    assert not watch.runaway(0.2, 0.13)  # the discriminator has not won
    assert watch.runaway(0.01, 0.13)


@pytest.mark.parametrize("action", ["drop", "stop"])
def test_a_runaway_is_reported_and_acted_upon(
    action: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "WINDOW", 2)
    monkeypatch.setattr(Watch, "runaway", lambda *_: True)
    config = replace(TRAINING, loss=replace(TRAINING.loss, gan=1.0), distill=replace(STEPS, runaway=action))
    result = train_student(data, tmp_path, config)
    assert [x["action"] for x in read_log(tmp_path) if x["event"] == "runaway"] == [action]
    assert result.reason == ("finished" if action == "drop" else "runaway")
    last = torch.load(tmp_path / "last.pt", weights_only=True)["model"]
    assert ("discriminator" in last) == (action == "stop")


def batch_of(count: int) -> Batch:
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (2, count, 3, 64, 64), dtype=torch.uint8, generator=rng)
    return Batch(*pictures, torch.tensor([[30, 40, 20, 40]] * count), torch.arange(count))


def test_each_network_steps_on_its_own_loss() -> None:
    generator, judge = MobileUNet(64, 2), PatchGAN(2)
    loss = PictureLoss(LossConfig(perceptual=0), None)
    model = pix2pix.Pix2Pix(generator, judge, loss, 1.0, STEPS, torch.device("cpu"))
    model.set_input(batch_of(4), 0)
    model.forward()
    model.backward_D()
    assert all(p.grad is None for p in generator.parameters())
    assert all(p.grad is not None for p in judge.parameters())
    before = [p.grad.clone() for p in judge.parameters()]
    model.backward_G()
    assert all(p.grad is not None for p in generator.parameters())
    assert all(torch.equal(p.grad, g) for p, g in zip(judge.parameters(), before, strict=True))
    named = {"d_fake", "d_real", "l1", "edge", "detail", "gan", "error"}
    assert named == model.terms.keys()


def test_frozen_norms_keep_their_statistics() -> None:
    generator = MobileUNet(64, 2)
    before = generator.down[0][1].running_mean.clone()
    loss = PictureLoss(LossConfig(perceptual=0), None)
    frozen = replace(STEPS, freeze_norms=True)
    model = pix2pix.Pix2Pix(generator, None, loss, 0.0, frozen, torch.device("cpu"))
    model.optimize_parameters(batch_of(1), 0, 1.0)  # a single picture will do
    assert torch.equal(generator.down[0][1].running_mean, before)
