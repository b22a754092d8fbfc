"""The renderer: what a picture shows is where the landmarks say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.face import topology
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.renderer import FaceState, head, landmarks, render
from onnx2wgsl.trainer.renderer.expressions import CHANNELS, EMOTIONS, VISEMES
from onnx2wgsl.trainer.renderer.looks import LOOKS
from onnx2wgsl.trainer.renderer.mesh import normals, subdivision
from onnx2wgsl.trainer.renderer.rasterizer import rasterize
from onnx2wgsl.trainer.renderer.state import IDENTITY_AXES

SIZE = 96


def lips_gap(state: FaceState) -> float:
    """How far the lips are apart at their middle, as a fraction of the frame."""
    points = landmarks(state)
    return float(np.linalg.norm(points[14] - points[13]))


def lids_gap(points: NDArray[np.float32], upper: int, lower: int) -> float:
    return float(points[lower, 1] - points[upper, 1])


def test_equal_states_give_equal_bytes_and_others_do_not() -> None:
    state = FaceState(pose=(5, -12, 3), expression=VISEMES["aa"], gaze=(0.4, -0.2))
    first, again = render(state, SIZE), render(state, SIZE)
    assert first.shape == (SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, render(FaceState(), SIZE))


@pytest.mark.parametrize("size", [64, 100, 128])
def test_any_size_shows_the_same_picture(size: int) -> None:
    """Within what one pixel's edge can differ: the mean of each quarter is the same."""
    state = FaceState(pose=(0, 20, 0))
    reference = render(state, 128).reshape(2, 64, 2, 64, 3).mean((1, 3))
    half = size // 2
    assert np.abs(render(state, size).reshape(2, half, 2, half, 3).mean((1, 3)) - reference).max() < 4


def test_a_neutral_face_looks_ahead_with_its_mouth_closed_and_its_eyes_open() -> None:
    points = landmarks(FaceState())
    assert points.shape == (topology.LANDMARKS, 3)
    assert points.dtype == np.float32
    assert lips_gap(FaceState()) < 0.003
    assert lids_gap(points, 159, 145) > 0.015
    # The iris lies between the corners of its eye, left and right of the picture's middle.
    assert points[33, 0] < points[468, 0] < points[133, 0] < 0.5
    assert 0.5 < points[362, 0] < points[473, 0] < points[263, 0]
    assert points[1, 2] < points[234, 2]  # the nose is nearer than the ear


def test_left_and_right_are_those_of_the_picture() -> None:
    turned = landmarks(FaceState(pose=(0, 30, 0)))
    middle = (turned[234, 0] + turned[454, 0]) / 2
    assert turned[1, 0] > middle  # positive yaw turns to the viewer's right
    assert landmarks(FaceState(gaze=(1, 0)))[468, 0] > landmarks(FaceState())[468, 0]
    assert landmarks(FaceState(gaze=(0, 1)))[468, 1] < landmarks(FaceState())[468, 1]
    assert landmarks(FaceState(pose=(20, 0, 0)))[1, 1] > landmarks(FaceState())[1, 1]  # nods
    tilted = landmarks(FaceState(pose=(0, 0, 10)))
    assert tilted[10, 0] < tilted[152, 0]  # counter-clockwise


@pytest.mark.parametrize(("channel", "upper", "lower"), [("blink_right", 159, 145), ("blink_left", 386, 374)])
def test_a_blink_closes_its_own_eye_only(channel: str, upper: int, lower: int) -> None:
    points = landmarks(FaceState(expression={channel: 1.0}))
    other = (386, 374) if upper == 159 else (159, 145)
    assert abs(lids_gap(points, upper, lower)) < 0.004
    assert lids_gap(points, *other) > 0.015
    white = np.all(render(FaceState(expression={channel: 1.0}), 192)[:, :] > 185, axis=2)
    x, y = (points[[upper, lower]].mean(0)[:2] * 192).astype(int)
    assert not white[y - 3 : y + 3, x - 6 : x + 6].any()


def test_open_mouths_show_teeth_and_closed_ones_do_not() -> None:
    def bright(state: FaceState) -> int:
        points = landmarks(state)[topology.LIPS_OUTER][:, :2] * 256
        (x0, y0), (x1, y1) = points.min(0).astype(int), points.max(0).astype(int)
        crop = render(state, 256)[y0:y1, x0:x1].astype(int)
        return int(((crop.min(2) > 195) & (np.ptp(crop, axis=2) < 40)).sum())

    assert bright(FaceState(expression=EMOTIONS["laugh"])) > 40
    assert bright(FaceState(expression=VISEMES["sil"])) < 5


def test_visemes_are_the_fifteen_and_differ_from_one_another() -> None:
    assert list(VISEMES) == [
        "sil",
        "PP",
        "FF",
        "TH",
        "DD",
        "kk",
        "CH",
        "SS",
        "nn",
        "RR",
        "aa",
        "E",
        "ih",
        "oh",
        "ou",
    ]
    assert {name for weights in (*VISEMES.values(), *EMOTIONS.values()) for name in weights} <= set(CHANNELS)
    lips = [
        landmarks(FaceState(expression=v))[topology.LIPS_OUTER + topology.LIPS_INNER]
        for v in VISEMES.values()
    ]
    apart = [np.abs(a - b).max() for i, a in enumerate(lips) for b in lips[:i]]
    # `sil` and those that differ by the tongue's place only may have lips alike.
    assert sorted(apart)[3] > 0.002


@given(
    pose=st.tuples(st.floats(-28, 28), st.floats(-45, 45), st.floats(-15, 15)),
    identity=st.tuples(*[st.floats(-0.7, 0.7)] * IDENTITY_AXES),
    weights=st.dictionaries(st.sampled_from(CHANNELS), st.floats(0, 1), max_size=4),
)
@settings(max_examples=15)
def test_every_face_stays_in_the_frame(
    pose: tuple[float, float, float], identity: tuple[float, ...], weights: dict[str, float]
) -> None:
    points = landmarks(FaceState(identity, weights, pose=pose))
    assert np.isfinite(points).all()
    assert (points[:, :2] > 0).all()
    assert (points[:, :2] < 1).all()


def test_the_shoulders_stay_where_they_are() -> None:
    """Beside the head's shadow, which follows it."""
    still = render(FaceState(), SIZE)
    moved = render(FaceState(pose=(5, -12, 3), offset=(0.02, -0.01), scale=1.03), SIZE)
    low = slice(SIZE * 9 // 10, SIZE)
    for side in (slice(0, SIZE // 6), slice(-SIZE // 6, SIZE)):
        assert np.array_equal(still[low, side], moved[low, side])
    assert not np.array_equal(still, moved)


def test_lids_lie_on_the_eyeball_never_inside() -> None:
    state = FaceState(expression={"blink_left": 0.6, "blink_right": 1.0, "squint": 1.0})
    surface = head.surface(state)
    for eye in head.eyes(state).values():
        assert np.linalg.norm(surface - eye.center, axis=1).min() > head.EYEBALL_RADIUS


def test_subdivision_keeps_a_plane_flat_and_its_corners() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    weights, triangles, parents = subdivision(np.array([[0, 1, 2], [0, 2, 3]], np.int32), range(4), 2)
    points = weights @ square
    assert np.array_equal(points[:4], square)
    assert (points[:, 2] == 0).all()
    assert len(triangles) == len(parents) == 32
    assert np.allclose(normals(points, triangles), [0, 0, 1])


def test_the_nearer_triangle_hides_the_other() -> None:
    corners = np.array([[0, 0], [8, 0], [0, 8]], float)
    points = np.concatenate([np.c_[corners, [5, 5, 5]], np.c_[corners, [1, 1, 1]]])
    triangle, inside, depth = rasterize(points, np.array([[0, 1, 2], [3, 4, 5]], np.int32), 8)
    assert triangle[1, 1] == 1
    assert triangle[7, 7] == -1
    assert depth[1, 1] == 1
    assert np.isinf(depth[7, 7])
    assert np.allclose(inside[0, 0], [1 - 1 / 8, 0.5 / 8])


def test_looks_differ_and_an_unknown_one_is_named() -> None:
    pictures = [render(FaceState(look=name), SIZE) for name in LOOKS]
    assert len({p.tobytes() for p in pictures}) == len(LOOKS)
    with pytest.raises(TrainerError, match="no look is named 'plain'; there are neon, ember"):
        render(FaceState(look="plain"), SIZE)
