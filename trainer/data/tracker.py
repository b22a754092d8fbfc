"""How a face tracker errs: noise for the drawings that a generator is trained on.

MediaPipe's landmarks of a rendered head are not the renderer's: it takes the head to be turned a
little otherwise, and the face to have another shape. tracker.npz has the statistics of both, which
scripts/tracker.py takes from renders that MediaPipe has looked at; what lids and inner lips do is
left nearly as it is, for there trackers are good at people and bad at drawn faces.

    turn_mean, turn_deviation    f32[3]: rotation vector of the head, radians
    shape_mean                   f16[478,3]: canonical centimetres
    shape_modes                  f16[n,478,3]: its principal components, of deviation 1
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.procrustes import UPRIGHT, placement, to_training_frame, upright

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tracker:
    """The statistics of a tracker's errors."""

    turn_mean: Array
    turn_deviation: Array
    shape_mean: Array
    shape_modes: Array

    def seen(self, landmarks: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """What it might report of a face f32[478,3], in the training frame: f32[478,3].

        The error is anything from none to once what it is on rendered heads.
        """
        place = placement(landmarks)
        strength = rng.random()
        modes = np.tensordot(rng.normal(size=len(self.shape_modes)), self.shape_modes, 1)
        turn = self.turn_mean + self.turn_deviation * rng.normal(size=3)
        rotation = np.asarray(cv2.Rodrigues(strength * turn)[0]) @ place.rotation
        shape = place.inverse(upright(landmarks)) + strength * (self.shape_mean + modes)
        return to_training_frame(place.scale * shape @ rotation.T * UPRIGHT).astype(np.float32)


@cache
def tracker() -> Tracker:
    """MediaPipe's face landmarker."""
    with files(__package__).joinpath("tracker.npz").open("rb") as file:
        arrays = np.load(file)
        return Tracker(
            *(
                arrays[name].astype(np.float64)
                for name in ("turn_mean", "turn_deviation", "shape_mean", "shape_modes")
            )
        )
