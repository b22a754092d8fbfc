"""The renderer's head is where face/ takes it to be: in its frame, and inside its shell."""

from __future__ import annotations

import numpy as np
import pytest
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.framing import FRAME_SCALE
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.trainer.renderer import FaceState, hair, landmarks, pose


@pytest.mark.parametrize("turn", [(0, 0, 0), (0, 40, 0), (0, -40, 0), (25, 0, 0), (-25, 20, 15)])
def test_the_shell_lies_around_the_hair(turn: tuple[float, float, float]) -> None:
    """Most hair that the camera sees above the chin is drawn over by the shell or the face."""
    state = FaceState(pose=turn)
    seen = pose.seen(pose.placed(np.concatenate([p.points for p in hair.parts()]), state), state)
    drawn = draw(landmarks(state), 256).any(axis=2)
    column, row = np.clip(seen[:, :2] * 256, 0, 255).astype(int).T
    above = seen[:, 1] < landmarks(state)[152, 1] - 4 * FRAME_SCALE
    assert above.sum() > 500
    assert drawn[row[above], column[above]].mean() > 0.97
    assert drawn.mean() < 0.55, "and not the whole picture"


@pytest.mark.parametrize("turn", [(0, 0, 0), (5, 20, -8), (0, 45, 0), (-25, 0, 0), (20, -40, 15)])
def test_what_the_renderer_shows_stays_where_it_is(turn: tuple[float, float, float]) -> None:
    """Also where the state moved the face away from the usual framing."""
    usual = landmarks(FaceState(pose=turn))
    moved = landmarks(FaceState(pose=turn, scale=0.9, offset=(0.03, -0.02)))
    assert np.abs(to_training_frame(usual) - usual).max() < 0.01
    assert np.abs(to_training_frame(moved) - usual).max() < 0.012
