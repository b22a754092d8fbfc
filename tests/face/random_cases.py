"""Prints random cases in the form of face/vectors.json, as Python works them, for tests/js."""

from __future__ import annotations

import json

import numpy as np
from onnx2wgsl.face.camera import rotation

from tests.face import vectors
from tests.face.heads import head

FITS, FACES = 400, 60


def fit_case(random: np.random.Generator) -> vectors.Tree:
    """Points that a similarity and mostly some noise moved; about every third case is flat."""
    count = int(random.integers(3, 40))
    source = random.normal(0, random.choice([0.1, 1, 10]), (count, 3)) + random.normal(0, 5, 3)
    if random.integers(3) == 0:
        source[:, 2] = 1.5
    turn = rotation(*random.uniform(-180, 180, 3))
    target = random.uniform(0.1, 3) * source @ turn.T + random.normal(0, 5, 3)
    if random.integers(5):
        target += random.normal(0, 0.05, target.shape)
    weights = random.uniform(0.01, 1, count)
    return {"source": _row(source), "target": _row(target), "weights": weights.tolist()}


def face_case(random: np.random.Generator) -> vectors.Tree:
    """A turned head with features of its own, anywhere in a picture of any aspect."""
    aspect = float(random.uniform(0.5, 2))
    face = head(*random.uniform(-50, 50, 3)) + random.normal(0, 0.01, (478, 3))
    landmarks = random.uniform(0.2, 2) * face + random.uniform(-0.5, 0.5, 3)
    return {"aspect": aspect, "landmarks": _row(landmarks * [1, aspect, 1])}


def _row(points: vectors.Points) -> list[float]:
    return [float(value) for value in points.ravel()]


if __name__ == "__main__":
    generator = np.random.default_rng(0)
    cases = {
        "fits": {f"fit {i}": fit_case(generator) for i in range(FITS)},
        "faces": {f"face {i}": face_case(generator) for i in range(FACES)},
        "drawings": {},
        "filters": {},
    }
    print(json.dumps(vectors.worked(cases)))
