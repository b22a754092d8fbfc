"""Data sets on disk and in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.topology import LIPS_OUTER
from onnx2wgsl.trainer.config import DataConfig, Split
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.data.dataset import PairDataset
from onnx2wgsl.trainer.data.generate import make_pairs
from onnx2wgsl.trainer.data.mouth import mouth_box
from onnx2wgsl.trainer.data.sheet import write_sheet
from onnx2wgsl.trainer.data.store import Pairs
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.renderer import FaceState, landmarks
from PIL import Image

COUNTS: dict[Split, int] = {"train": 5, "val": 1, "pose-extreme": 0, "speech": 0, "tracked": 0, "dev": 0}


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return make_pairs(DataConfig(size=64), "train", 0, 6)


@pytest.fixture
def folder(tmp_path: Path, pairs: Pairs) -> Path:
    """Five pairs to train on in shards of two, and one of val."""
    config = {"size": 64, "shard": 2}
    store.write_description(tmp_path, {"source": "data", "config": config, "splits": COUNTS})
    for number, first in enumerate((0, 2, 4)):
        shard = pairs.part(first, min(first + 2, 5))
        store.write_shard(tmp_path / f"train-{number:05}.npz", shard)
    store.write_shard(tmp_path / "val-00000.npz", pairs.part(5, 6))
    return tmp_path


def test_a_split_reads_as_it_was_written(folder: Path, pairs: Pairs) -> None:
    split = store.read_split(folder, "train")
    assert len(split) == 5
    for field in ("inputs", "targets", "landmarks"):
        np.testing.assert_array_equal(getattr(split, field), getattr(pairs, field)[:5])
    assert store.counts(folder) == COUNTS


def test_numpy_reads_a_shard_too(folder: Path, pairs: Pairs) -> None:
    with np.load(folder / "train-00001.npz") as file:
        assert sorted(file.files) == ["inputs", "landmarks", "targets"]
        np.testing.assert_array_equal(file["targets"], pairs.targets[2:4])


def test_a_limit_reads_no_more_shards_than_it_needs(folder: Path, pairs: Pairs) -> None:
    (folder / "train-00002.npz").unlink()
    split = store.read_split(folder, "train", limit=3)
    np.testing.assert_array_equal(split.landmarks, pairs.landmarks[:3])


def test_equal_pairs_make_equal_bytes(folder: Path, pairs: Pairs, tmp_path: Path) -> None:
    path = tmp_path / "again.npz"
    store.write_shard(path, pairs.part(2, 4))
    os.utime(path, (0, 0))
    assert path.read_bytes() == (folder / "train-00001.npz").read_bytes()


def test_a_damaged_shard_is_told_with_what_to_do(folder: Path) -> None:
    path = folder / "train-00001.npz"
    whole = path.read_bytes()
    damages = {
        "it is damaged (File is not a zip file)": whole[: len(whole) // 2],
        "it is damaged (Bad CRC-32 for file 'inputs.npy')": whole[:900] + b"!!!!" + whole[904:],
        "it is damaged (File is not a zip file) ": b"",
        "its inputs are uint8[1, 64, 64, 3], not uint8[2, 64, 64, 3]": (
            folder / "val-00000.npz"
        ).read_bytes(),
    }
    for reason, data in damages.items():
        path.write_bytes(data)
        with pytest.raises(TrainerError) as error:
            store.read_split(folder, "train")
        assert str(error.value) == (
            f"{path} can't be read: {reason.strip()}. Run onnx2wgsl-train data again with the same "
            "arguments: it writes only what is missing or damaged"
        )
    path.unlink()
    with pytest.raises(TrainerError, match=r"train-00001.npz can't be read: it is missing\. Run"):
        store.read_split(folder, "train")


def test_a_folder_that_is_no_data_set_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(TrainerError, match=r"nowhere is no data set.*onnx2wgsl-train data -o"):
        store.read_split(tmp_path / "nowhere", "train")
    with pytest.raises(TrainerError, match="has no pairs of the split speech"):
        store.read_split(folder, "speech")
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps(description | {"format": 2}))
    with pytest.raises(TrainerError, match="has format 2, this version reads format 1"):
        store.read_split(folder, "train")
    for text in ("{", "[]", '{"format": 1}', '{"format": 1, "config": {"size": 64}}'):
        path.write_text(text)
        with pytest.raises(TrainerError, match=r"dataset.json can't be read \("):
            store.counts(folder)


def test_torch_reads_pairs_and_mouths(folder: Path, pairs: Pairs) -> None:
    data = PairDataset(folder, "train")
    source, target, mouth = data[3]
    assert (len(data), data.size) == (5, 64)
    assert source.dtype == target.dtype == torch.uint8
    assert source.shape == target.shape == (3, 64, 64)
    np.testing.assert_array_equal(source.permute(1, 2, 0), pairs.inputs[3])
    np.testing.assert_array_equal(target.permute(1, 2, 0), pairs.targets[3])
    assert mouth.dtype == torch.int64
    assert tuple(mouth.tolist()) == mouth_box(pairs.landmarks[3], 64)
    batches = list(torch.utils.data.DataLoader(data, batch_size=2))
    assert [tuple(batch[0].shape) for batch in batches] == [(2, 3, 64, 64)] * 2 + [(1, 3, 64, 64)]
    assert len(PairDataset(folder, "train", limit=2)) == 2


def test_another_size_draws_anew_and_takes_means_of_pixels(folder: Path, pairs: Pairs) -> None:
    data = PairDataset(folder, "train", size=32)
    source, target, mouth = data[1]
    np.testing.assert_array_equal(source.permute(1, 2, 0), draw(pairs.landmarks[1], 32))
    means = pairs.targets[1].reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(target.permute(1, 2, 0).numpy() - means).max() <= 0.5
    assert tuple(mouth.tolist()) == mouth_box(pairs.landmarks[1], 32)
    larger = PairDataset(folder, "train", size=128, limit=1)[0]
    np.testing.assert_array_equal(larger[0].permute(1, 2, 0), draw(pairs.landmarks[0], 128))
    assert larger[1].shape == (3, 128, 128)


def test_a_mouth_box_holds_the_lips_and_a_margin() -> None:
    for jaw in (0.0, 1.0):
        points = landmarks(FaceState(expression={"jaw": jaw}, pose=(5, 20, 10)))
        y0, y1, x0, x1 = mouth_box(points, 256)
        x, y = (points[LIPS_OUTER, :2] * 256).T
        margin = (x.max() - x.min()) / 4
        expected = [y.min() - margin, y.max() + margin, x.min() - margin, x.max() + margin]
        np.testing.assert_allclose([y0, y1, x0, x1], expected, atol=1)
        assert y0 <= expected[0] <= expected[1] <= y1


def test_a_mouth_box_stays_inside_the_picture() -> None:
    points = landmarks(FaceState())
    for shift in ([0.6, 0, 0], [0, 0.6, 0], [-5, -5, 0], [5, 5, 0]):
        y0, y1, x0, x1 = mouth_box(points + np.float32(shift), 64)
        assert 0 <= y0 < y1 <= 64
        assert 0 <= x0 < x1 <= 64


def test_a_sheet_shows_the_splits_that_have_pairs(folder: Path, pairs: Pairs) -> None:
    write_sheet(folder, folder / "sheet.png")
    with Image.open(folder / "sheet.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (4 * 64, 12 * 64, 3)
    np.testing.assert_array_equal(pixels[:64, :64], pairs.inputs[0])
    np.testing.assert_array_equal(pixels[64:128, -64:], pairs.targets[4])
    np.testing.assert_array_equal(pixels[192:, :64], pairs.targets[5])
