"""Prints how the faces of people differ from the canonical one, in weights of head.IDENTITIES.

python scripts/people.py

MediaPipe looks at some frames of each clip of tests/clips.py and at the photograph in
models/pictures. The median of a person's frames, in the canonical face's own coordinates, is told by
weights of identities and of the channels of expressions (ridge regression, both at once, on x and
y), since nobody keeps a straight face. The mean over persons stands in trainer/data/sampling.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx2wgsl.face.procrustes import placement, upright
from onnx2wgsl.face.topology import MESH
from onnx2wgsl.trainer.landmarks.detector import Detector, read_landmarks
from onnx2wgsl.trainer.renderer import FaceState, landmarks
from onnx2wgsl.trainer.renderer.expressions import CHANNELS, displaced
from onnx2wgsl.trainer.renderer.head import IDENTITIES, REST

from tests.clips import frames

PHOTO = Path(__file__).parents[1] / "models" / "pictures" / "astronaut_landmarks.npy"
PERSONS = ("smile", "lost", "talk", "several")
EVERY = 12
"""Frames from one that is looked at to the next."""
RIDGE = 0.02


def main() -> None:
    """Looks, fits, prints."""
    neutral = own(landmarks(FaceState()))
    motions = [displaced(REST, {channel: 1.0}) - REST for channel in CHANNELS]
    x, y, _ = REST.T
    still, zero = np.ones(MESH), np.zeros(MESH)
    # What is left of place, scale and roll after the fit of the anchors.
    similarity = [
        np.stack(pair, 1) for pair in ((still, zero), (zero, still), (x / 10, y / 10), (-y / 10, x / 10))
    ]
    fields = [field[:, :2] for field in (*IDENTITIES, *motions)] + similarity
    basis = np.stack([field.ravel() for field in fields], 1)
    gram = basis.T @ basis
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    rows = []
    for name, shape in persons():
        weights = np.linalg.solve(gram, basis.T @ (shape - neutral)[:, :2].ravel())
        rows.append(weights[: len(IDENTITIES)])
        print(f"{name:10}", " ".join(f"{weight:6.2f}" for weight in rows[-1]))
    print(f"{'mean':10}", " ".join(f"{weight:6.2f}" for weight in np.mean(rows, 0)))


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
