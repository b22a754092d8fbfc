"""The live page's own chain over real faces: found, smoothed, placed, drawn, generated, and found again.

Faces are found by MediaPipe in Python, which finds what it finds in the page's picture mode; what follows is
the page's JavaScript (tests/js/face_chain.js), the drawing and the int8 model.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.face.detector import detect
from onnx2wgsl.face.drawing import draw
from onnx2wgsl.face.procrustes import placement
from onnx2wgsl.face.topology import LIPS_OUTER

from tests import clips
from tests.web import node

ROOT = Path(__file__).resolve().parents[2]
AVATAR = ROOT / "models" / "avatar_256_u8.onnx"
POINTS = 478
STEP_MS = 40.0
DARK = 110
"""Of 255, in red, which lips are."""
Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """Faces of a clip, None where there is none; what the page then showed; the state that it was in."""

    aspect: float
    faces: list[NDArray[np.float32] | None]
    shown: NDArray[np.float32]
    states: list[int]


@cache
def follow(name: str, seconds: float, every: int, likeness: float = 0.0) -> Clip:
    """What the page shows of a clip; `likeness` is how much is left of the person's own shape."""
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
    script = ROOT / "tests" / "js" / "face_chain.js"
    subprocess.run([node(), script, source, target, str(likeness)], check=True)
    result = np.fromfile(target, np.float32).reshape(len(faces), -1)
    states = [int(state) for state in result[:, 0]]
    return Clip(width / height, faces, result[:, 1:].reshape(-1, POINTS, 3), states)


def picture(landmarks: NDArray[np.float32], model: Path = AVATAR) -> Picture:
    """The picture u8[256,256,3] that an int8 model makes of these."""
    oracle = _oracle(model)
    (name,) = oracle.inputs
    drawing = (draw(landmarks, 256) / 127.5 - 1).astype(np.float32)
    (output,) = oracle.run({name: drawing.transpose(2, 0, 1)[None]}).values()
    return np.clip(np.rint(output[0] * 127.5 + 127.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def avatar(landmarks: NDArray[np.float32], model: Path = AVATAR) -> NDArray[np.float32]:
    """The landmarks that a tracker finds in that picture."""
    return found(cv2.resize(picture(landmarks, model), (512, 512), interpolation=cv2.INTER_CUBIC))


def found(picture: Picture) -> NDArray[np.float32]:
    """The landmarks that a tracker finds in a picture of an avatar."""
    face = detect(picture)
    assert face is not None
    return np.asarray(face)


def opening(landmarks: NDArray[np.float32], model: Path = AVATAR) -> int:
    """How many pixels within the lips of that picture are dark: the inside of a mouth.

    A tracker loses the lips of an avatar whose mouth is wide open.
    """
    lips = np.zeros((256, 256), np.uint8)
    cv2.fillPoly(lips, [np.rint(landmarks[LIPS_OUTER, :2] * 256).astype(np.int32)], 1)
    return int((picture(landmarks, model)[lips == 1, 0] < DARK).sum())


@cache
def _oracle(model: Path) -> Oracle:
    return Oracle(model, signed_integer_kernels=None)


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


def turns_off(clip: Clip, avatars: list[NDArray[np.float32]]) -> Floats:
    """By how much the avatar's angles differ from the person's, f64[n,3] degrees, of faces that were found.

    The avatar has a face of its own: against it a fit of the canonical one leans by a constant, which is
    taken out.
    """
    pairs = [(face, other) for face, other in zip(clip.faces, avatars, strict=True) if face is not None]
    off = np.array([angles(face, clip.aspect) - angles(other, 1.0) for face, other in pairs])
    return np.asarray(off - np.median(off, axis=0))
