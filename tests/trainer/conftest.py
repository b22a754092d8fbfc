"""What several tests of the trainer share."""

from pathlib import Path

import pytest
from onnx2wgsl.trainer.models import MobileUNet

from tests.trainer import tiny


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set, not to be written to."""
    return tiny.write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def model(data: Path) -> MobileUNet:
    """A student of it that has learned a little, not to be changed."""
    return tiny.student(data)
