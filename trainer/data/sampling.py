"""Which faces a data set shows: each pair is determined by (seed, split, index) alone.

So any process can make any pair, and a longer data set begins with the shorter one. Poses walk
through the cells of a grid, mouths through speech thinned by shape and through emotions; everything
else is drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from onnx2wgsl.face.procrustes import to_training_frame

from ..config import SPLITS, DataConfig, Split
from ..renderer import landmarks
from ..renderer.expressions import EMOTIONS, VISEMES
from ..renderer.state import FaceState
from .speech import BLOCK, FPS, MOUTH_CHANNELS, mouth, speech, thinned_speech

Rng = np.random.Generator
Expression = dict[str, float]
Pose = tuple[float, float, float]

PITCH, YAW, ROLL = 20.0, 35.0, 15.0
"""Bounds of the usual poses, degrees each way."""
EXTREME_PITCH, EXTREME_YAW = 28.0, 45.0
"""Bounds of the extreme ones, which begin where the usual ones end."""
PEOPLE = (0.4, -0.35, -0.1, 0.0, 0.35, 0.3, 0.5, 0.6, 1.0)
"""Near the mean of five persons as MediaPipe sees them, in weights of head.IDENTITIES.

scripts/people.py finds 0.57, -0.45, -0.22, -0.07, 0.29, 0.21, 0.46 and 0.67; the last is what is left."""
FRAMING_STEPS = 2
"""After which a face moves by less than a fifth of a pixel of 256 (tested)."""
CLIP = FPS
"""Consecutive frames of a face in the split `speech`."""

# The purposes of random streams; never 0, as trailing zeros of a seed say nothing to numpy.
_STATE, _MOUTHS, _CLIP, _NOISE = 1, 2, 3, 4


def sample_state(config: DataConfig, split: Split, index: int) -> FaceState:
    """The face of a pair. Without `config.visemes` no mouth of the split `train` speaks."""
    if split == "speech":
        return _speaking(config, index)
    rng = _stream(config, split, _STATE, index)
    identity = _identity(rng)
    pose = _extreme_pose(rng, index) if split == "pose-extreme" else _pose(rng, index)
    speaks = index % 2 == 1 and (config.visemes or split != "train")
    mood = _mood(rng)
    if speaks:
        block, place = divmod(index // 2, BLOCK)
        seed = (config.seed, SPLITS.index(split), _MOUTHS, block)
        mood = _sum(_under_speech(mood), mouth(thinned_speech(*seed)[place]))
    elif rng.random() < 0.1:
        mood = _sum(mood, {"puff": rng.uniform(0.3, 1.0)})
    state = FaceState(
        identity=identity,
        expression=_limited(_sum(mood, _brows(rng), _lids(rng))),
        gaze=_gaze(rng, pose),
        pose=pose,
        look=config.look,
    )
    return framed(state)


def noise_stream(config: DataConfig, split: Split, index: int) -> Rng:
    """What a tracker's errors about a pair are drawn from."""
    return _stream(config, split, _NOISE, index)


def _stream(config: DataConfig, split: Split, purpose: int, index: int) -> Rng:
    return np.random.default_rng([config.seed, SPLITS.index(split), purpose, index])


def _identity(rng: Rng) -> tuple[float, ...]:
    """A face between the canonical one and those of people, and around them."""
    middle = rng.random() * np.array(PEOPLE)
    return tuple(rng.normal(middle, 0.4).clip(-1.2, 1.2).tolist())


def framed(state: FaceState) -> FaceState:
    """The same face where a live page has it: procrustes.to_training_frame moves it no more.

    The scale is found first; where a larger head lies in the frame, the other follows from it.
    """
    for _ in range(FRAMING_STEPS):
        here = landmarks(state)
        there = to_training_frame(here)
        scale = float(np.ptp(there[:, 1]) / np.ptp(here[:, 1]))
        state = replace(state, scale=state.scale * scale)
        x, y = (there - landmarks(state))[:, :2].mean(0)
        state = replace(state, offset=(state.offset[0] + float(x), state.offset[1] + float(y)))
    return state


def _within(rng: Rng, cell: int, cells: int, low: float, high: float) -> float:
    """Anywhere in one of the equal cells of a range."""
    return low + (high - low) * (cell % cells + rng.random()) / cells


def _pose(rng: Rng, index: int) -> Pose:
    """A pose within cell `index` of the grid 5 x 7 x 3.

    The numbers of cells have no common divisor, so that stepping along each axis by the index
    passes every cell of the grid in 105 steps (the Chinese remainder theorem) and every cell of
    each axis in 7. The factors spread neighbours.
    """
    return (
        _within(rng, 2 * index, 5, -PITCH, PITCH),
        _within(rng, 3 * index, 7, -YAW, YAW),
        _within(rng, index, 3, -ROLL, ROLL),
    )


def _extreme_pose(rng: Rng, index: int) -> Pose:
    """Turned far right, nodding far down, turned far left, looking far up, in turns."""
    sign = 1 if index % 4 < 2 else -1
    roll = _within(rng, index, 3, -ROLL, ROLL)
    if index % 2 == 0:
        yaw = sign * rng.uniform(np.nextafter(YAW, EXTREME_YAW), EXTREME_YAW)
        return _within(rng, index // 2, 5, -PITCH, PITCH), yaw, roll
    pitch = sign * rng.uniform(np.nextafter(PITCH, EXTREME_PITCH), EXTREME_PITCH)
    return pitch, _within(rng, 3 * (index // 2), 7, -YAW, YAW), roll


def _mood(rng: Rng) -> Expression:
    """An emotion, or a blend of two, at some strength; none in a quarter of the faces."""
    if rng.random() < 0.25:
        return {}
    first, second = rng.choice(list(EMOTIONS), 2, replace=False)
    strength, share = rng.uniform(0.35, 1.1), rng.uniform(0, 0.5)
    if rng.random() < 0.5:
        return _times(EMOTIONS[first], strength)
    return _sum(_times(EMOTIONS[first], strength * (1 - share)), _times(EMOTIONS[second], strength * share))


def _under_speech(mood: Expression) -> Expression:
    """What remains of a mood while the face speaks: the eyes and brows, a quarter of the mouth."""
    mouths = (*MOUTH_CHANNELS, "smile", "frown")
    return {name: w * (0.25 if name in mouths else 1.0) for name, w in mood.items()}


def _brows(rng: Rng) -> Expression:
    """Brows that move on their own, in two faces of five."""
    if rng.random() > 0.4:
        return {}
    name = str(rng.choice(["brow_up", "brow_down", "brow_inner"]))
    return {name: rng.uniform(0.2, 0.9)}


def _lids(rng: Rng) -> Expression:
    """Lids: mostly open, a fifth closed, a tenth halfway, some winks."""
    kind = rng.random()
    if kind < 0.20:
        left = right = rng.uniform(0.85, 1.0)
    elif kind < 0.30:
        left = right = rng.uniform(0.3, 0.7)
    elif kind < 0.37:
        left, right = rng.permutation([rng.uniform(0.85, 1.0), rng.uniform(0.0, 0.25)])
    else:
        left = right = rng.normal(0, 0.06)
    left, right = (max(-0.2, lid + rng.normal(0, 0.02)) for lid in (left, right))
    return {"blink_left": left, "blink_right": right}


def _gaze(rng: Rng, pose: Pose) -> tuple[float, float]:
    """Half of the faces look at the viewer wherever the head is turned, half anywhere."""
    if rng.random() < 0.5:
        x, y = -pose[1] / 40 + rng.normal(0, 0.08), pose[0] / 30 + rng.normal(0, 0.08)
    else:
        x, y = rng.uniform(-1, 1), rng.uniform(-0.8, 0.8)
    return float(np.clip(x, -1, 1)), float(np.clip(y, -1, 1))


def _speaking(config: DataConfig, index: int) -> FaceState:
    """A frame of a clip: one face speaks for CLIP frames, turning its head slowly."""
    clip, frame = divmod(index, CLIP)
    rng = _stream(config, "speech", _CLIP, clip)
    identity, mood = _identity(rng), _under_speech(_mood(rng))
    talk = mouth(speech(rng, CLIP)[frame])
    start = rng.uniform(-1, 1, 3) * (12, 22, 8)
    end = start + rng.uniform(-1, 1, 3) * (5, 10, 4)
    pitch, yaw, roll = (start + (end - start) * frame / CLIP).tolist()
    pose = (pitch, yaw, roll)
    blink = np.exp(-(((frame - rng.uniform(0, 2 * CLIP)) / 2.0) ** 2))
    lids = {"blink_left": float(blink), "blink_right": float(blink)}
    state = FaceState(
        identity=identity,
        expression=_limited(_sum(mood, talk, lids)),
        gaze=_gaze(rng, pose),
        pose=pose,
        look=config.look,
    )
    return framed(state)


def _times(expression: Mapping[str, float], factor: float) -> Expression:
    return {name: weight * factor for name, weight in expression.items()}


def _sum(*expressions: Expression) -> Expression:
    total: Expression = {}
    for expression in expressions:
        for name, weight in expression.items():
            total[name] = total.get(name, 0.0) + float(weight)
    return total


# A viseme may go below 0 (a lower lip that is tucked in) or beyond 1, and so may a mouth in speech.
_LEAST = {name: min(0.0, *(viseme.get(name, 0.0) for viseme in VISEMES.values())) for name in MOUTH_CHANNELS}


def _limited(expression: Expression) -> Expression:
    """Weights that a face can make: lids close once, whoever closes them."""
    limited = {
        name: float(np.clip(weight, _LEAST.get(name, 0.0), 1.2)) for name, weight in expression.items()
    }
    closed = 0.0
    for lid in ("blink_left", "blink_right"):
        limited[lid] = float(np.clip(expression.get(lid, 0.0), -0.25, 1.0))
        closed = max(closed, limited[lid])
    if "squint" in limited:
        # Squinting lifts the lower lid, which a closed eye has no room for.
        limited["squint"] *= 1 - closed
    return limited
