"""A person's shape gives way to the canonical one; what the face does, and how it is turned, stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.face import head
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.procrustes import UPRIGHT, placement, to_training_frame, upright
from onnx2wgsl.face.shape import FaceShape
from onnx2wgsl.face.topology import EYE_LEFT, EYE_RIGHT, LIPS_INNER

Points = NDArray[np.float64]
STEP = 40.0
REST = head.landmarks({})
SMILE = {"smile": 1.0}
TALK = {"jaw": 0.8, "lower_down": 0.3}
CM = 1 / 30
"""A thirtieth of the frame's side is less than a centimetre of the face."""


def shape(landmarks: Points) -> Points:
    """On the canonical face, centimetres."""
    return placement(landmarks).inverse(upright(landmarks))


def person(own: Points, expression: dict[str, float], pose: tuple[float, float, float]) -> Points:
    """The landmarks of a face whose every point lies `own` centimetres elsewhere."""
    face = head.landmarks(expression, pose=pose)
    place = placement(face)
    return to_training_frame((place.forward(shape(face) + own)) * UPRIGHT)


def someone(seed: int) -> Points:
    """A long chin, a wide jaw, brows and nose of their own: smooth over the face, f64[478,3] centimetres."""
    rng = np.random.default_rng(seed)
    rest = shape(REST)
    own = np.zeros_like(rest)
    for center in rest[rng.integers(0, 468, 12)]:
        near = np.exp(-((rest - center) ** 2).sum(axis=1) / 8)
        own += near[:, None] * rng.normal(0, 0.4, 3)
    return own


def turning(seconds: float, seed: int) -> Iterator[tuple[float, float, float]]:
    """Poses that change slowly, degrees."""
    a, b, c = np.random.default_rng(seed).uniform(0.3, 1, 3)
    for i in range(int(seconds * 1000 / STEP)):
        t = i * STEP / 1000
        yield 8 * np.sin(a * t), 12 * np.sin(b * t), 5 * np.sin(c * t)


def gap(landmarks: Points) -> float:
    """Between the lips, centimetres."""
    face = shape(landmarks)
    return float(face[13, 1] - face[14, 1])


def off(landmarks: Points, expected: Points) -> float:
    """Root mean square of shapes, centimetres."""
    return float(np.sqrt(((shape(landmarks) - shape(expected)) ** 2).sum(axis=1).mean()))


def test_the_canonical_face_stays_as_it_is() -> None:
    np.testing.assert_allclose(FaceShape().apply(REST, 0), REST, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_who_is_seen_for_a_while_has_the_canonical_shape_in_their_own_pose(seed: int) -> None:
    own, faces = someone(seed), FaceShape()
    skin = [i for i in range(468) if i not in {*EYE_RIGHT, *EYE_LEFT, *LIPS_INNER}]
    before, after = [], []
    for i, pose in enumerate(turning(4, seed)):
        face = person(own, {}, pose)
        shown = faces.apply(face, i * STEP)
        np.testing.assert_allclose(placement(shown).rotation, placement(face).rotation, atol=0.06)
        expected = shape(head.landmarks({}, pose=pose))[skin]
        before.append(np.abs(shape(face)[skin] - expected).mean())
        after.append(np.abs(shape(shown)[skin] - expected).mean())
    assert np.mean(after[25:]) < 0.35 * np.mean(before[25:])


@pytest.mark.parametrize("expression", [SMILE, TALK, {"blink_left": 1.0, "blink_right": 1.0}])
def test_lids_and_lips_open_as_far_as_the_person_opens_them(expression: dict[str, float]) -> None:
    faces = FaceShape()
    for i in range(50):
        face = person(someone(1), expression, (0, 0, 0))
        shown = faces.apply(face, i * STEP)
    for loop in (EYE_RIGHT, EYE_LEFT, LIPS_INNER):
        there, here = shape(face)[loop], shape(shown)[loop]
        np.testing.assert_allclose(here - here.mean(0), there - there.mean(0), atol=0.08)


def test_a_mouth_that_is_open_from_the_first_is_no_shape_and_closes() -> None:
    faces = FaceShape()
    for i in range(50):
        face = person(np.zeros_like(REST), TALK, (0, 0, 0))
        shown = faces.apply(face, i * STEP)
    assert off(shown, face) < 0.12
    closed = faces.apply(REST, 50 * STEP)
    assert gap(closed) == pytest.approx(gap(REST), abs=0.05)


def test_a_smile_that_lasts_is_not_learnt() -> None:
    faces, own = FaceShape(), someone(2)
    for i in range(500):
        shown = faces.apply(person(own, {}, (0, 0, 0)), i * STEP)
    neutral = shape(shown)
    smiles = []
    for i in range(500, 750):
        smiles.append(shape(faces.apply(person(own, SMILE, (0, 0, 0)), i * STEP)) - neutral)
    corner = [float(np.linalg.norm(smile[61])) for smile in smiles]
    assert min(corner) > 0.9 * corner[0] > 0


def test_a_nose_that_a_tracker_moves_is_held_and_a_brow_is_not() -> None:
    faces = FaceShape()
    still = shape(faces.apply(REST, 0))
    for point, least, most in ((4, 0.2, 0.3), (50, 0.1, 0.25), (105, 0.95, 1.05), (152, 0.95, 1.05)):
        moved = np.zeros_like(REST)
        moved[point, 2] = 0.3
        shown = shape(faces.apply(person(moved, {}, (0, 0, 0)), 0))
        assert least < (shown - still)[point, 2] / 0.3 < most, point


def test_another_person_is_learnt_at_once_after_a_while_without_a_face() -> None:
    faces, one, other = FaceShape(), someone(3), someone(4)
    for i in range(500):
        faces.apply(person(one, {}, (0, 0, 0)), i * STEP)
    time = 500 * STEP
    soon = off(faces.apply(person(other, {}, (0, 0, 0)), time + 1900), REST)
    later = off(faces.apply(person(other, {}, (0, 0, 0)), time + 1900 + 2100), REST)
    assert later < 0.5 * soon


def test_time_that_stands_still_teaches_nothing() -> None:
    faces = FaceShape()
    first = faces.apply(person(someone(5), {}, (0, 0, 0)), 0)
    faces.apply(person(someone(6), SMILE, (0, 0, 0)), 0)
    again = faces.apply(person(someone(5), {}, (0, 0, 0)), 0)
    np.testing.assert_array_equal(first, again)


def test_points_that_are_no_face_are_refused() -> None:
    with pytest.raises(FaceError, match="aren't finite"):
        FaceShape().apply(np.full((478, 3), np.nan), 0)
