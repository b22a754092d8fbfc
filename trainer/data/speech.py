"""Mouths that speak: random speech as curves of the mouth's channels, thinned to differing shapes.

Visemes blend by dominance functions (Cohen and Massaro 1993, "Modeling coarticulation in synthetic
visual speech"): each sound pulls the mouth towards its viseme with a strength that decays with the
time to the sound, and the mouth is the mean of the visemes weighted by these pulls. So a sound that
hardly cares for the lips (k, n) takes the lips of its neighbours, and one that must close them (p,
f) does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import LIPS_INNER, LIPS_OUTER, VERTICES

from ..renderer.expressions import VISEMES, displaced

FPS = 25
"""Frames a second."""

MOUTH_CHANNELS = tuple(sorted({channel for viseme in VISEMES.values() for channel in viseme}))
"""The channels that speech moves."""

Frames = NDArray[np.float64]
"""f64[frames, channels]: weights of MOUTH_CHANNELS."""


@dataclass(frozen=True)
class Gesture:
    """How a viseme pulls: strength against the others; seconds of its coming and its going."""

    strength: float
    onset: float
    release: float


GESTURES = {
    "sil": Gesture(0.8, 0.09, 0.10),
    "PP": Gesture(4.0, 0.035, 0.040),
    "FF": Gesture(3.0, 0.040, 0.045),
    "TH": Gesture(1.5, 0.045, 0.045),
    "DD": Gesture(1.0, 0.040, 0.040),
    "kk": Gesture(0.7, 0.045, 0.045),
    "CH": Gesture(2.0, 0.060, 0.060),
    "SS": Gesture(1.6, 0.050, 0.045),
    "nn": Gesture(0.9, 0.045, 0.050),
    "RR": Gesture(1.4, 0.060, 0.050),
    "aa": Gesture(1.3, 0.060, 0.070),
    "E": Gesture(1.1, 0.060, 0.060),
    "ih": Gesture(1.0, 0.055, 0.055),
    "oh": Gesture(1.6, 0.080, 0.075),
    "ou": Gesture(2.0, 0.090, 0.080),
}
CONSONANTS = ("PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR")
VOWELS = ("aa", "E", "ih", "oh", "ou")


@dataclass(frozen=True)
class Sound:
    """A viseme that is held for a while: seconds, and how distinctly it is made."""

    viseme: str
    duration: float
    amplitude: float


def utterance(rng: np.random.Generator, seconds: float) -> list[Sound]:
    """Random words of one to four syllables, with pauses, that last at least `seconds`."""
    pace = rng.uniform(0.8, 1.25)
    sounds: list[Sound] = []
    while sum(sound.duration for sound in sounds) < seconds:
        for _ in range(rng.integers(1, 5)):
            sounds += _syllable(rng, pace)
        if rng.random() < 0.3:
            sounds.append(Sound("sil", rng.uniform(0.10, 0.35), 1.0))
    return sounds


def _syllable(rng: np.random.Generator, pace: float) -> list[Sound]:
    """A vowel with a consonant before it, after it, both or none."""
    stress = rng.uniform(0.55, 1.15)

    def consonant() -> Sound:
        viseme = str(rng.choice(CONSONANTS))
        # Lips that don't close make no p: this sound is made fully also in careless speech.
        amplitude = max(stress, 0.9) if viseme == "PP" else stress
        return Sound(viseme, rng.uniform(0.06, 0.11) / pace, amplitude)

    vowel = Sound(str(rng.choice(VOWELS)), rng.uniform(0.09, 0.22) / pace, stress)
    before = [consonant()] if rng.random() < 0.85 else []
    after = [consonant()] if rng.random() < 0.45 else []
    return [*before, vowel, *after]


def mouths_of(sounds: list[Sound], times: NDArray[np.float64]) -> Frames:
    """The mouth at each of f64[frames] `times`, seconds from the start of the first sound."""
    ends = np.cumsum([sound.duration for sound in sounds])
    gestures = [GESTURES[sound.viseme] for sound in sounds]
    durations = np.array([sound.duration for sound in sounds])
    centers = ends - durations / 2
    hold = durations / 4  # each side of the centre: the middle half of a sound is held
    before = np.maximum(centers - hold - times[:, None], 0)
    after = np.maximum(times[:, None] - centers - hold, 0)
    onset = np.array([gesture.onset for gesture in gestures])
    release = np.array([gesture.release for gesture in gestures])
    strength = np.array([gesture.strength for gesture in gestures])
    pull = strength * np.exp(-before / onset - after / release)
    targets = np.array(
        [
            [sound.amplitude * VISEMES[sound.viseme].get(channel, 0.0) for channel in MOUTH_CHANNELS]
            for sound in sounds
        ]
    )
    return np.asarray(pull @ targets / pull.sum(1, keepdims=True))


def speech(rng: np.random.Generator, frames: int) -> Frames:
    """Consecutive frames of random speech, from anywhere within an utterance."""
    lead = rng.uniform(0.3, 0.8)
    sounds = utterance(rng, lead + frames / FPS)
    mouths = mouths_of(sounds, lead + np.arange(frames) / FPS)
    mouths[:, MOUTH_CHANNELS.index("jaw")] *= rng.uniform(0.75, 1.2)
    return mouths


def mouth_shape(expression: Mapping[str, float]) -> NDArray[np.float64]:
    """f64[40,3]: the lips of the frontal canonical face that makes an expression, centimetres."""
    return displaced(VERTICES, expression)[LIPS_OUTER + LIPS_INNER]


def mouth(frame: NDArray[np.float64]) -> dict[str, float]:
    """Channel weights by name of one of Frames."""
    return {name: float(weight) for name, weight in zip(MOUTH_CHANNELS, frame, strict=True)}


def farthest_points(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Which `count` of f64[n,d] points cover them: each is the one farthest from those before it.

    The first is the one farthest from the mean (Gonzalez 1985). Of equally far ones the first.
    """
    chosen = np.empty(count, np.int64)
    distance = ((points - points.mean(0)) ** 2).sum(1)
    for place in range(count):
        chosen[place] = farthest = distance.argmax()
        near = ((points - points[farthest]) ** 2).sum(1)
        distance = near if place == 0 else np.minimum(distance, near)
    return chosen


POOL = 2048
"""Frames of speech that a block of mouths is thinned from."""
BLOCK = 256
"""Mouths in a block."""
_SEQUENCE = 128
"""Consecutive frames of one utterance in the pool."""


@lru_cache(maxsize=4)
def thinned_speech(*seed: int) -> Frames:
    """A block of BLOCK mouths: POOL frames of the speech of a seed, thinned by their shapes.

    Every beginning of a block covers the shapes of the mouth: widely first, then finer.
    """
    rng = np.random.default_rng(seed)
    pool = np.concatenate([speech(rng, _SEQUENCE) for _ in range(POOL // _SEQUENCE)])
    shapes = np.stack([mouth_shape(mouth(frame)).ravel() for frame in pool])
    block = pool[farthest_points(shapes, BLOCK)]
    block.setflags(write=False)
    return block
