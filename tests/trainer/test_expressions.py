"""What pages have of the renderer: face/expressions.json, outline.json, and head.js, which moves a face."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.trainer.renderer.expressions import EMOTIONS, VISEMES
from onnx2wgsl.trainer.renderer.pose import landmarks
from onnx2wgsl.trainer.renderer.state import FaceState

from tests.web import node

ROOT = Path(__file__).resolve().parents[2]
SIDE = 256


@pytest.mark.parametrize("name", ["expressions.py", "outline.py"])
def test_the_files_have_what_the_renderer_has(name: str) -> None:
    script = ROOT / "scripts" / name
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0, (
        f"python scripts/{name} writes them anew"
    )


def test_the_head_of_pages_has_the_renderers_landmarks() -> None:
    random = np.random.default_rng(5)
    blink = {"blink_left": 1.0, "blink_right": 1.0}
    expressions = [*VISEMES.values(), *EMOTIONS.values(), blink, {"jaw": 1.0}]
    faces = [
        {
            "expression": expression,
            "gaze": random.uniform(-1, 1, 2).tolist(),
            "pose": (random.uniform(-1, 1, 3) * [25, 40, 15]).tolist(),
        }
        for expression in expressions
    ]
    script = ROOT / "tests" / "js" / "head_landmarks.js"
    process = subprocess.run(
        [node(), script], input=json.dumps(faces), capture_output=True, text=True, check=True
    )
    points = np.array(json.loads(process.stdout)).reshape(len(faces), 478, 3)
    for face, own in zip(faces, points, strict=True):
        state = FaceState(expression=face["expression"], gaze=tuple(face["gaze"]), pose=tuple(face["pose"]))
        off = np.linalg.norm((own - landmarks(state))[:, :2], axis=1) * SIDE
        assert off.mean() < 0.06, face
        assert off.max() < 1.0, face
