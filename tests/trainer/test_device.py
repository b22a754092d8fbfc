"""The device check: a GPU that torch can't use is told, not trained beside."""

from __future__ import annotations

import pytest
import torch
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.training import device
from onnx2wgsl.trainer.training.device import Machine, choose, unused_gpu

from tests.trainer.command import succeed, train

CPU_ONLY = Machine(
    torch="2.13.0+cpu", cuda=None, usable=False, gpus=(), capability="", kernels=(),
    driver=("NVIDIA RTX 5090",), threads=2, cpu="AVX2",
)  # fmt: skip
BLACKWELL = Machine(
    torch="2.4.0+cu121", cuda="12.1", usable=True, gpus=("NVIDIA RTX 5090",),
    capability="sm_120", kernels=("sm_80", "sm_90"), driver=("NVIDIA RTX 5090",), threads=2,
    cpu="AVX2",
)  # fmt: skip


def test_a_gpu_that_torch_does_not_see_is_a_warning() -> None:
    assert "RTX 5090" in (unused_gpu(CPU_ONLY) or "")
    assert "for CPUs only" in (unused_gpu(CPU_ONLY) or "")
    assert choose("auto", CPU_ONLY) == torch.device("cpu")
    with pytest.raises(TrainerError, match="for CPUs only"):
        choose("cuda", CPU_ONLY)


def test_a_torch_without_kernels_for_the_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: torch.device) -> float:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(device, "exercise", fail)
    with pytest.raises(TrainerError, match=r"sm_120.*no kernel image.*sm_80, sm_90.*cu128"):
        choose("auto", BLACKWELL)


def test_a_gpu_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (0.3, float("nan")):
        monkeypatch.setattr(device, "exercise", lambda _, wrong=wrong: wrong)
        with pytest.raises(TrainerError, match="something else than the CPU"):
            choose("cuda:0", BLACKWELL)


def test_devices_that_there_are_not_are_told() -> None:
    with pytest.raises(TrainerError, match="finds these GPUs: NVIDIA RTX 5090"):
        choose("cuda:3", BLACKWELL)
    with pytest.raises(TrainerError, match="choose auto, cpu, cuda"):
        choose("tpu", BLACKWELL)


def test_the_exercise_agrees_with_itself() -> None:
    assert device.exercise(torch.device("cpu")) == 0


def test_doctor_computes_and_says_what_it_found() -> None:
    output = succeed("doctor", "--device", "cpu")
    assert f"torch {torch.__version__}" in output
    assert "s an iteration of 4 in fp32" in output
    assert "Ready: training runs on cpu." in output
    result = train("doctor", "--device", "tpu")
    assert result.status == 1
    assert "choose auto" in result.err
