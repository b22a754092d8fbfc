"""Clips of the renderer's faces, frame by frame: what scripts/reprojection.py measures on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.trainer.data.sampling import framed
from onnx2wgsl.trainer.data.speech import FPS, mouth, speech
from onnx2wgsl.trainer.evaluation.predict import load
from onnx2wgsl.trainer.renderer import FaceState, landmarks, render

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "avatar_256_u8.onnx"
WORK = ROOT / "build" / "reprojection"
"""Where files go that nobody keeps."""
SIZE = 256
SEED = 14
IDENTITY = 0.4
"""Spread of the weights of each axis of a face's shape."""
TURNS = {"slow": 12.0, "brisk": 40.0, "fast": 100.0}
"""Degrees a second at which a head turns at most."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class MotionClip:
    """landmarks f32[n,478,3]; truths and pictures of the generator u8[n,256,256,3]."""

    name: str
    landmarks: NDArray[np.float32]
    truths: Pictures
    pictures: Pictures


def clips(model: Path, frames: int) -> list[MotionClip]:
    """Three faces that speak and three that turn, at FPS frames a second."""
    predict = load(model, SIZE)
    result = []
    for name, states in faces(frames).items():
        points = np.stack([landmarks(state) for state in states]).astype(np.float32)
        drawings = np.stack([draw(face, SIZE) for face in points])
        truths = np.stack([render(state, SIZE) for state in states])
        result.append(MotionClip(name, points, truths, predict(drawings)))
    return result


def faces(frames: int) -> dict[str, list[FaceState]]:
    """The faces of each clip by its name."""
    return {f"speech {i}": _speech(i, frames) for i in range(3)} | {
        f"turn {name}": _turn(i, speed, frames) for i, (name, speed) in enumerate(TURNS.items())
    }


def _speech(index: int, frames: int) -> list[FaceState]:
    """As the split `speech` has it, for longer: the head turns slowly, the eyes blink once a clip."""
    rng = np.random.default_rng([SEED, 1, index])
    identity = tuple(rng.normal(0, IDENTITY, 9).tolist())
    talk = speech(rng, frames)
    start, step = rng.uniform(-1, 1, 3) * (12, 22, 8), rng.uniform(-1, 1, 3) * (5, 10, 4) / FPS
    blink = _blinks(rng, frames)
    return [
        framed(
            FaceState(
                identity=identity,
                expression=mouth(talk[i]) | blink[i],
                gaze=(0.0, 0.0),
                pose=tuple((start + step * i).tolist()),
            )
        )
        for i in range(frames)
    ]


def _turn(index: int, speed: float, frames: int) -> list[FaceState]:
    """A head that goes about on smooth curves, with the eyes on the viewer where they can be."""
    rng = np.random.default_rng([SEED, 2, index])
    identity = tuple(rng.normal(0, IDENTITY, 9).tolist())
    most = np.array([10.0, 28.0, 8.0])
    # The turn of the greatest angle is the quickest: amplitude * 2 pi * frequency.
    frequency = speed / (2 * np.pi * most[1]) * np.array([0.8, 1.0, 0.6])
    phase = rng.uniform(0, 2 * np.pi, 3)
    blink = _blinks(rng, frames)
    result = []
    for i in range(frames):
        pitch, yaw, roll = (most * np.sin(2 * np.pi * frequency * i / FPS + phase)).tolist()
        gaze = (float(np.clip(-yaw / 40, -1, 1)), float(np.clip(pitch / 30, -1, 1)))
        state = FaceState(
            identity=identity, expression={"smile": 0.2} | blink[i], gaze=gaze, pose=(pitch, yaw, roll)
        )
        result.append(framed(state))
    return result


def _blinks(rng: np.random.Generator, frames: int) -> list[dict[str, float]]:
    """One blink, of a fifth of a second."""
    middle = rng.uniform(0.2, 0.8) * frames
    closed = np.exp(-(((np.arange(frames) - middle) / 2.0) ** 2))
    return [{"blink_left": float(lid), "blink_right": float(lid)} for lid in closed]
