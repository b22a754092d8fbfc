"""Two processes train what one trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from onnx2wgsl.trainer.models import MobileUNet, load_generator, save_generator
from onnx2wgsl.trainer.training.log import read_log

from tests.trainer.tiny import write_data

OPTIONS = ["--preset", "ci", "--epochs", "2", "--batch", "8", "--device", "cpu", "--threads", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distributed")
    write_data(folder / "data")
    torch.manual_seed(0)
    student = MobileUNet(64, 2)
    for _ in range(5):
        student(torch.rand(8, 3, 64, 64) * 2 - 1)  # norms with statistics
    save_generator(folder / "student.pt", student)
    return folder


def run(folder: Path, name: str, processes: int, *options: str) -> torch.Tensor:
    """The best weights of a run by so many processes."""
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    stage, *rest = options
    command = [sys.executable, *(launch if processes > 1 else []), "-m", "onnx2wgsl.trainer"]
    command += [stage, str(folder / "data"), "-o", str(folder / name), *OPTIONS, *rest]
    # One thread each: gloo's processes share these cores.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert process.returncode == 0, process.stderr
    state = load_generator(folder / name).state_dict()
    return torch.cat([value.flatten().float() for value in state.values()])


def test_two_processes_fine_tune_to_what_one_does(folder: Path) -> None:
    """With frozen norms: gloo has no SyncBatchNorm, so live ones see half of a batch each."""
    options = ["finetune", "--init", str(folder / "student.pt"), "--perceptual", "0.1"]
    one = run(folder, "one", 1, *options)
    two = run(folder, "two", 2, *options)
    start = torch.cat(
        [v.flatten().float() for v in load_generator(folder / "student.pt").state_dict().values()]
    )
    assert (one - start).abs().max() > 1e-3, "it must have trained"
    torch.testing.assert_close(two, one, rtol=0, atol=2e-5)
    events = [line["event"] for line in read_log(folder / "two")]
    assert events.count("validation") == 2, "one process logs"


def test_two_processes_train_a_gan_together(folder: Path) -> None:
    """Generator and discriminator with live norms; see distributed.py for how near it is to one."""
    weights = run(folder, "gan", 2, "teacher", "--ngf", "2", "--ndf", "2")
    assert torch.isfinite(weights).all()
    last = torch.load(folder / "gan" / "last.pt", weights_only=True)
    assert last["progress"]["iteration"] == 6
    assert "discriminator" in last["model"]
