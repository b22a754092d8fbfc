"""How the faces of people differ from the canonical one: in weights of head.IDENTITIES, and what is left.

python scripts/people.py

MediaPipe looks at some frames of each clip of tests/clips.py and at the photograph in
models/pictures. The median of a person's frames, in the canonical face's own coordinates, is told by
weights of identities and of the channels of expressions (ridge regression, both at once, on x and
y), since nobody keeps a straight face. The mean over persons stands in trainer/data/sampling.py; what
no weight tells of it, alike on both sides, is the last identity: trainer/renderer/people.npz, written
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx2wgsl.face.detector import Detector
from onnx2wgsl.face.procrustes import placement, upright
from onnx2wgsl.face.topology import MESH
from onnx2wgsl.trainer.landmarks.reading import read_landmarks
from onnx2wgsl.trainer.renderer import FaceState, landmarks
from onnx2wgsl.trainer.renderer.expressions import CHANNELS, displaced
from onnx2wgsl.trainer.renderer.head import IDENTITIES, REST

from tests.clips import frames

PHOTO = Path(__file__).parents[1] / "models" / "pictures" / "astronaut_landmarks.npy"
PERSONS = ("smile", "lost", "talk", "several")
EVERY = 12
"""Frames from one that is looked at to the next."""
RIDGE = 0.02
FILE = Path(__file__).parents[1] / "trainer" / "renderer" / "people.npz"
SMOOTH = 0.7
"""Canonical centimetres: a point of the last identity is a mean over so many around it."""


def main() -> None:
    """Looks, fits, prints, writes."""
    neutral = own(landmarks(FaceState()))
    motions = [displaced(REST, {channel: 1.0}) - REST for channel in CHANNELS]
    x, y, _ = REST.T
    still, zero = np.ones(MESH), np.zeros(MESH)
    # What is left of place, scale and roll after the fit of the anchors.
    similarity = [
        np.stack(pair, 1) for pair in ((still, zero), (zero, still), (x / 10, y / 10), (-y / 10, x / 10))
    ]
    fields = [field[:, :2] for field in (*IDENTITIES[:-1], *motions)] + similarity
    basis = np.stack([field.ravel() for field in fields], 1)
    gram = basis.T @ basis
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    rows, rest = [], []
    for name, shape in persons():
        difference = (shape - neutral)[:, :2]
        weights = np.linalg.solve(gram, basis.T @ difference.ravel())
        rows.append(weights[: len(IDENTITIES) - 1])
        rest.append(difference - (basis @ weights).reshape(-1, 2))
        print(f"{name:10}", " ".join(f"{weight:6.2f}" for weight in rows[-1]))
    print(f"{'mean':10}", " ".join(f"{weight:6.2f}" for weight in np.mean(rows, 0)))
    np.savez_compressed(FILE, shape=smooth(symmetric(np.mean(rest, 0))).astype(np.float16))


def symmetric(field: np.ndarray) -> np.ndarray:
    """The mean of a displacement f64[468,2] and its mirror image."""
    mirrored = REST * (-1, 1, 1)
    partner = np.linalg.norm(REST[:, None] - mirrored, axis=2).argmin(0)
    return (field + field[partner] * (-1, 1)) / 2


def smooth(field: np.ndarray) -> np.ndarray:
    """A displacement f64[468,2] without what differs from a point to the next."""
    weights = np.exp(-((REST[:, None] - REST) ** 2).sum(2) / (2 * SMOOTH**2))
    return weights @ field / weights.sum(1, keepdims=True)


def persons() -> Iterator[tuple[str, np.ndarray]]:
    """Names, and shapes f64[468,3] in canonical centimetres."""
    detector = Detector()
    for name in PERSONS:
        pictures = frames(name, 0, 60)[::EVERY]
        height, width, _ = pictures[0].shape
        seen = (detector.detect(picture[..., ::-1]) for picture in pictures)
        yield name, np.median([own(face, width / height) for face in seen if face is not None], axis=0)
    yield "astronaut", own(read_landmarks(PHOTO))


def own(face: np.ndarray, aspect: float = 1.0) -> np.ndarray:
    """The mesh of landmarks f32[478,3] in the canonical face's coordinates."""
    return placement(face, aspect).inverse(upright(face, aspect))[:MESH]


if __name__ == "__main__":
    main()
