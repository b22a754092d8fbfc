"""What a tracker gets wrong, and the faces that it has looked at."""

from __future__ import annotations

import numpy as np
import pytest
from onnx2wgsl.face import topology
from onnx2wgsl.face.procrustes import placement, to_training_frame
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data import generate
from onnx2wgsl.trainer.data.sampling import sample_state
from onnx2wgsl.trainer.data.tracker import tracker
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.renderer import landmarks

CONFIG = DataConfig(size=64)
PIXELS = 256


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square, in pixels of 256."""
    return float(PIXELS * np.sqrt(np.square(one - other)[:, :2].sum(1).mean()))


def test_the_noise_is_what_it_is_on_renders_at_most_and_spares_lids() -> None:
    face = landmarks(sample_state(CONFIG, "train", 0))
    seen = [tracker().seen(face, np.random.default_rng(seed)) for seed in range(200)]
    errors = [distance(one, face) for one in seen]
    assert 1 < np.mean(errors) < 8
    assert max(errors) < 25
    lids = [*topology.EYE_RIGHT, *topology.EYE_LEFT]
    # In the head's own coordinates, where its turn has no part.
    own = np.array([placement(one).inverse(one * [1, -1, -1]) for one in (face, *seen)])
    moved = np.sqrt(np.square(own[1:] - own[0])[..., :2].sum(-1).mean(0))
    assert moved[lids].mean() < 0.5 * moved.mean()


def test_the_noise_is_that_of_the_generator_alone_and_leaves_the_frame() -> None:
    face = landmarks(sample_state(CONFIG, "train", 1))
    seen = tracker().seen(face, np.random.default_rng(3))
    np.testing.assert_array_equal(seen, tracker().seen(face, np.random.default_rng(3)))
    assert distance(seen, to_training_frame(seen)) < 0.5


@pytest.mark.parametrize("split", ["train", "val", "pose-extreme", "speech", "tracked", "dev"])
def test_faces_lie_where_a_live_page_has_them(split: str) -> None:
    for index in range(12):
        face = landmarks(sample_state(CONFIG, split, index))  # type: ignore[arg-type]
        assert np.abs(to_training_frame(face) - face)[:, :2].max() < 0.2 / PIXELS


def test_a_share_of_training_faces_errs_and_no_other() -> None:
    for split, noise, share in (("train", 0.5, 0.5), ("train", 0.0, 0.0), ("val", 1.0, 0.0)):
        config = DataConfig(size=64, noise=noise)
        pairs = [generate.face(config, split, index) for index in range(60)]  # type: ignore[arg-type]
        wrong = np.mean([not np.array_equal(points, landmarks(state)) for state, points in pairs])
        assert wrong == pytest.approx(share, abs=0.2), split


def test_tracked_faces_have_the_landmarks_that_mediapipe_finds() -> None:
    state, points = generate.face(CONFIG, "tracked", 0)
    assert 1 < distance(points, landmarks(state)) < 20
    np.testing.assert_array_equal(points, generate.face(CONFIG, "tracked", 0)[1])


def test_a_face_that_is_never_found_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "detect", lambda picture: None)  # noqa: ARG005
    monkeypatch.setattr(generate, "render", lambda state, size: None)  # noqa: ARG005
    with pytest.raises(TrainerError, match="finds none of 8 faces for pair 3 of tracked: --tracked 0"):
        generate.face(CONFIG, "tracked", 3)
