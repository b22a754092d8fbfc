"""What a user owns is not written over by the trainer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.trainer.config import Config
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.export.ship import ship
from onnx2wgsl.trainer.files import write_whole
from onnx2wgsl.trainer.models import MobileUNet, save_generator
from onnx2wgsl.trainer.training.run import train_student
from PIL import Image

from tests.cli.harm import tree
from tests.trainer.command import refusal, succeed

LANDMARKS = Path(__file__).parents[2] / "models" / "pictures" / "astronaut_landmarks.npy"
NOT_OURS = "is none that this command wrote; it is left as it is: give another place, or remove it"


@pytest.fixture(scope="module")
def student(model: MobileUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("student") / "best.pt"
    save_generator(path, model)
    return path


def refused(folder: Path, run: Callable[[], object]) -> str:
    """The message; the folder stays as it is."""
    before = tree(folder)
    with pytest.raises(TrainerError) as caught:
        run()
    assert tree(folder) == before
    return str(caught.value)


@pytest.mark.parametrize("name", ["README.md", "figures.json"])
def test_a_report_takes_the_place_of_reports_alone(
    student: Path, data: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("# My project")
    message = refusal("evaluate", data, "--row", f"student={student}", "-o", tmp_path)
    assert message == f"{tmp_path / name} {NOT_OURS}"
    assert tree(tmp_path) == {name: b"# My project"}


def test_findings_take_the_place_of_findings_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project")
    assert NOT_OURS in refusal("ablate", "-o", tmp_path)
    assert tree(tmp_path) == {"README.md": b"# My project"}


def test_a_run_takes_no_config_of_another_tool(data: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    message = refused(tmp_path, lambda: train_student(data, tmp_path, Config()))
    assert message == f"{tmp_path / 'config.json'} {NOT_OURS}"


def test_a_run_takes_no_checkpoint_of_another_tool(data: Path, tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"weeks of training")
    message = refused(tmp_path, lambda: train_student(data, tmp_path, Config()))
    assert message == f"{tmp_path} holds a best.pt, but neither config.json nor last.pt: give another folder"


@pytest.mark.parametrize("name", ["avatar.onnx", "avatar.json"])
def test_a_shipment_takes_the_place_of_shipments_alone(
    student: Path, data: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(json.dumps({"mine": 1}))
    message = refused(tmp_path, lambda: ship(student, data, tmp_path / "avatar.onnx"))
    assert message == f"{tmp_path / name} {NOT_OURS}"


def test_a_drawing_takes_the_place_of_drawings_alone(tmp_path: Path) -> None:
    drawing, points = (tmp_path / f"astronaut_landmarks.{suffix}" for suffix in ("png", "npy"))
    for size in ("64", "32"):
        succeed("landmarks", LANDMARKS, "-o", tmp_path, "--size", size, "--npy")
    with Image.open(drawing) as picture:
        assert picture.size == (32, 32)
    Image.new("RGB", (32, 32)).save(drawing)
    before = tree(tmp_path)
    assert refusal("landmarks", LANDMARKS, "-o", tmp_path) == f"{drawing} {NOT_OURS}"
    assert tree(tmp_path) == before
    drawing.unlink()
    np.save(points, np.zeros(3))
    before = tree(tmp_path)
    assert f"{points} {NOT_OURS}" in refusal("landmarks", LANDMARKS, "-o", tmp_path, "--npy")
    assert tree(tmp_path).items() >= before.items()


def test_a_link_stays_and_its_file_is_written_with_its_mode(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"after")
    assert os.readlink(tmp_path / "link") == "file"
    assert (tmp_path / "file").read_bytes() == b"after"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_not_written_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TrainerError, match=r"pipe can't be written: it is no regular file\. What was"):
        write_whole(tmp_path / "pipe", b"after")
    assert (tmp_path / "pipe").is_fifo()
