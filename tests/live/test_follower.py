"""The face that is shown at a time, in Python as on the page."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.live.follower import Follower, idle

from tests.face import vectors
from tests.web import node

CHAIN = Path(__file__).parents[1] / "js" / "face_chain.js"
STATES = ("idle", "live", "held")
STEP = 40.0
ASPECT = 1.5
NEAR = 1e-6
"""Of f32 landmarks behind two singular value decompositions."""


def faces(presence: str) -> list[NDArray[np.float32] | None]:
    """A face that moves and trembles, where there is an x."""
    random = np.random.default_rng(1)
    photo = vectors.landmarks("photo") * [1, ASPECT, 1]
    return [
        (photo + random.normal(0, 2e-3, photo.shape) + [0.03 * np.sin(i / 4), 0, 0]).astype(np.float32)
        if seen == "x"
        else None
        for i, seen in enumerate(presence)
    ]


def followed(presence: str) -> tuple[list[str], NDArray[np.float32]]:
    """The states and the faces f32[n,478,3] that Python has."""
    follower, states, shown = Follower(), [], []
    for i, one in enumerate(faces(presence)):
        shown.append(follower.face(one, ASPECT, i * STEP))
        states.append(follower.state)
    return states, np.array(shown)


def on_the_page(presence: str, work: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The states and the faces f32[n,478,3] that the page has."""
    rows = np.full((len(presence), 2 + 3 * 478), np.nan, np.float32)
    for i, one in enumerate(faces(presence)):
        rows[i, :2] = i * STEP, ASPECT
        if one is not None:
            rows[i, 2:] = one.ravel()
    rows.tofile(work / "faces")
    subprocess.run([node(), CHAIN, work / "faces", work / "shown"], check=True)
    result = np.fromfile(work / "shown", np.float32).reshape(len(rows), -1)
    return [STATES[int(state)] for state in result[:, 0]], result[:, 1:].reshape(-1, 478, 3)


def test_a_face_is_shown_as_on_the_page(tmp_path: Path) -> None:
    """Found, smoothed, lost for a moment, found again and eased to, lost for good."""
    presence = "x" * 20 + "." * 8 + "x" * 20 + "." * 40
    states, shown = followed(presence)
    states_there, there = on_the_page(presence, tmp_path)
    assert states == states_there
    assert states.count("held") > 15
    assert states[-1] == "idle"
    driven = states.index("idle")
    assert np.abs(shown[:driven] - there[:driven]).max() < NEAR


def test_a_face_that_comes_and_goes_never_jumps() -> None:
    states, shown = followed("." * 10 + "x" * 30 + "." * 50)
    assert [states[i] for i in (0, 10, 40, -1)] == ["idle", "live", "held", "idle"]
    steps = np.abs(np.diff(shown[..., :2], axis=0)).max(axis=(1, 2))
    assert steps.max() < 0.05
    lost = states.index("held")
    assert not np.diff(shown[lost : lost + 17], axis=0).any()


def test_points_that_are_no_face_are_none() -> None:
    follower = Follower()
    shown = follower.face(np.zeros((478, 3), np.float32), 1.0, 0.0)
    assert follower.state == "idle"
    np.testing.assert_array_equal(shown, idle(0.0))


def test_the_idle_face_is_where_the_generator_expects_one_and_blinks() -> None:
    openings = []
    for time in range(0, 8000, 20):
        face = idle(float(time))
        assert np.abs(to_training_frame(face) - face)[:, :2].max() < 0.03
        openings.append(face[145, 1] - face[159, 1])
    shut = np.array(openings) < 0.3 * max(openings)
    assert np.count_nonzero(np.diff(shut.astype(int)) == 1) in (1, 2)
