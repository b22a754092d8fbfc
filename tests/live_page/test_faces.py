"""Real faces through the live page's own chain (chain.py): what the avatar does of what a face does.

The clips are fetched when the tests run.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.trainer.data.sampling import framed
from onnx2wgsl.trainer.renderer import FaceState, render
from onnx2wgsl.trainer.renderer.expressions import EMOTIONS

from tests.live_page.chain import (
    POINTS,
    ROOT,
    STEP_MS,
    Clip,
    angles,
    avatar,
    eyes,
    follow,
    found,
    mouth,
    opening,
    turns_off,
)
from tests.web import node

PERSON = ROOT / "models" / "pictures" / "astronaut_landmarks.npy"
IDLE, LIVE, HELD = range(3)


@pytest.mark.parametrize(("name", "seconds", "every"), [("talk", 8.0, 2), ("smile", 19.0, 6)])
def test_the_avatar_does_what_the_face_does(name: str, seconds: float, every: int) -> None:
    clip = follow(name, seconds, every)
    drivers = [face for face in clip.faces if face is not None]
    assert len(drivers) >= 0.95 * len(clip.faces)
    avatars = [avatar(face) for face in clip.shown]
    pairs = list(zip(clip.faces, avatars, strict=True))
    faces_of_both = [(face, other) for face, other in pairs if face is not None]
    lids = [(eyes(face, clip.aspect), eyes(other, 1.0)) for face, other in faces_of_both]
    assert np.corrcoef(np.transpose(lids))[0, 1] > 0.85
    lips = [
        (mouth(face, clip.aspect), opening(shown))
        for face, shown in zip(clip.faces, clip.shown, strict=True)
        if face is not None
    ]
    assert np.corrcoef(np.transpose(lips))[0, 1] > 0.95
    assert (np.percentile(np.abs(turns_off(clip, avatars)), 95, axis=0) < 5).all()


def test_what_the_rig_adds_to_a_person_is_seen_in_the_avatar(tmp_path: Path) -> None:
    landmarks = np.load(PERSON).astype(np.float32)
    source, target = tmp_path / "face.f32", tmp_path / "shown.f32"
    np.concatenate([[1.0], landmarks.ravel()]).astype(np.float32).tofile(source)
    subprocess.run([node(), ROOT / "tests" / "js" / "acted_faces.js", source, target], check=True)
    rows = np.fromfile(target, np.float32).reshape(4, -1)
    still, blink, surprise, sway = (avatar(row[:-3].reshape(POINTS, 3)) for row in rows)
    assert eyes(blink, 1.0) < 0.5 * eyes(still, 1.0)
    assert mouth(blink, 1.0) == pytest.approx(mouth(still, 1.0), abs=0.01)
    assert mouth(surprise, 1.0) > mouth(still, 1.0) + 0.03
    assert eyes(surprise, 1.0) > 0.9 * eyes(still, 1.0)
    assert np.abs(angles(blink, 1.0) - angles(still, 1.0)).max() < 3
    # Of a drawn head that does not turn, a tracker says that it nods when it opens its mouth: so it does of
    # the renderer's own, whose pose is known.
    pose, smile = (8.0, -1.0, -3.0), {"smile": 0.6, "jaw": 0.3}
    states = [FaceState(expression=one, pose=pose) for one in (smile, EMOTIONS["surprise"] | {"smile": 0.6})]
    before, after = (angles(found(render(framed(state), 512)), 1.0) for state in states)
    seen = angles(surprise, 1.0) - angles(still, 1.0)
    assert np.abs(seen - (after - before)).max() < 3
    turn = angles(sway, 1.0) - angles(still, 1.0)
    assert np.abs(rows[3, -3:]).max() > 5
    np.testing.assert_allclose(turn, rows[3, -3:], atol=5)


def test_a_face_that_leaves_is_held_then_the_avatar_is_idle() -> None:
    clip = follow("lost", 12.0, 2)
    presence = [face is not None for face in clip.faces]
    last = len(presence) - presence[::-1].index(True)
    assert clip.states[:last] == [LIVE] * last
    rest = clip.states[last:]
    wait = rest.count(HELD)
    assert rest == [HELD] * wait + [IDLE] * (len(rest) - wait)
    assert 0.5 <= wait * 2 * STEP_MS / 1000 <= 0.9
    _assert_no_jump(clip)


def test_a_face_that_comes_is_eased_to() -> None:
    clip = follow("found", 12.0, 2)
    first = [face is not None for face in clip.faces].index(True)
    assert clip.states[:first] == [IDLE] * first
    assert clip.states[first] == LIVE
    _assert_no_jump(clip)


def test_nobody_is_nobody() -> None:
    clip = follow("nobody", 4.0, 5)
    assert clip.faces == [None] * len(clip.faces)
    assert set(clip.states) == {IDLE}


def _assert_no_jump(clip: Clip) -> None:
    """Where the tracker's face does not jump, nothing that is shown does, by more than 4 % of the frame."""
    for i in range(1, len(clip.shown)):
        if clip.states[i] == clip.states[i - 1] == LIVE:
            continue
        step = np.abs(clip.shown[i, :, :2] - clip.shown[i - 1, :, :2]).max()
        assert step < 0.04, f"{step} at picture {i}"
