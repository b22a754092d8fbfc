"""The drawing that networks read. tests/js/drawing.test.js compares it with JavaScript's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.face import topology
from onnx2wgsl.face.drawing import SPECIFICATION, draw, with_shell
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.framing import ANCHOR_POINTS, ANCHOR_WEIGHTS

from tests.face import vectors
from tests.face.heads import head

LOOPS = {name: np.array(loop) for name, loop in SPECIFICATION["loops"].items()}
MEDIAPIPE = {
    "face": topology.FACE_OVAL,
    "mouth": topology.LIPS_INNER,
    "eye_right": topology.EYE_RIGHT,
    "eye_left": topology.EYE_LEFT,
    "brow_right": [70, 63, 105, 66, 107, 55, 65, 52, 53, 46],
    "brow_left": [300, 293, 334, 296, 336, 285, 295, 282, 283, 276],
    "iris_right": [468, 469, 470, 471, 472],
    "iris_left": [473, 474, 475, 476, 477],
}
"""The loops as its face mesh has them."""
FRONTAL = vectors.landmarks("open")


def colors(name: str) -> list[tuple[int, ...]]:
    """The fills of the layers that name a loop, from back to front."""
    return [
        tuple(bytes.fromhex(layer["fill"][1:]))
        for layer in SPECIFICATION["layers"]
        if "fill" in layer and name in (*layer.get("loops", ()), layer.get("points"))
    ]


def pixel(picture: NDArray[np.uint8], point: NDArray[np.floating]) -> tuple[int, ...]:
    column, row = (point[:2] * len(picture)).astype(int)
    return tuple(picture[row, column].tolist())


def shows(picture: NDArray[np.uint8], color: tuple[int, ...]) -> bool:
    return bool((picture == color).all(axis=2).any())


def test_loops_are_those_of_mediapipe() -> None:
    assert {name: LOOPS[name].tolist() for name in MEDIAPIPE} == MEDIAPIPE
    assert sorted({*LOOPS["lip_upper"], *LOOPS["lip_lower"]}) == sorted(
        {*topology.LIPS_OUTER, *topology.LIPS_INNER}
    )


def test_rings_are_closed_walks_along_edges_of_the_mesh() -> None:
    """Within a side's half of a ring, the walk goes back along the middle of the face."""
    triangles = topology.TRIANGLES
    edges = {frozenset(pair) for t in triangles.tolist() for pair in (t[:2], t[1:], t[::2])}
    edges.add(frozenset((0, 17)))  # straight over the lips
    rings = ["face", "rim", "cheek", "center", "center_left"]
    for name in (*rings, "face_right", "cheek_right", "center_right"):
        loop = LOOPS[name].tolist()
        assert all(frozenset(pair) in edges for pair in zip(loop, loop[1:] + loop[:1], strict=True))


def test_every_edge_is_listed_once_with_the_triangles_beside_it() -> None:
    triangles = {frozenset(triangle) for triangle in topology.TRIANGLES.tolist()}
    tesselation = np.array(SPECIFICATION["edges"]["tesselation"]).reshape(-1, 4)
    for a, b, c, d in tesselation.tolist():
        assert {a, b, c} in triangles
        assert {a, b, d} in triangles
        assert c != d
    inner = (3 * len(triangles) - len(topology.FACE_OVAL)) // 2
    assert len({frozenset(edge) for edge in tesselation[:, :2].tolist()}) == inner
    a, b, c = topology.VERTICES[tesselation[:, :3]].transpose(1, 0, 2)
    front = np.cross(b - a, c - a)[:, 2] < 0
    assert front.mean() > 0.98, "clockwise in a picture, whose y points down"


@pytest.mark.parametrize("size", [64, 128, 200, 256, 512])
def test_parts_have_their_colours_at_every_size(size: int) -> None:
    picture = draw(FRONTAL, size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert not picture[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    for name in ("mouth", "brow_right", "brow_left"):
        assert pixel(picture, FRONTAL[LOOPS[name]].mean(axis=0)) == colors(name)[-1], name
    for name in ("iris_right", "iris_left"):
        assert max(pixel(picture, FRONTAL[LOOPS[name][0]])) < 16, "the pupil"


def test_sides_and_lips_can_be_told_apart() -> None:
    pairs = [(f"{part}_right", f"{part}_left") for part in ("eye", "iris", "brow", "center")]
    for one, other in (*pairs, ("lip_upper", "lip_lower")):
        a, b = np.array(colors(one)[0]), np.array(colors(other)[0])
        assert np.abs(a - b).max() >= 30, (one, other)


def test_a_small_drawing_is_the_average_of_a_large_one() -> None:
    large = draw(FRONTAL, 512).astype(float)
    averaged = large.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(averaged - draw(FRONTAL, 128)).mean() < 0.5


def test_the_third_coordinate_is_not_needed() -> None:
    np.testing.assert_array_equal(draw(FRONTAL[:, :2], 64), draw(FRONTAL, 64))


def test_a_closed_eye_hides_its_iris() -> None:
    closed = FRONTAL.copy()
    for upper, lower in (
        (topology.LID_UPPER_RIGHT, topology.LID_LOWER_RIGHT),
        (topology.LID_UPPER_LEFT, topology.LID_LOWER_LEFT),
    ):
        closed[upper] = closed[lower]
    for name in ("iris_right", "iris_left"):
        assert shows(draw(FRONTAL, 512), colors(name)[0])
        assert not shows(draw(closed, 512), colors(name)[0])


def test_a_turned_head_shows_the_skin_of_the_near_side_only() -> None:
    right, left = colors("center_right")[-1], colors("center_left")[0]
    near_right = draw(head(yaw=75), 256)
    near_left = draw(head(yaw=-75), 256)
    count = {
        name: [int((picture == color).all(axis=2).sum()) for color in (right, left)]
        for name, picture in (("right", near_right), ("left", near_left))
    }
    assert count["right"][0] > 20 * count["right"][1]
    assert count["left"][1] > 20 * count["left"][0]


def test_the_face_has_an_outline_all_around_in_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along each row of the picture, the first and the last pixel drawn are of the outline."""
    shell = ("patches", "edges")
    face = [layer for layer in SPECIFICATION["layers"] if "shell" not in (layer.get(name) for name in shell)]
    monkeypatch.setitem(SPECIFICATION, "layers", face)
    picture = draw(head(yaw=40), 512).astype(int)
    green = picture[..., 1] - picture[..., [0, 2]].max(axis=2)
    rows = [row for row in range(512) if np.count_nonzero(picture[row].max(axis=1)) > 60]
    outlined = 0
    for row in rows:
        columns = np.flatnonzero(picture[row].max(axis=1))
        ends = (slice(columns[0], columns[0] + 5), slice(columns[-1] - 4, columns[-1] + 1))
        outlined += all(green[row, end].max() > 20 for end in ends)
    assert outlined > 0.9 * len(rows)


def test_the_shell_follows_the_anchors_by_weighted_least_squares() -> None:
    """The least squares are solved by means of the square roots of the weights, not as there."""
    frame = SPECIFICATION["points"]["frame"]
    assert [int(name) for name in frame] == ANCHOR_POINTS.tolist()
    faces = np.hstack([topology.VERTICES[ANCHOR_POINTS], np.ones((len(ANCHOR_POINTS), 1))])
    root = np.sqrt(ANCHOR_WEIGHTS)[:, None]
    solved = np.linalg.lstsq(root * faces, np.diag(root[:, 0]), rcond=None)[0]
    np.testing.assert_allclose(np.array(list(frame.values())), solved.T, rtol=1e-4, atol=1e-6)


def test_patches_of_the_shell_run_clockwise_seen_from_outside() -> None:
    positions = np.array(SPECIFICATION["points"]["positions"])
    patches = SPECIFICATION["patches"]["shell"]
    (layer,) = (layer for layer in SPECIFICATION["layers"] if layer["kind"] == "patches")
    assert len(layer["fills"]) == len(patches) == len({tuple(patch) for patch in patches})
    center = positions.mean(axis=0)
    for patch in patches:
        a, b, c = positions[np.array(patch[:3]) - topology.LANDMARKS]
        assert np.cross(b - a, c - a) @ (a - center) < 0, "a picture's y points down"


@pytest.mark.parametrize("pitch", [-28.0, -14.0, 0.0, 14.0, 28.0])
@pytest.mark.parametrize("yaw", [-45.0, -20.0, 0.0, 20.0, 45.0])
def test_patches_that_face_the_viewer_do_not_overlap(pitch: float, yaw: float) -> None:
    """drawing.js adds their colours: where two overlapped, it would draw another one."""
    points = with_shell(head(pitch, yaw, 8)[:, :2] * 512.0)
    coverage = np.zeros((512, 512), np.uint8)
    for patch in SPECIFICATION["patches"]["shell"]:
        corners = points[patch]
        x, y = corners.T
        if x @ np.roll(y, -1) - y @ np.roll(x, -1) > 0:
            mask = np.zeros_like(coverage)
            cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
            coverage += cv2.erode(mask, np.ones((3, 3), np.uint8))
    assert coverage.max() == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.1, 3.0, 1e30]))
def test_any_finite_landmarks_can_be_drawn(seed: int, spread: float) -> None:
    points = np.random.default_rng(seed).normal(0.5, spread, (478, 3)).astype(np.float32)
    np.testing.assert_array_equal(draw(points, 64), draw(points, 64))


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(FaceError, match=r"shape \[468, 3\]; a drawing needs \[478, 3\]"):
        draw(FRONTAL[:468], 64)
    broken = FRONTAL.copy()
    broken[3, 1] = np.nan
    with pytest.raises(FaceError, match="aren't finite"):
        draw(broken, 64)
    with pytest.raises(FaceError, match="at least one pixel a side, not 0"):
        draw(FRONTAL, 0)
