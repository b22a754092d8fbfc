"""Files of the right form that hold something else than they should: one error names each."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.models import MobileUNet, load_generator, load_metrics, save_generator
from onnx2wgsl.trainer.models.checksum import digest
from onnx2wgsl.trainer.models.files import read_foreign, write
from onnx2wgsl.trainer.training.log import read_log
from onnx2wgsl.trainer.training.perceptual import VGG16Distance
from onnx2wgsl.trainer.training.run import train_student

from tests.trainer.tiny import ONCE, Evil


def changed(content: dict[str, Any], change: str) -> dict[str, Any]:
    """What a generator's file has, but for one thing."""
    state, architecture = dict(content["state"]), dict(content["architecture"])
    first = next(iter(state))
    changes: dict[str, dict[str, Any]] = {
        "no state": {"state": None},
        "another list": {"state": list(state.values())},
        "a key is missing": {"state": {k: v for k, v in state.items() if k != first}},
        "a key is more": {"state": state | {"more": torch.zeros(1)}},
        "another shape": {"state": state | {first: torch.zeros(1)}},
        "another dtype": {"state": state | {first: state[first].double()}},
        "no tensor": {"state": state | {first: "text"}},
        "NaN": {"state": state | {first: torch.full_like(state[first], float("nan"))}},
        "infinite": {"state": state | {first: state[first] * float("inf")}},
        "no architecture": {"architecture": None},
        "another architecture": {"architecture": architecture | {"ngf": 3}},
        "a huge one": {"architecture": architecture | {"ngf": 1 << 40}},
        "a size of text": {"architecture": architecture | {"size": "64"}},
        "a size that is none": {"architecture": architecture | {"size": 63}},
        "an unknown kind": {"architecture": architecture | {"kind": "resnet"}},
        "a kind that is a list": {"architecture": architecture | {"kind": []}},
        "metrics of text": {"metrics": {"psnr": "high"}},
        "no metrics": {"metrics": 3},
    }
    return {k: v for k, v in (content | changes[change]).items() if k not in ("format", "sha256")}


CHANGES = (
    "no state", "another list", "a key is missing", "a key is more", "another shape", "another dtype",
    "no tensor", "NaN", "infinite", "no architecture", "another architecture", "a huge one",
    "a size of text", "a size that is none", "an unknown kind", "a kind that is a list",
    "metrics of text", "no metrics",
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_generator_of_another_kind_is_named(change: str, tmp_path: Path) -> None:
    file = tmp_path / "best.pt"
    save_generator(file, MobileUNet(64, 2), {"psnr": 1.0})
    write(file, changed(torch.load(file, weights_only=True), change))
    read = load_metrics if "metrics" in change else load_generator
    with pytest.raises(TrainerError) as caught:
        read(tmp_path)
    assert str(file) in str(caught.value)


def test_a_file_whose_content_was_changed_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "best.pt"
    save_generator(file, MobileUNet(64, 2))
    content = torch.load(file, weights_only=True)
    next(iter(content["state"].values()))[0, 0, 0, 0] += 1
    torch.save(content, file)
    with pytest.raises(TrainerError, match=r"best\.pt is damaged: its checksum is of other content"):
        load_generator(file)
    torch.save({k: v for k, v in content.items() if k != "sha256"}, file)
    with pytest.raises(TrainerError, match=r"best\.pt is damaged"):
        load_generator(file)
    torch.save(content | {"format": 1}, file)
    with pytest.raises(TrainerError, match=r"best\.pt has format 1; this version reads 2"):
        load_generator(file)


def test_a_file_of_code_is_not_run(tmp_path: Path) -> None:
    torch.save({"state": Evil(tmp_path / "opened")}, tmp_path / "best.pt")
    for read in (load_generator, read_foreign):
        with pytest.raises(TrainerError, match=r"best\.pt can't be read as a file of torch"):
            read(tmp_path / "best.pt")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["model"].pop("generator"),
        lambda c: c["model"]["generator"].popitem(),
        lambda c: c["model"]["generator"].update(more=torch.zeros(1)),
        lambda c: c["model"].update(optimizer_G={}),
        lambda c: c["model"]["optimizer_G"]["state"][0].update(exp_avg=torch.zeros(1)),
        lambda c: c["model"]["optimizer_G"]["state"][0].pop("exp_avg"),
        lambda c: c["model"]["optimizer_G"]["param_groups"][0].pop("full_rate"),
        lambda c: c["model"]["generator"].update({next(iter(c["average"])): torch.tensor(float("nan"))}),
        lambda c: next(iter(c["average"].values())).fill_(float("nan")),
        lambda c: c.update(average=None),
        lambda c: c.update(updates="many"),
        lambda c: c["progress"].update(epoch=-1),
        lambda c: c["progress"].update(iteration="3"),
        lambda c: c["progress"].update(best=None),
        lambda c: c["progress"].update(history=[1]),
        lambda c: c["progress"].update(more=1),
        lambda c: c.update(progress=[]),
    ],
)
def test_a_state_of_something_else_is_named(
    change: Callable[[dict[str, Any]], Any], whole: Path, data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    content = torch.load(run / "last.pt", weights_only=True)
    change(content)
    write(run / "last.pt", {k: v for k, v in content.items() if k not in ("format", "sha256")})
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(TrainerError) as caught:
        train_student(data, run, ONCE)
    assert str(run / "last.pt") in str(caught.value)
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("name", ["config.json", "log.jsonl", "last.pt"])
def test_a_run_with_a_damaged_file_is_not_changed(name: str, whole: Path, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    content = (run / name).read_bytes()
    (run / name).write_bytes(b"?" + content[1:])
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(TrainerError) as caught:
        train_student(data, run, ONCE)
    assert str(run / name) in str(caught.value)
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_a_last_line_that_was_cut_off_is_left_out(whole: Path, tmp_path: Path) -> None:
    lines = read_log(whole)
    (tmp_path / "log.jsonl").write_bytes((whole / "log.jsonl").read_bytes()[:-5])
    assert read_log(tmp_path) == lines[:-1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": "ftp"}, "its source is 'ftp'"),
        ({"config": []}, "its config, splits or sha256 is no object"),
        ({"config": {"size": 64.0, "shard": 24}}, "its size is 64.0, no whole number from 1 to"),
        ({"config": {"size": 64, "shard": 0}}, "its shard is 0, no whole number from 1 to"),
        ({"config": {"size": 64}}, "its shard is None"),
        (
            {"splits": {"train": 1, "val": True, "pose-extreme": 0, "speech": 0, "tracked": 0, "dev": 0}},
            "its val is True",
        ),
        (
            {"splits": {"train": 1, "val": 1 << 60, "pose-extreme": 0, "speech": 0, "tracked": 0, "dev": 0}},
            "its val is 11529",
        ),
        ({"sha256": "a"}, "its config, splits or sha256 is no object"),
    ],
)
def test_a_description_of_something_else_is_named(
    change: dict[str, Any], reason: str, whole: Path, tmp_path: Path
) -> None:
    description = json.loads((whole / "dataset.json").read_text()) | change
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(TrainerError) as caught:
        store.read_description(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'dataset.json'} can't be read ({reason}")


def test_no_memory_is_taken_for_pairs_that_are_only_said_to_be_there(whole: Path, tmp_path: Path) -> None:
    shutil.copy(whole / "val-00000.npz", tmp_path)
    description = json.loads((whole / "dataset.json").read_text())
    description["splits"]["val"] = description["config"]["shard"] = 1 << 24
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(TrainerError, match=r"val-00000\.npz can't be read: its inputs are"):
        store.read_split(tmp_path, "val")


def test_a_shard_in_the_place_of_another_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "folder")
    split = store.read_split(whole, "val")
    swapped = store.Pairs(split.inputs[::-1], split.targets[::-1], split.landmarks[::-1])
    store.write_shard(tmp_path / "folder" / "val-00000.npz", swapped)
    with pytest.raises(TrainerError, match=r"val-00000\.npz can't be read: it is another one than .*dataset"):
        store.read_split(tmp_path / "folder", "val")


@pytest.mark.parametrize("content", [b"text", b"", pickle.dumps({"features.0.weight": 3})])
def test_damaged_weights_of_a_loss_are_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "vgg16.pth").write_bytes(content)
    with pytest.raises(TrainerError, match=r"vgg16\.pth"):
        VGG16Distance(tmp_path / "vgg16.pth")


@pytest.mark.parametrize(
    "state",
    [
        [], {}, {"features.0.weight": "text"}, {"features.0.weight": torch.zeros(64, 3, 3)},
        {"features.0.weight": torch.full((64, 3, 3, 3), float("nan"))},
        {"features.0.weight": torch.zeros(64, 3, 3, 3).to_sparse()},
    ],
)  # fmt: skip
def test_other_weights_of_a_loss_are_named(state: Any, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "vgg16.pth")
    with pytest.raises(TrainerError, match=r"vgg16\.pth"):
        VGG16Distance(tmp_path / "vgg16.pth")


def test_a_checksum_is_of_everything_that_a_file_holds() -> None:
    content = {"a": [1, 2.5, None, "text"], "b": {"c": torch.arange(3), "d": (True, -0.0)}}
    others = [
        {"b": content["b"], "a": content["a"]}, content | {"a": [1, 2.5, None, "texts"]},
        content | {"a": (1, 2.5, None, "text")}, content | {"b": {"c": torch.arange(3.0), "d": (True, -0.0)}},
        content | {"b": {"c": torch.arange(3)[None], "d": (True, -0.0)}},
        content | {"c": []}, content | {"c": {}},
        content | {"b": {"c": torch.arange(3), "d": (1, -0.0)}},
        content | {"b": {"c": torch.arange(3), "d": (True, 0.0)}},
    ]  # fmt: skip
    assert len({digest(each) for each in (content, *others)}) == len(others) + 1
    assert digest(content) == digest(dict(content))
