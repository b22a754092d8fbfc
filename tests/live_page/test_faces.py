"""Real faces through the live page's own chain: found, smoothed, placed, drawn, generated, and found again.

The clips are fetched when the tests run. Faces are found by MediaPipe in Python, which finds what it finds
in the page's picture mode; what follows is the page's JavaScript (face_chain.js), the drawing and the int8
model.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.face.detector import detect
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import placement

from tests import clips
from tests.web import node

ROOT = Path(__file__).resolve().parents[2]
AVATAR = ROOT / "models" / "avatar_256_u8.onnx"
PERSON = ROOT / "models" / "pictures" / "astronaut_landmarks.npy"
POINTS = 478
STEP_MS = 40.0
IDLE, LIVE, HELD = range(3)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """Faces of a clip, None where there is none; what the page then showed; the state that it was in."""

    aspect: float
    faces: list[NDArray[np.float32] | None]
    shown: NDArray[np.float32]
    states: list[int]


@cache
def follow(name: str, seconds: float, every: int) -> Clip:
    pictures = clips.frames(name, 0, seconds)[::every]
    faces = [detect(np.ascontiguousarray(picture[..., ::-1])) for picture in pictures]
    height, width, _ = pictures[0].shape
    rows = np.full((len(faces), 2 + 3 * POINTS), np.nan, np.float32)
    for i, face in enumerate(faces):
        rows[i, :2] = i * every * STEP_MS, width / height
        if face is not None:
            rows[i, 2:] = face.ravel()
    folder = ROOT / "build" / "faces"
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / f"{name}.f32", folder / f"{name}_shown.f32"
    rows.tofile(source)
    subprocess.run([node(), ROOT / "tests" / "js" / "face_chain.js", source, target], check=True)
    result = np.fromfile(target, np.float32).reshape(len(faces), -1)
    states = [int(state) for state in result[:, 0]]
    return Clip(width / height, faces, result[:, 1:].reshape(-1, POINTS, 3), states)


def avatar(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The landmarks that a tracker finds in the picture that the int8 model makes of these."""
    oracle = _oracle()
    (name,) = oracle.inputs
    drawing = (draw(landmarks, 256) / 127.5 - 1).astype(np.float32)
    (output,) = oracle.run({name: drawing.transpose(2, 0, 1)[None]}).values()
    picture = np.clip(np.rint(output[0] * 127.5 + 127.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    face = detect(cv2.resize(picture, (512, 512), interpolation=cv2.INTER_CUBIC))
    assert face is not None
    return np.asarray(face)


@cache
def _oracle() -> Oracle:
    return Oracle(AVATAR, signed_integer_kernels=None)


def _distance(face: NDArray[np.float32], aspect: float, one: int, other: int) -> float:
    offset = (face[one, :2] - face[other, :2]) * [1, 1 / aspect]
    return float(np.hypot(*offset))


def mouth(face: NDArray[np.float32], aspect: float) -> float:
    """How far it is open, against the face's height."""
    return _distance(face, aspect, 13, 14) / _distance(face, aspect, 10, 152)


def eyes(face: NDArray[np.float32], aspect: float) -> float:
    """How far they are open, against their width."""
    high = _distance(face, aspect, 159, 145) + _distance(face, aspect, 386, 374)
    return high / (_distance(face, aspect, 33, 133) + _distance(face, aspect, 263, 362))


def angles(face: NDArray[np.float32], aspect: float) -> Floats:
    """Pitch, yaw and roll of the head, degrees."""
    r = placement(face.astype(np.float64), aspect).rotation
    return np.degrees([np.arcsin(-r[1, 2]), np.arctan2(r[0, 2], r[2, 2]), np.arctan2(r[1, 0], r[1, 1])])


@pytest.mark.parametrize(("name", "seconds", "every"), [("talk", 8.0, 2), ("smile", 19.0, 6)])
def test_the_avatar_does_what_the_face_does(name: str, seconds: float, every: int) -> None:
    clip = follow(name, seconds, every)
    drivers = [face for face in clip.faces if face is not None]
    assert len(drivers) >= 0.95 * len(clip.faces)
    avatars = [avatar(face) for face in clip.shown]
    pairs = list(zip(clip.faces, avatars, strict=True))
    faces_of_both = [(face, other) for face, other in pairs if face is not None]
    for measure, least in ((mouth, 0.9), (eyes, 0.85)):
        values = [(measure(face, clip.aspect), measure(other, 1.0)) for face, other in faces_of_both]
        assert np.corrcoef(np.transpose(values))[0, 1] > least, measure.__name__
    off = np.array([angles(face, clip.aspect) - angles(other, 1.0) for face, other in faces_of_both])
    # The avatar has a face of its own: against it a fit of the canonical one leans by a constant.
    off -= np.median(off, axis=0)
    assert (np.percentile(np.abs(off), 95, axis=0) < 5).all()


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
    for face in (blink, surprise):
        assert np.abs(angles(face, 1.0) - angles(still, 1.0)).max() < 3
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
