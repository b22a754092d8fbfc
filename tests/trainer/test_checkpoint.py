"""The models that ship fit the drawing and the renderer as they are now, and their reports' bars."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.trainer.config import PRESETS, DataConfig, Split
from onnx2wgsl.trainer.data.generate import make_pairs
from onnx2wgsl.trainer.evaluation.metrics import comb, comb_spectra, laplacian_variance, psnr, share
from onnx2wgsl.trainer.evaluation.predict import load
from PIL import Image

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "models" / "pictures"
REPORTS = {"avatar256": "avatar", "ember256": "ember"}
"""Folders of docs/ by recipe."""
SHARPNESS = {"avatar256": 0.6, "ember256": 0.57}
"""The least on val, of the truth's."""


def figures(recipe: str) -> dict[str, dict[str, dict[str, float]]]:
    """A report's rows by name."""
    report = json.loads((ROOT / "docs" / REPORTS[recipe] / "figures.json").read_text())
    return {row["name"]: row for row in report["rows"]}


@pytest.mark.parametrize("recipe", REPORTS)
def test_a_report_meets_the_bars(recipe: str) -> None:
    rows, report = (
        figures(recipe),
        json.loads((ROOT / "docs" / REPORTS[recipe] / "figures.json").read_text()),
    )
    mean, floats, int8 = rows["mean image"], rows["float"], rows["int8"]
    assert int8["val"]["sharpness"] >= SHARPNESS[recipe]
    for split, gain in (("val", 7.5), ("pose-extreme", 6.5), ("speech", 7.0), ("tracked", 1.5)):
        assert report["pictures"][split] >= 100
        assert int8[split]["psnr"] - mean[split]["psnr"] >= gain
        assert int8[split]["comb"] <= 1.3
        assert abs(int8[split]["psnr"] - floats[split]["psnr"]) <= 0.1
    assert report["combs on photos"]["int8"] <= 1.3


@pytest.mark.parametrize(
    ("split", "gain"), [("val", 1.1), ("pose-extreme", 0.65), ("speech", 1.1), ("tracked", 1.2)]
)
def test_the_second_version_is_better_than_the_first(split: Split, gain: float) -> None:
    rows = figures("avatar256")
    first, second = rows["version 1"][split], rows["int8"][split]
    assert second["psnr"] - first["psnr"] >= gain
    assert second["perc"] < 0.92 * first["perc"]
    assert second["mouth_perc"] < 0.96 * first["mouth_perc"]
    assert second["comb"] < first["comb"] / 2


@pytest.mark.parametrize(
    ("recipe", "split"),
    [("avatar256", "val"), ("avatar256", "pose-extreme"), ("avatar256", "speech"), ("ember256", "val")],
)
def test_a_model_draws_what_the_renderer_renders(recipe: str, split: Split) -> None:
    """24 held-out faces, made anew: the report is of 100 or more, so its figures are only near."""
    preset = PRESETS[recipe]
    pairs = make_pairs(preset.data, split, 0, 24)
    outputs = load(ROOT / "models" / preset.file, 256)(pairs.inputs)
    near = np.mean([psnr(a, b) for a, b in zip(outputs, pairs.targets, strict=True)])
    have, want = (
        float(np.mean([laplacian_variance(picture) for picture in pictures]))
        for pictures in (outputs, pairs.targets)
    )
    row = figures(recipe)["int8"][split]
    assert near == pytest.approx(row["psnr"], abs=0.5)
    assert share(have, want) == pytest.approx(row["sharpness"], abs=0.06)
    assert comb(comb_spectra(outputs), comb_spectra(pairs.targets)) < 1.3


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
