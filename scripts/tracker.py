"""Writes trainer/data/tracker.npz: how MediaPipe's landmarks of rendered heads differ from the truth.

python scripts/tracker.py [--faces N]

Each face is rendered and looked at for itself. Of the error, the turn of the head is taken apart;
the rest, in the head's own coordinates, becomes a mean and principal components. Faces that the
tracker doesn't find are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from onnx2wgsl.face import topology
from onnx2wgsl.face.detector import Detector
from onnx2wgsl.face.procrustes import placement, upright
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data.sampling import sample_state
from onnx2wgsl.trainer.renderer import landmarks, render

FILE = Path(__file__).parents[1] / "trainer" / "data" / "tracker.npz"
SIZE = 256
SEED = 1
"""Of faces that no data set has, whose seed is another."""
MODES = 6
KEPT = [*topology.EYE_RIGHT, *topology.EYE_LEFT, *topology.LIPS_INNER]
KEPT_SHARE = 0.7
KEPT_REACH = 0.8
"""Canonical centimetres: within them of lids and inner lips, the noise loses that share."""


def main() -> None:
    """Renders, looks, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=400)
    turns, shapes = errors(parser.parse_args().faces)
    mean = shapes.mean(0)
    _, lengths, modes = np.linalg.svd((shapes - mean).reshape(len(shapes), -1), full_matrices=False)
    scaled = modes[:MODES] * lengths[:MODES, None] / np.sqrt(len(shapes) - 1)
    np.savez_compressed(
        FILE,
        turn_mean=turns.mean(0).astype(np.float32),
        turn_deviation=turns.std(0).astype(np.float32),
        shape_mean=mean.astype(np.float16),
        shape_modes=scaled.reshape(MODES, *mean.shape).astype(np.float16),
    )
    explained = (lengths[:MODES] ** 2).sum() / (lengths**2).sum()
    print(
        f"{FILE.name}: {len(shapes)} faces; turn {np.degrees(turns.mean(0)).round(2)} degrees, "
        f"deviation {np.degrees(turns.std(0)).round(2)}; {MODES} modes have {explained:.0%} of the rest"
    )


def errors(faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotation vectors f64[n,3] and shapes f64[n,478,3] of the tracker's errors."""
    detector, config = Detector(), DataConfig(seed=SEED)
    turns, shapes = [], []
    for index in range(faces):
        state = sample_state(config, "val", index)
        face = detector.detect(render(state, SIZE))
        if face is None:
            continue
        truth = landmarks(state)
        here, there = placement(truth), placement(face)
        own = here.inverse(upright(truth))
        distance = np.linalg.norm(own[:, None] - own[KEPT], axis=2).min(1)
        share = 1 - KEPT_SHARE * np.exp(-((distance / KEPT_REACH) ** 2))
        turns.append(cv2.Rodrigues(there.rotation @ here.rotation.T)[0].ravel())
        shapes.append((there.inverse(upright(face)) - own) * share[:, None])
    return np.array(turns), np.array(shapes)


if __name__ == "__main__":
    main()
