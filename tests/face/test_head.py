"""A face that moves without a camera, in Python as in JavaScript (tests/trainer: as in the renderer)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
from onnx2wgsl.face.head import EXPRESSIONS, landmarks

from tests.web import node

SCRIPT = Path(__file__).parents[1] / "js" / "head_landmarks.js"
SINGLE = 1e-7
"""JavaScript's landmarks are f32."""


def test_python_and_javascript_move_a_face_alike() -> None:
    random = np.random.default_rng(5)
    blink = {"blink_left": 1.0, "blink_right": 0.5}
    expressions = [*EXPRESSIONS["visemes"].values(), *EXPRESSIONS["emotions"].values(), blink, {}]
    faces = [
        {
            "expression": expression,
            "gaze": random.uniform(-1, 1, 2).tolist(),
            "pose": (random.uniform(-1, 1, 3) * [25, 40, 15]).tolist(),
        }
        for expression in expressions
    ]
    process = subprocess.run(
        [node(), SCRIPT], input=json.dumps(faces), capture_output=True, text=True, check=True
    )
    for face, theirs in zip(faces, json.loads(process.stdout), strict=True):
        ours = landmarks(face["expression"], tuple(face["gaze"]), tuple(face["pose"]))
        assert np.abs(ours.ravel() - theirs).max() < SINGLE
