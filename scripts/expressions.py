"""Writes face/expressions.json: how the renderer's face moves, for pages that move one.

python scripts/expressions.py            # writes it
python scripts/expressions.py --check    # exit status 1 where the renderer's is another

The renderer smooths its mesh by subdivision, which is linear but for the two rings behind the face. So what
is written are the smoothed rest, the smoothed displacement of each channel, and the smoothed share of each
point in the jaw's turn: shape = rest + sum of weight * displacement, then the jaw, then lids that glide over
the eyeballs. tests/face/test_expressions.py has what that differs by from the renderer's own landmarks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import MESH
from onnx2wgsl.trainer.renderer import expressions, head
from onnx2wgsl.trainer.renderer.rest import REST
from onnx2wgsl.trainer.renderer.state import FaceState

FILE = Path(__file__).resolve().parent.parent / "face" / "expressions.json"
SMALLEST = 0.004
"""Centimetres that a point must be moved by a channel to be listed."""
DIGITS = 4
JAW_STEP = 0.05


def _smoothed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((head.WEIGHTS @ np.concatenate([points, head._behind(points)]))[:MESH])


def _sparse(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """The points that something applies to, and its values for them, one after the other."""
    size = np.abs(values).reshape(len(values), -1).max(1)
    points = np.flatnonzero(size >= SMALLEST)
    return {"points": points.tolist(), "values": _rounded(values[points])}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [0.0 if v == 0 else v for v in np.round(values, DIGITS).ravel().tolist()]


def _jaw_weights(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the jaw's turn each smoothed point takes, by what a small turn does to it."""
    moved = _smoothed(expressions.turn_jaw(REST, expressions.JAW_WEIGHTS, JAW_STEP))
    offset = (rest - expressions.JAW_JOINT)[:, 1:]
    angle = np.radians(expressions.JAW_DEGREES) * JAW_STEP
    across = np.stack([-offset[:, 1], offset[:, 0]], 1)
    share = ((moved - rest)[:, 1:] * across).sum(1) / (across**2).sum(1) / angle
    return np.asarray(share.clip(0, 1))


def content() -> str:
    """The text of the file."""
    rest = _smoothed(REST)
    channels = {
        name: _sparse(_smoothed(REST + displacement) - rest)
        for name, displacement in expressions.DISPLACEMENTS.items()
    }
    eyes = head.eyes(FaceState())
    document = {
        "format": 1,
        "rest": _rounded(rest),
        "channels": channels,
        "jaw": {
            "joint": expressions.JAW_JOINT.tolist(),
            "degrees": expressions.JAW_DEGREES,
            **_sparse(_jaw_weights(rest)[:, None]),
        },
        "eyes": {
            "radius": head.EYEBALL_RADIUS,
            "iris": head.IRIS_RADIUS,
            "degrees": list(head.GAZE_DEGREES),
            "centers": {side: _rounded(eyes[side].center) for side in head.SIDES},
        },
        "visemes": expressions.VISEMES,
        "emotions": expressions.EMOTIONS,
    }
    members = [f'  "{name}": {json.dumps(value, separators=(",", ":"))}' for name, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


if __name__ == "__main__":
    fresh = content()
    if sys.argv[1:] == ["--check"]:
        sys.exit(FILE.read_text("utf-8") != fresh)
    FILE.write_text(fresh, "utf-8")
