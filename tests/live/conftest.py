"""A generator that the tests of native video share."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler import compile_file

from tests.js.live_models import generator


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of 64 pixels, compiled."""
    folder = tmp_path_factory.mktemp("model")
    onnx.save(generator(64, 2), folder / "tiny.onnx")
    compile_file(folder / "tiny.onnx", folder / "tiny")
    return folder / "tiny"
