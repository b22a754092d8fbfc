"""Smooths landmarks over time as face/filter.js does: the one-euro filter (Casiez, Roussel, Vogel, CHI 2012).

It judges that: both have the same bits: neither language joins or reorders the operations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.topology import EYE_LEFT, EYE_RIGHT, LANDMARKS, LIPS_INNER, MESH

MIN_CUTOFF, BETA, DERIVATIVE_CUTOFF = 0.05, 80.0, 1.0
"""Hz; per unit of the face's size a second; Hz. What MediaPipe's own face graph has."""
QUICK_CUTOFF = 20.0
"""Hz, of what a blink or a word moves: lids, inner lips, irises."""
QUICK = [*LIPS_INNER, *EYE_RIGHT, *EYE_LEFT, *range(MESH, LANDMARKS)]


class LandmarkFilter:
    """A low-pass whose cutoff rises with speed: at rest a face does not tremble, moving it does not lag."""

    def __init__(self) -> None:
        self._least = np.full((LANDMARKS, 1), MIN_CUTOFF)
        self._least[QUICK] = QUICK_CUTOFF
        self._values = np.zeros((LANDMARKS, 3))
        self._speeds = np.zeros((LANDMARKS, 3))
        self._time: float | None = None

    def reset(self) -> None:
        """Forgets what was: the next landmarks stay as they are."""
        self._time = None

    def apply(self, landmarks: NDArray[np.floating[Any]], time: float) -> NDArray[np.float32]:
        """Landmarks f32[478,3] of a time in milliseconds, smoothed; as they are where it has not gone on."""
        points = np.asarray(landmarks, np.float32).astype(np.float64)
        if self._time is None:
            self._values, self._speeds, self._time = points, np.zeros_like(points), time
        seconds = (time - self._time) / 1000
        if seconds <= 0:
            return points.astype(np.float32)
        self._time = time
        speeds = (points - self._values) / seconds / (_size(points) or 1.0)
        self._speeds = self._speeds + _weight(DERIVATIVE_CUTOFF, seconds) * (speeds - self._speeds)
        cutoff = self._least + BETA * np.abs(self._speeds)
        self._values = self._values + _weight(cutoff, seconds) * (points - self._values)
        return self._values.astype(np.float32)


def _weight(cutoff: Any, seconds: float) -> Any:
    """How much of a step a low-pass of a cutoff in Hz takes at once."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * seconds))


def _size(points: NDArray[np.float64]) -> float:
    """The mean side of the box around a face."""
    (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return float((right - left + bottom - top) / 2)
