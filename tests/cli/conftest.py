"""A small UNet of 32 x 32 pixels, compiled once, that the commands are tried on."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.builders.unet import unet
from tests.command import succeed

SIZE = 32


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """small.onnx: input and output f32[1, 3, 32, 32]."""
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    onnx.save(unet(SIZE), path)
    return path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """Its artifact, far from the model; not to be changed."""
    folder = tmp_path_factory.mktemp("artifact") / "small"
    succeed("compile", model, "-o", folder)
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """The bundle of it, alone in a folder; not to be changed."""
    folder = tmp_path_factory.mktemp("bundled")
    succeed("compile", model, "-o", folder / "small", "--bundle")
    alone = tmp_path_factory.mktemp("bundle") / "small.onnx2wgsl"
    return Path(shutil.move(folder / "small" / "small.onnx2wgsl", alone))


@pytest.fixture
def artifact(tmp_path: Path, compiled: Path) -> Path:
    """A copy of the artifact, to be changed at will."""
    return Path(shutil.copytree(compiled, tmp_path / "small"))


@pytest.fixture
def array(tmp_path: Path) -> Path:
    """input.npy: a seeded input of the model."""
    path = tmp_path / "input.npy"
    values = np.random.default_rng(7).uniform(-1.1, 1.1, (1, 3, SIZE, SIZE)).astype(np.float32)
    np.save(path, values)
    return path


@pytest.fixture
def dynamic(model: Path, tmp_path: Path) -> Path:
    """The model with symbolic batch, height and width."""
    proto = onnx.load(model)
    del proto.graph.value_info[:]
    for tensor in (*proto.graph.input, *proto.graph.output):
        for index, name in ((0, "batch"), (2, "height"), (3, "width")):
            tensor.type.tensor_type.shape.dim[index].dim_param = name
    path = tmp_path / "dynamic.onnx"
    onnx.save(proto, path)
    return path
