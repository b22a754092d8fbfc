"""What the rig and the lips ask of a face, in the generator's own pictures: each is told from the others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import LIPS_OUTER
from onnx2wgsl.trainer.config import DataConfig
from onnx2wgsl.trainer.data.sampling import sample_state
from onnx2wgsl.trainer.renderer import FaceState, landmarks, render
from onnx2wgsl.trainer.renderer.expressions import EMOTIONS, VISEMES

from tests.live_page.chain import ROOT, picture
from tests.web import node

SIZE = 256
MARGIN = 8
"""Pixels about the widest mouth."""
FACE = np.s_[80:225, 55:205]
"""Of a picture: from above the brows to below the chin."""
SAMPLES = 600
Distances = NDArray[np.float64]


def test_each_viseme_is_told_from_rest_and_from_the_others() -> None:
    lips = np.stack([_points(viseme)[LIPS_OUTER, :2] for viseme in VISEMES.values()]) * SIZE
    (left, top), (right, bottom) = lips.min((0, 1)).astype(int), lips.max((0, 1)).astype(int)
    mouth = np.s_[top - MARGIN : bottom + MARGIN, left - MARGIN : right + MARGIN]
    apart = _distances(VISEMES, mouth)
    assert next(iter(VISEMES)) == "sil"
    assert (np.diag(apart)[1:] < 0.75 * apart[1:, 0]).all()
    assert (apart.argmin(1) == np.arange(len(VISEMES))).all()


def test_each_emotion_is_told_from_rest_and_from_the_others() -> None:
    apart = _distances({"rest": {}} | _presets(), FACE)
    assert (np.diag(apart)[1:] < 0.75 * apart[1:, 0]).all()
    assert (apart.argmin(1) == np.arange(len(apart))).all()


def test_no_emotion_asks_for_more_than_the_generator_has_seen() -> None:
    states = [sample_state(DataConfig(), "train", index).expression for index in range(SAMPLES)]
    for name, expression in _presets().items():
        for channel, weight in expression.items():
            there = [state.get(channel, 0.0) for state in states]
            assert min(there) <= weight <= max(there), f"{name}: {channel}"


def _presets() -> dict[str, dict[str, float]]:
    """The emotions as web/rig/emotions.js has them: the renderer's, and those that take their place."""
    script = "import { presets } from './web/rig/emotions.js'; console.log(JSON.stringify(presets({})))"
    command = [node(), "--input-type=module", "-e", script]
    own = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return {name: EMOTIONS[name] for name in ("joy", "sadness", "surprise")} | own


def _points(expression: Mapping[str, float]) -> NDArray[np.float32]:
    return landmarks(FaceState(expression=expression)).astype(np.float32)


def _distances(expressions: Mapping[str, Mapping[str, float]], box: tuple[slice, slice]) -> Distances:
    """Of 255, in a box: how far the generator's picture of each is from the renderer's of each."""
    states = [FaceState(expression=expression) for expression in expressions.values()]
    truths = np.stack([render(state, SIZE)[box] for state in states]).astype(np.float64)
    avatars = [picture(_points(expression))[box] for expression in expressions.values()]
    return np.stack([np.abs(truths - one).mean((1, 2, 3)) for one in avatars])
