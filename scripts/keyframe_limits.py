"""Prints what limits of web/keyframe.js come to: the generator's share, and how far other frames are off.

python -m scripts.keyframe_limits [--model MODEL.onnx] [--frames 50] [--work build/reprojection]

Each of the limits in turn is another one than the page's, on the clips of scripts/motion_clips.py, with at
the latest each fourth frame the generator's. Off is what a moved picture differs from the generator's own:
the mean square, in units of 255 squared / 10,000, of all pictures, of mouths and of eyes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import EYE_LEFT, EYE_RIGHT
from onnx2wgsl.trainer.data.mouth import mouth_box

from scripts.motion_clips import MODEL, SIZE, WORK, MotionClip, clips
from scripts.motion_device import Device
from scripts.weave import maps_of

EVERY = 4
LIMITS = {
    "mouth": (0.005, 0.01, 0.015, 0.02, 0.03, 1e9),
    "lids": (0.006, 0.0125, 0.02, 0.03, 1e9),
    "gaze": (0.005, 0.007, 0.01, 1e9),
    "motion": (0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 1e9),
}
SLACKS = (1, 0.5, 2, 3, 1e9)
"""All of the page's limits at once; 3 is web/pace.js's."""
AROUND = 6
"""Pixels around the eyes."""

Floats = NDArray[np.float64]


def losses(clip: MotionClip, device: Device) -> Floats:
    """f64[n,EVERY,3]: how far each frame is off, moved by as many: the picture, its mouth, its eyes."""
    meshes = [device.ask_mesh(clip, lag) for lag in range(1, EVERY)]
    device.run()
    full = clip.pictures.astype(np.float64)
    result = np.zeros((len(full), EVERY, 3))
    for lag, mesh in enumerate(meshes, start=1):
        for i, where in enumerate(maps_of(device.mesh(mesh), device.triangles(), SIZE)):
            last = clip.pictures[max(0, i - lag)]
            square = np.square(cv2.remap(last, where, None, cv2.INTER_CUBIC) - full[i])
            y, v, x, u = mouth_box(clip.landmarks[i], SIZE)
            result[i, lag] = square.mean(), square[y:v, x:u].mean(), square[_eyes(clip.landmarks[i])].mean()
    return result / 255**2 * 1e4


def _eyes(face: NDArray[np.float32]) -> tuple[slice, slice]:
    points = SIZE * face[EYE_LEFT + EYE_RIGHT, :2]
    (x, y), (u, v) = (points.min(0) - AROUND).astype(int).clip(0), (points.max(0) + AROUND).astype(int)
    return np.s_[y:v, x:u]


def main() -> None:
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--work", type=Path, default=WORK)
    options = parser.parse_args()
    device = Device(options.work)
    measures = [(clip, losses(clip, device)) for clip in clips(options.model, options.frames)]
    cases: list[tuple[str, dict[str, float], float]] = [(f"all x {slack:g}", {}, slack) for slack in SLACKS]
    cases += [(f"{name} {value:g}", {name: value}, 1) for name, values in LIMITS.items() for value in values]
    jobs = [
        [device.ask(clip, EVERY, limits, slack=slack) for clip, _ in measures] for _, limits, slack in cases
    ]
    device.run()
    print("limits: share; off by picture, mouth, eyes")
    for (name, *_), row in zip(cases, jobs, strict=True):
        rows = []
        for job, (_, loss) in zip(row, measures, strict=True):
            due = np.array(device.due(job))
            frames = np.arange(len(due))
            age = frames - np.maximum.accumulate(np.where(due, frames, 0))
            rows.append((due.mean(), *loss[frames, age].mean(0)))
        share, *off = np.mean(rows, axis=0)
        print(f"{name:14} {share:.3f}; " + " ".join(f"{value:6.2f}" for value in off))


if __name__ == "__main__":
    main()
