"""A data set is made once, bit for bit, whatever happens on the way."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data import generate as module
from onnx2wgsl.trainer.data.generate import Report, generate, make_pairs
from onnx2wgsl.trainer.data.store import Pairs, read_shard, read_split, write_shard
from onnx2wgsl.trainer.errors import TrainerError
from rich.console import Console

CONFIG = DataConfig(size=64, train=3, val=1, pose_extreme=2, speech=2, dev=0, shard=2)
SHARDS = ["pose-extreme-00000", "speech-00000", "train-00000", "train-00001", "val-00000"]


def make(folder: Path, config: DataConfig = CONFIG, processes: int = 1) -> Report:
    return generate(config, folder, processes, Console(file=io.StringIO()))


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("*.npz"))
    return {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set made in one go by one process."""
    folder = tmp_path_factory.mktemp("data") / "made" / "here"
    report = make(folder)
    assert (report.rendered, report.existing) == (8, 0)
    return folder


@pytest.fixture
def folder(tmp_path: Path, finished: Path) -> Path:
    """A copy of it, to be changed at will."""
    return Path(shutil.copytree(finished, tmp_path / "data"))


def test_two_processes_make_the_same_bytes(tmp_path: Path, finished: Path) -> None:
    report = make(tmp_path, processes=2)
    assert list(hashes(tmp_path)) == SHARDS
    assert hashes(tmp_path) == hashes(finished)
    description = json.loads((tmp_path / "dataset.json").read_text())
    assert description["pairs_per_second"] == round(report.pairs_per_second, 2) > 0
    assert description["splits"] == {
        "train": 3,
        "val": 1,
        "pose-extreme": 2,
        "speech": 2,
        "tracked": 0,
        "dev": 0,
    }


def test_pairs_do_not_depend_on_their_shard(finished: Path) -> None:
    third = make_pairs(CONFIG, "train", 2, 1)
    pairs = read_split(finished, "train")
    np.testing.assert_array_equal(third.targets[0], pairs.targets[2])
    np.testing.assert_array_equal(third.inputs[0], pairs.inputs[2])
    np.testing.assert_array_equal(third.landmarks[0], pairs.landmarks[2])


def test_a_finished_data_set_is_kept_as_it_is(folder: Path) -> None:
    times = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    report = make(folder)
    assert (report.rendered, report.existing, report.pairs_per_second) == (0, 8, 0)
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == times


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "other", "stale"])
def test_only_a_bad_shard_is_made_anew(folder: Path, finished: Path, damage: str) -> None:
    path = folder / "train-00000.npz"
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
    elif damage == "other":
        shutil.copy(folder / "val-00000.npz", path)
    else:  # whole and well-formed, but not what this renderer makes
        shutil.copy(folder / "speech-00000.npz", path)
    report = make(folder)
    assert (report.rendered, report.existing) == (2, 6)
    assert hashes(folder) == hashes(finished)


def test_a_new_drawing_is_made_of_the_same_pictures(folder: Path, finished: Path) -> None:
    path = folder / "train-00000.npz"
    pairs = read_shard(path, 2, 64)
    write_shard(path, Pairs(255 - pairs.inputs, pairs.targets, pairs.landmarks))
    assert hashes(folder) != hashes(finished)
    assert make(folder).rendered == 0
    assert hashes(folder) == hashes(finished)


def test_another_configuration_is_refused_with_what_differs(folder: Path, finished: Path) -> None:
    with pytest.raises(TrainerError, match=r"seed 0 there, 7 asked for; size 64 there, 32 asked"):
        make(folder, replace(CONFIG, seed=7, size=32))
    assert hashes(folder) == hashes(finished)


def test_a_stylized_data_set_is_not_overwritten(folder: Path) -> None:
    path = folder / "dataset.json"
    path.write_text(path.read_text().replace('"source": "data"', '"source": "stylize"'))
    with pytest.raises(TrainerError, match="it was made by onnx2wgsl-train stylize"):
        make(folder)


def test_an_unknown_look_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="no look is named 'beige'"):
        make(tmp_path / "data", replace(CONFIG, look="beige"))
    assert not (tmp_path / "data").exists()


def test_what_was_made_before_an_interrupt_stays(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = module.make_pairs, []

    def interrupted(*arguments: object) -> object:
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(arguments)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "make_pairs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == [
        "dataset.json", "train-00000.npz", "train-00001.npz", "val-00000.npz",
    ]  # fmt: skip
    report = make(tmp_path)
    assert (report.rendered, report.existing) == (4, 4)
    assert hashes(tmp_path) == hashes(finished)


def command(folder: Path, processes: int, **counts: int) -> list[str]:
    options = [f"--{name.replace('_', '-')}={count}" for name, count in counts.items()]
    return [
        sys.executable, "-m", "onnx2wgsl.trainer", "data", "-o", str(folder), "--preset=ci",
        f"--processes={processes}", *options,
    ]  # fmt: skip


def test_ctrl_c_finishes_the_shards_in_work(tmp_path: Path) -> None:
    arguments = command(tmp_path, 2, size=32, train=4000)
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("train-*.npz")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (
        130,
        "interrupted: finishing the shards in work\n",
        "\ninterrupted\n",
    )
    assert not list(tmp_path.glob(".*")), "no half-written file is left"
    description = json.loads((tmp_path / "dataset.json").read_text())
    config = DataConfig(**description["config"])
    shards = len(list(tmp_path.glob("*.npz")))
    assert 1 <= shards < 4000 / config.shard


def test_a_full_disk_is_told_and_earlier_shards_stay(tmp_path: Path) -> None:
    """A limit on the size of a file stands for a disk without room: both fail a write."""
    limit = 64 * 64 * 3 * 2 * 2  # bytes: more than a pair, fewer than two with their landmarks
    process = subprocess.run(
        command(tmp_path, 1, size=64, train=1, val=2, pose_extreme=0, speech=0, dev=0),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.startswith(f"error: {tmp_path / 'val-00000.npz'} can't be written: File too")
    assert "run the same command again" in process.stderr
    assert process.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["dataset.json", "train-00000.npz"]
    assert len(read_split(tmp_path, "train")) == 1


def test_pictures_show_what_the_drawings_show(finished: Path) -> None:
    """The landmarks' lips are where the avatar's mouth is, the background is not."""
    for split in ("train", "val", "pose-extreme", "speech"):
        pairs = read_split(finished, split)
        lines = pairs.inputs.max(3) > 0
        assert 0.05 < lines.mean() < 0.6
        faces = pairs.targets[lines].astype(float).mean(0)
        rest = pairs.targets[~lines].astype(float).mean(0)
        assert faces.mean() > rest.mean() + 20
