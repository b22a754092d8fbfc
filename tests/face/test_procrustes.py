"""Similarities of point sets, and faces of any camera in the renderer's framing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx2wgsl.face.camera import rotation
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.framing import ANCHOR_POINTS
from onnx2wgsl.face.procrustes import Similarity, fit, placement, to_training_frame
from onnx2wgsl.face.topology import MESH, VERTICES

from tests.face import vectors

PHOTO = vectors.landmarks("photo")
Points = NDArray[np.float64]


@st.composite
def similarities(draw: st.DrawFn) -> Similarity:
    """Any scale, rotation (from a quaternion, Shoemake 1992) and translation."""
    scale = 10.0 ** draw(st.floats(-3, 3))
    q = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 4)))
    if np.linalg.norm(q) < 1e-2:
        q = np.array([1.0, 0, 0, 0])
    w, x, y, z = q / np.linalg.norm(q)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return Similarity(scale, rotation, np.array(draw(st.tuples(*[st.floats(-100, 100)] * 3))))


@st.composite
def clouds(draw: st.DrawFn) -> tuple[Points, Points]:
    """3 to 40 points that don't lie on a line, and their weights."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(3, 40))
    points = generator.normal(0, 10.0 ** draw(st.floats(-2, 2)), (count, 3))
    if draw(st.booleans()):
        points[:, 2] = 0  # a plane determines the rotation too
    return points, generator.uniform(0.1, 1, count)


@given(similarities(), clouds())
def test_the_inverse_undoes_a_similarity(similarity: Similarity, cloud: tuple[Points, Points]) -> None:
    points, _ = cloud
    back = similarity.inverse(similarity.forward(points))
    size = max(np.abs(points).max(), np.abs(similarity.translation).max() / similarity.scale)
    assert np.abs(back - points).max() <= 1e-9 * size


@given(similarities(), clouds())
def test_a_fit_recovers_a_similarity(truth: Similarity, cloud: tuple[Points, Points]) -> None:
    points, weights = cloud
    target = truth.forward(points)
    similarity = fit(points, target, weights)
    spread, offset = np.abs(target - target.mean(0)).max(), np.abs(target).max()
    tolerance = 1e-7 * spread + 1e-12 * offset
    np.testing.assert_allclose(similarity.forward(points), target, rtol=0, atol=tolerance)
    np.testing.assert_allclose(similarity.rotation @ similarity.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(similarity.rotation) > 0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_fit_is_better_than_its_neighbours(seed: int) -> None:
    generator = np.random.default_rng(seed)
    source, target = generator.normal(0, 1, (2, 12, 3))
    weights = generator.uniform(0.1, 1, 12)

    def error(candidate: Similarity) -> float:
        return float(weights @ ((target - candidate.forward(source)) ** 2).sum(axis=1))

    best = fit(source, target, weights)
    for axis in range(3):
        tilt = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        tilt[i, i] = tilt[j, j] = np.cos(0.02)
        tilt[i, j], tilt[j, i] = -np.sin(0.02), np.sin(0.02)
        turned = Similarity(best.scale, tilt @ best.rotation, best.translation)
        moved = Similarity(best.scale, best.rotation, best.translation + 0.01 * np.eye(3)[axis])
        assert error(best) < min(error(turned), error(moved))
    for factor in (0.98, 1.02):
        scaled = Similarity(best.scale * factor, best.rotation, best.translation)
        assert error(best) < error(scaled)


def test_a_mirror_image_is_met_by_a_rotation() -> None:
    similarity = fit(VERTICES, VERTICES * [-1, 1, 1], np.ones(MESH))
    assert np.linalg.det(similarity.rotation) == pytest.approx(1)


def test_a_point_of_weight_zero_does_not_count() -> None:
    target = VERTICES.copy()
    target[7] += 1000
    weights = np.ones(MESH)
    weights[7] = 0
    np.testing.assert_allclose(fit(VERTICES, target, weights).rotation, np.eye(3), atol=1e-12)


LINE = np.linspace(0, 1, 5)[:, None] * [1.0, 2.0, -1.0] + 0.1
CLOUD = np.random.default_rng(0).normal(0, 1, (5, 3))


@pytest.mark.parametrize("degenerate", [LINE, np.full((5, 3), 0.1), np.zeros((5, 3))])
def test_points_on_a_line_or_in_one_place_are_refused(degenerate: Points) -> None:
    with pytest.raises(FaceError, match="the source points lie on a line"):
        fit(degenerate, CLOUD, np.ones(5))
    with pytest.raises(FaceError, match="the target points lie on a line"):
        fit(CLOUD, degenerate, np.ones(5))


@pytest.mark.parametrize("distance", [1e4, 1e8])
def test_a_line_far_from_the_origin_is_told_from_its_rounding(distance: float) -> None:
    with pytest.raises(FaceError, match="the target points lie on a line"):
        fit(CLOUD, LINE + distance, np.ones(5))
    with pytest.raises(FaceError, match="the source points lie on a line"):
        fit(LINE + distance, CLOUD, np.ones(5))


SQUARE = np.array([[1.0, 1, 0], [-1, 1, 0], [1, -1, 0], [-1, -1, 0]])
OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (SQUARE, SQUARE[[0, 3, 2, 1]]),  # sides that had y in common have none
        (OCTAHEDRON, OCTAHEDRON * [-1, 1, 1]),  # a mirror image that any axis meets equally well
    ],
)
def test_sets_that_leave_a_rotation_open_are_refused(source: Points, target: Points) -> None:
    with pytest.raises(FaceError, match="less than two directions in common"):
        fit(source, target, np.ones(len(source)))


@pytest.mark.parametrize(
    ("source", "target", "weights", "message"),
    [
        (CLOUD[:1], CLOUD[:1], np.ones(1), "on a line or in one place"),
        (CLOUD, CLOUD * [np.nan, 1, 1], np.ones(5), "aren't finite"),
        (CLOUD, CLOUD, np.full(5, np.inf), "aren't finite"),
        (CLOUD, CLOUD[:4], np.ones(5), r"\[5, 3\] and \[4, 3\]"),
        (CLOUD[:, :2], CLOUD[:, :2], np.ones(5), r"needs two times \[n, 3\]"),
        (CLOUD, CLOUD, np.ones(4), r"5 points have weights of shape \[4\]"),
        (CLOUD, CLOUD, np.zeros(5), "all of them 0"),
        (CLOUD, CLOUD, np.array([1, 1, -1, 1, 1]), "below 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    source: Points, target: Points, weights: Points, message: str
) -> None:
    with pytest.raises(FaceError, match=message):
        fit(source, target, weights)


def test_the_place_and_size_of_a_face_in_its_picture_do_not_matter() -> None:
    expected = to_training_frame(PHOTO)
    assert (expected[:, :2] > 0.05).all()
    assert (expected[:, :2] < 0.95).all()
    # The same face in a picture of 3:2, smaller and elsewhere.
    elsewhere = (PHOTO * 0.4 + [0.3, 0.1, 0.02]) * [1, 1.5, 1]
    np.testing.assert_allclose(to_training_frame(elsewhere, 1.5), expected, atol=1e-6)


def test_the_placement_says_where_the_anchors_are() -> None:
    """Of a face that is the canonical one, exactly; a wide picture has x in the greater unit."""
    upright = Similarity(0.02, rotation(10, -30, 5), np.array([0.4, -0.3, 0.1])).forward(VERTICES)
    face = np.concatenate([upright, np.zeros((10, 3))]) * [1, -1.5, -1]
    similarity = placement(face, 1.5)
    assert similarity.scale == pytest.approx(0.02)
    np.testing.assert_allclose(similarity.rotation, rotation(10, -30, 5), atol=1e-12)
    np.testing.assert_allclose(similarity.translation, [0.4, -0.3, 0.1], atol=1e-12)


def test_a_face_framed_once_stays_so() -> None:
    once = to_training_frame(PHOTO)
    np.testing.assert_allclose(to_training_frame(once), once, atol=1e-6)


def test_other_shapes_have_no_frame() -> None:
    with pytest.raises(FaceError, match=r"\[468, 3\], not \[478, 3\]"):
        to_training_frame(np.zeros((468, 3)))
    with pytest.raises(FaceError, match="lie on a line or in one place"):
        to_training_frame(np.zeros((478, 3)))


@pytest.mark.parametrize("landmark", [0, ANCHOR_POINTS[0], 477])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_single_broken_number_is_refused_whether_or_not_it_is_an_anchors(
    landmark: int, number: float
) -> None:
    assert 0 not in ANCHOR_POINTS
    assert 477 not in ANCHOR_POINTS
    broken = PHOTO.copy()
    broken[landmark, 1] = number
    for place in (placement, to_training_frame):
        with pytest.raises(FaceError, match="landmarks hold numbers that aren't finite"):
            place(broken)
