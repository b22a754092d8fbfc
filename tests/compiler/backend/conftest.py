"""A small model that the artifact's tests share."""

from pathlib import Path

import onnx
import pytest

from tests.builders.models import model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """tiny.onnx: two inputs, one a float and one bytes; several outputs."""
    path = tmp_path / "tiny.onnx"
    onnx.save(model("several_inputs_and_outputs"), path)
    return path
