"""A compiled model, a copy of it to be damaged, and an input."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.bad_input.harm import SHAPE
from tests.builders.unet import unet_file
from tests.command import succeed


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unet_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    folder = tmp_path_factory.mktemp("compiled") / "small"
    succeed("compile", model, "-o", folder)
    return folder


@pytest.fixture
def artifact(tmp_path: Path, compiled: Path) -> Path:
    """A copy of the artifact, to be damaged."""
    return Path(shutil.copytree(compiled, tmp_path / "small"))


@pytest.fixture
def array(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(SHAPE, np.float32))
    return path
