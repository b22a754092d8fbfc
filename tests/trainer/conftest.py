"""What several tests of the trainer share."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.trainer.data import store
from onnx2wgsl.trainer.evaluation import ablations
from onnx2wgsl.trainer.export.graph import write_onnx
from onnx2wgsl.trainer.models import MobileUNet, fold_batch_norm
from onnx2wgsl.trainer.training.run import train_student
from PIL import Image

from tests.trainer import tiny


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set, not to be written to."""
    return tiny.write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def model(data: Path) -> MobileUNet:
    """A student of it that has learned a little, not to be changed."""
    return tiny.student(data)


@pytest.fixture(scope="session")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of each kind that the trainer reads; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "folder"
    train_student(data, folder, tiny.ONCE)
    for name in ("dataset.json", "val-00000.npz"):
        shutil.copy(data / name, folder)
    description = json.loads((folder / "dataset.json").read_text())
    shards = store.shards_of(description["splits"], description["config"]["shard"])
    sums = store.checksums(folder, [shard for shard in shards if shard.split == "val"])
    (folder / "dataset.json").write_text(json.dumps(description | {"sha256": sums}))
    figures = dict.fromkeys(("l1", "psnr", "ssim", "perc", "sharpness", "comb"), 1.0)
    figures |= {f"mouth_{name}": 1.0 for name in figures if name != "comb"}
    splits = {split: dict(figures) for split in ablations.MEASURED}
    steps = {
        "best": splits,
        "latest": splits,
        "runaway": None,
        "gate": ["open"],
        "seconds": 2,
        "epochs": [1, 2],
    }
    (folder / "figures.json").write_text(json.dumps(steps))
    (folder / "seconds.json").write_text("12.5")
    np.save(folder / "face.npy", store.read_split(data, "val").landmarks[0])
    Image.fromarray(store.read_split(data, "val").inputs[0]).save(folder / "photo.png")
    net = fold_batch_norm(MobileUNet(tiny.SIZE, 2))
    write_onnx(net, tiny.SIZE, folder / "net.onnx")
    return folder
