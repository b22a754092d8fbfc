"""framing.json: where a face is in the frame that the networks are trained in.

Centimetres are those of the canonical face, and so are the axes: x to the viewer's right, y up,
z towards the viewer. Anchors are landmarks that move little with the expression, weights and all:
procrustes_landmark_basis of geometry_pipeline_metadata_landmarks.binarypb in MediaPipe's
face_landmarker.task (Apache-2.0). Their positions are those of topology.VERTICES.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

_FRAMING: dict[str, Any] = json.loads(Path(__file__).with_name("framing.json").read_text(encoding="utf-8"))
_CAMERA, _ANCHORS = _FRAMING["camera"], _FRAMING["anchors"]

PIVOT = np.array(_FRAMING["pivot"], np.float64)
"""Where the head turns on the neck, f64[3] centimetres."""
DISTANCE = float(_CAMERA["distance"])
"""From the camera to the pivot, centimetres."""
FRAME_SCALE = 1 / float(_CAMERA["span"])
"""Fraction of the frame's side that a centimetre spans at the pivot's depth."""
FRAME_CENTER: tuple[float, float] = tuple(_CAMERA["center"])
"""Where the pivot lies in the frame: fractions from the left and from the top."""

ANCHOR_POINTS = np.array([anchor["landmark"] for anchor in _ANCHORS])
"""Landmarks, i[33]."""
ANCHOR_WEIGHTS = np.array([anchor["weight"] for anchor in _ANCHORS])
"""f64[33]; their sum is no particular one."""
ANCHOR_POSITIONS = np.array([anchor["position"] for anchor in _ANCHORS], np.float64)
"""Where they are on the canonical face, f64[33,3] centimetres."""
