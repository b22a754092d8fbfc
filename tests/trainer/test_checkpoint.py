"""The model that ships fits the drawing and the renderer as they are now, and its report's bars."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.trainer.config import DataConfig, Split
from onnx2wgsl.trainer.data.generate import make_pairs
from onnx2wgsl.trainer.evaluation.metrics import laplacian_variance, psnr, share
from onnx2wgsl.trainer.evaluation.predict import load
from PIL import Image

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "avatar_256_u8.onnx"
PICTURES = ROOT / "models" / "pictures"
FIGURES = json.loads((ROOT / "docs" / "avatar" / "figures.json").read_text())
ROWS = {row["name"]: row for row in FIGURES["rows"]}


def test_the_report_meets_the_bars() -> None:
    mean, floats, int8 = ROWS["mean image"], ROWS["fine-tuned"], ROWS["int8"]
    for split, gain in (("val", 8.0), ("pose-extreme", 6.0)):
        assert FIGURES["pictures"][split] == 200
        assert int8[split]["psnr"] - mean[split]["psnr"] >= gain
        assert int8[split]["sharpness"] >= 0.6
        assert abs(int8[split]["psnr"] - floats[split]["psnr"]) <= 0.1


@pytest.mark.parametrize("split", ["val", "pose-extreme", "speech"])
def test_the_model_draws_what_the_renderer_renders(split: Split) -> None:
    """Eight held-out faces, made anew: the report is of 200, so its figures are only near."""
    pairs = make_pairs(DataConfig(), split, 0, 8)
    outputs = load(MODEL, 256)(pairs.inputs)
    near = np.mean([psnr(a, b) for a, b in zip(outputs, pairs.targets, strict=True)])
    have, want = (
        float(np.mean([laplacian_variance(picture) for picture in pictures]))
        for pictures in (outputs, pairs.targets)
    )
    assert near == pytest.approx(ROWS["int8"][split]["psnr"], abs=0.5)
    assert share(have, want) == pytest.approx(ROWS["int8"][split]["sharpness"], abs=0.06)


def test_the_pictures_beside_it_are_drawings_of_what_their_names_say() -> None:
    photo = to_training_frame(np.load(PICTURES / "astronaut_landmarks.npy")).astype(np.float32)
    faces = {"real": draw(photo, 256)}
    for name, split, index in (
        ("val0", "val", 0),
        ("val5", "val", 5),
        ("extreme2", "pose-extreme", 2),
    ):
        faces[name] = make_pairs(DataConfig(), split, index, 1).inputs[0]
    for name, drawing in faces.items():
        picture = np.asarray(Image.open(PICTURES / f"landmarks_{name}.png").convert("RGB"))
        # Landmarks are of floats, whose last bit another processor may round otherwise.
        assert (picture != drawing).mean() < 0.001, name
