"""The camera and the anchors of framing.json."""

from __future__ import annotations

import numpy as np
from onnx2wgsl.face.camera import project, rotation
from onnx2wgsl.face.framing import (
    ANCHOR_POINTS,
    ANCHOR_POSITIONS,
    ANCHOR_WEIGHTS,
    FRAME_CENTER,
    PIVOT,
)
from onnx2wgsl.face.topology import VERTICES


def test_the_pivot_stays_at_the_centre_of_the_framing() -> None:
    assert np.allclose(project(PIVOT[None])[0], [*FRAME_CENTER, 0.0])
    turn = rotation(10, 20, 30)
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.isclose(np.linalg.det(turn), 1)


def test_anchors_have_their_places_on_the_canonical_face() -> None:
    np.testing.assert_array_equal(ANCHOR_POSITIONS, VERTICES[ANCHOR_POINTS])


def test_anchors_lie_symmetrically() -> None:
    assert len(ANCHOR_POINTS) == 33
    moment = ANCHOR_WEIGHTS @ VERTICES[ANCHOR_POINTS, 0]
    assert abs(moment) < 1e-3
