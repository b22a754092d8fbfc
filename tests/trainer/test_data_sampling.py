"""Which faces a data set shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from onnx2wgsl.trainer.config import SPLITS, DataConfig, Split
from onnx2wgsl.trainer.data import speech
from onnx2wgsl.trainer.data.sampling import CLIP, sample_state
from onnx2wgsl.trainer.renderer import FaceState
from onnx2wgsl.trainer.renderer.expressions import CHANNELS, EMOTIONS, VISEMES

CONFIG = DataConfig()


def states(split: Split, count: int, config: DataConfig = CONFIG) -> list[FaceState]:
    return [sample_state(config, split, index) for index in range(count)]


def poses(split: Split, count: int) -> np.ndarray:
    return np.array([state.pose for state in states(split, count)])


def shapes(faces: list[FaceState]) -> np.ndarray:
    return np.stack([speech.mouth_shape(state.expression).ravel() for state in faces])


@pytest.mark.parametrize("split", SPLITS)
def test_a_state_is_determined_by_seed_split_and_index_alone(split: Split) -> None:
    forward = states(split, 8)
    speech.thinned_speech.cache_clear()
    longer = dataclasses.replace(CONFIG, train=99, val=99, size=32, shard=3)
    assert [sample_state(longer, split, index) for index in reversed(range(8))] == forward[::-1]
    other = states(split, 8, dataclasses.replace(CONFIG, seed=1))
    assert not any(a == b for a, b in zip(forward, other, strict=True))


def test_no_face_is_in_two_splits() -> None:
    everyone = [state.identity for split in SPLITS for state in states(split, 60)]
    clips = 60 // CLIP + 1
    assert len(set(everyone)) == (len(SPLITS) - 1) * 60 + clips


@pytest.mark.parametrize("split", ["train", "val"])
def test_usual_poses_fill_their_ranges_from_the_first_on(split: Split) -> None:
    angles = poses(split, 105)
    assert (np.abs(angles) <= [20, 35, 15]).all()
    # Any seven successive faces are in the seven cells of yaw, any five in those of pitch.
    for low, cells, axis in ((-20, 5, 0), (-35, 7, 1), (-15, 3, 2)):
        cell = ((angles[:, axis] - low) / (-2 * low) * cells).astype(int)
        assert all(len(set(cell[i : i + cells])) == cells for i in range(105 - cells))
    grid = (angles - [-20, -35, -15]) / [8, 10, 10]
    assert len({tuple(cell) for cell in grid.astype(int).tolist()}) == 105


def test_extreme_poses_are_beyond_the_usual_ones() -> None:
    pitch, yaw, roll = np.abs(poses("pose-extreme", 200)).T
    assert ((yaw > 35) != (pitch > 20)).all()
    assert yaw.max() <= 45
    assert pitch.max() <= 28
    assert roll.max() <= 15
    assert (yaw > 35).sum() == 100


def test_half_of_the_training_mouths_speak_unless_they_must_not() -> None:
    mute = states("train", 40, dataclasses.replace(CONFIG, visemes=False))
    spoken = {"tongue", "lower_down"}  # no emotion has these
    assert not any(set(state.expression) & spoken for state in mute)
    speaking = [bool(set(state.expression) & spoken) for state in states("train", 40)]
    assert speaking == [False, True] * 20


def test_held_out_splits_do_not_depend_on_whether_training_mouths_speak() -> None:
    mute = dataclasses.replace(CONFIG, visemes=False)
    for split in SPLITS[1:]:
        assert states(split, 6, mute) == states(split, 6)


def test_channels_exist_and_have_sensible_weights() -> None:
    for split in SPLITS:
        for state in states(split, 100):
            assert set(state.expression) <= set(CHANNELS)
            assert all(-0.6 <= weight <= 1.2 for weight in state.expression.values())
            assert max(map(abs, state.identity)) <= 1.2
            assert max(map(abs, state.gaze)) <= 1


def test_faces_blink_wink_and_look_at_the_viewer() -> None:
    faces = states("train", 400)
    lids = np.array([[s.expression["blink_left"], s.expression["blink_right"]] for s in faces])
    assert 0.12 < (lids.min(1) > 0.8).mean() < 0.45
    assert 0.02 < (np.abs(lids[:, 0] - lids[:, 1]) > 0.4).mean() < 0.15
    assert (lids.max(1) < 0.35).mean() > 0.45
    away = np.array([s.gaze[0] + s.pose[1] / 40 for s in faces])
    assert 0.35 < (np.abs(away) < 0.16).mean() < 0.75


def test_speech_is_consecutive_frames_of_one_face() -> None:
    clip = states("speech", CLIP)
    following = sample_state(CONFIG, "speech", CLIP)
    assert {state.identity for state in clip} == {clip[0].identity} != {following.identity}
    mouths = shapes(clip)
    steps = np.abs(np.diff(mouths, axis=0)).max(1)
    apart = np.abs(mouths[:, None] - mouths[None]).max(2).max()
    assert 0 < steps.max() < 0.75 * apart, "the mouth moves, and does not jump"
    turns = np.abs(np.diff([state.pose for state in clip], axis=0))
    assert turns.max() < 1


def test_gestures_are_those_of_the_visemes_and_reach_them() -> None:
    assert set(speech.GESTURES) == set(VISEMES) == {"sil", *speech.CONSONANTS, *speech.VOWELS}
    for viseme in VISEMES:
        sounds = [speech.Sound("sil", 0.2, 1), speech.Sound(viseme, 0.4, 1)]
        (reached,) = speech.mouths_of(sounds, np.array([0.4]))
        gesture = [VISEMES[viseme].get(channel, 0.0) for channel in speech.MOUTH_CHANNELS]
        np.testing.assert_allclose(reached, gesture, atol=0.1)


def test_lips_close_for_a_p_between_open_vowels_and_take_its_neighbours_for_a_k() -> None:
    jaw = speech.MOUTH_CHANNELS.index("jaw")
    pucker = speech.MOUTH_CHANNELS.index("pucker")

    def between(consonant: str, vowel: str) -> np.ndarray:
        sounds = [speech.Sound(v, d, 1) for v, d in ((vowel, 0.15), (consonant, 0.1), (vowel, 0.15))]
        return np.asarray(speech.mouths_of(sounds, np.array([0.2]))[0])

    assert between("PP", "aa")[jaw] < 0.15
    assert between("kk", "ou")[pucker] > 0.4
    assert between("DD", "ou")[pucker] > between("DD", "aa")[pucker] + 0.2


def test_thinned_mouths_cover_speech_better_than_random_ones() -> None:
    rng = np.random.default_rng(5)
    pool = np.concatenate([speech.speech(rng, 128) for _ in range(6)])
    points = np.stack([speech.mouth_shape(speech.mouth(frame)).ravel() for frame in pool])

    def radius(indices: np.ndarray) -> float:
        """The farthest that any mouth is from a chosen one."""
        gaps = np.linalg.norm(points[:, None] - points[indices][None], axis=2)
        return float(gaps.min(1).max())

    thinned = radius(speech.farthest_points(points, 48))
    random = [radius(rng.choice(len(points), 48, replace=False)) for _ in range(10)]
    assert thinned < 0.6 * min(random)


def test_farthest_points_are_distinct_and_each_beginning_covers() -> None:
    points = np.random.default_rng(1).normal(size=(200, 3))
    indices = speech.farthest_points(points, 50)
    assert len(set(indices.tolist())) == 50
    np.testing.assert_array_equal(speech.farthest_points(points, 20), indices[:20])
    gaps = np.linalg.norm(points[:, None] - points[indices][None], axis=2)
    radii = [gaps[:, :count].min(1).max() for count in (5, 10, 20, 40)]
    assert radii == sorted(radii, reverse=True)


def test_every_emotion_is_among_the_training_faces() -> None:
    upper = {"brow_up", "brow_down", "brow_inner", "squint", "frown", "smile"}
    channels = {name for state in states("train", 200) for name in state.expression}
    assert upper <= channels
    assert {channel for emotion in EMOTIONS.values() for channel in emotion} <= channels
