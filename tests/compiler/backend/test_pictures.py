"""Which inputs and outputs may be pictures, and how their bytes become values."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx2wgsl.compiler.backend.pictures import Picture

from tests.compiler.artifacts import picture_model, write


@pytest.mark.parametrize(
    ("low", "high", "scale", "offset"),
    [
        (-1, 1, 1 / 127.5, -1.0),
        (0, 1, 1 / 255, 0.0),
        (0, 255, 1.0, 0.0),
        (-0.98, 1.01, 1 / 127.5, -1),
    ],
)
def test_a_pictures_normalisation_is_told(
    low: float, high: float, scale: float, offset: float, tmp_path: Path
) -> None:
    described = write(picture_model(tmp_path, low, high), tmp_path / "a")
    image = described["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == (scale, offset)
    assert described["kernels"][image["replaces"]]["op"] == "quantize"
    assert "image" not in described["outputs"][0]  # bytes


def test_a_given_normalisation_wins(tmp_path: Path) -> None:
    source = picture_model(tmp_path, -1, 1)
    described = write(source, tmp_path / "a", pictures={"x0": Picture(0.5, -3.0)})
    image = described["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == (0.5, -3.0)


@pytest.mark.parametrize("channels", [2, 5])
def test_what_is_no_picture_is_not_called_one(channels: int, tmp_path: Path) -> None:
    described = write(picture_model(tmp_path, -1, 1, channels), tmp_path / "a")
    assert "image" not in described["inputs"][0]
