"""A model that shipped, as a student to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.models import load_generator
from onnx2wgsl.trainer.models.onnx_generator import OnnxGenerator, to_pictures, to_range
from onnx2wgsl.trainer.training.losses import to_network
from onnx2wgsl.trainer.training.norms import renormed
from PIL import Image

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "avatar_256_u8.onnx"


def drawings() -> np.ndarray:
    """The drawings beside the model, u8[3,256,256,3]."""
    names = ("real", "val0", "val5", "extreme2")
    files = [MODELS / "pictures" / f"landmarks_{name}.png" for name in names]
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])


def test_the_student_of_a_shipped_model_draws_what_that_draws() -> None:
    student, inputs = load_generator(MODEL), to_range(drawings())
    assert student.architecture() == {"kind": "mobile", "size": 256, "ngf": 16}
    with torch.no_grad():
        floats = to_pictures(student(torch.from_numpy(inputs)).numpy()).astype(float)
    integers = to_pictures(OnnxGenerator.load(MODEL)(inputs)).astype(float)
    # As far as float and int8 are from each other where the model is shipped.
    assert 10 * np.log10(255**2 / np.square(floats - integers).mean()) > 45


def test_norms_get_statistics_and_pictures_stay() -> None:
    inputs = to_network(torch.from_numpy(drawings()).permute(0, 3, 1, 2))
    student = load_generator(MODEL)
    with torch.no_grad():
        before = student(inputs)
        after = renormed(student, inputs)
        torch.testing.assert_close(after(inputs), before, atol=1e-5, rtol=0)
        # A batch's own statistics are now those of the norms.
        torch.testing.assert_close(after.train()(inputs), before, atol=5e-3, rtol=0)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(TrainerError, match=r"other\.onnx is no int8 model of onnx2wgsl-train ship"):
        load_generator(path)
    model = onnx.load(MODEL)
    del model.graph.node[:]
    onnx.save(model, path)
    with pytest.raises(TrainerError, match="is no int8 model of onnx2wgsl-train ship"):
        load_generator(path)
