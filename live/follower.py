"""The face that the avatar shows at a time: web/follower.js, director.js and, calmer than there, idle.js.

What the tracker finds is smoothed, placed as the generator's frame has it, of the shape that the generator
knows best, held for a moment where it is lost, and then gives way to an idle face; from one to the other it
eases, so that nothing jumps.
"""

from __future__ import annotations

from math import pi, sin
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import head
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.filter import LandmarkFilter
from onnx2wgsl.face.procrustes import to_training_frame
from onnx2wgsl.face.shape import FaceShape

Landmarks = NDArray[np.float32]
State = Literal["idle", "live", "held"]

HOLD_MS = 700.0
"""How long a lost face stays before the avatar turns to itself."""
EASE_MS, FOUND_MS = 600.0, 150.0
"""How long the way from one face to another takes; and to a face that was lost for a moment only."""
BLINK_EVERY, CLOSING, OPENING = 4.0, 0.09, 0.16
"""Seconds from blink to blink of the idle face; lids close faster than they open."""


class Follower:
    """Follows the faces of a video's frames, in their order. Times are milliseconds."""

    def __init__(self) -> None:
        self.state: State = "idle"
        self._filter = LandmarkFilter()
        self._shape = FaceShape()
        self._live: Landmarks | None = None
        self._seen = 0.0
        self._shown: Landmarks | None = None
        self._from: Landmarks | None = None
        self._eased_at, self._ease_ms = 0.0, EASE_MS

    def face(self, landmarks: Landmarks | None, aspect: float, time: float) -> Landmarks:
        """The landmarks f32[478,3] to show, as the generator's frame has them.

        landmarks: f32[478,3] found in a picture `aspect` times as wide as high; None where no face is.
        """
        placed = None if landmarks is None else self._placed(landmarks, aspect, time)
        if placed is None:
            self._filter.reset()
            if self.state == "live":
                self._enter("held", time)
        else:
            self._live, self._seen = placed, time
            self._enter("live", time)
        if self.state == "held" and time - self._seen > HOLD_MS:
            self._enter("idle", time)
        self._shown = self._eased(time)
        return self._shown

    def _placed(self, landmarks: Landmarks, aspect: float, time: float) -> Landmarks | None:
        """None where the points are of no face: all on a line."""
        try:
            placed = to_training_frame(self._filter.apply(landmarks, time), aspect).astype(np.float32)
            return self._shape.apply(placed, time).astype(np.float32)
        except FaceError:
            return None

    def _eased(self, time: float) -> Landmarks:
        target = idle(time) if self.state == "idle" or self._live is None else self._live
        way = min(1.0, (time - self._eased_at) / self._ease_ms)
        if self._from is None or way >= 1:
            return target
        start = self._from.astype(np.float64)
        return np.asarray(start + way * way * (3 - 2 * way) * (target - start), np.float32)

    def _enter(self, state: State, time: float) -> None:
        if state == self.state:
            return
        before, self.state = self.state, state
        if state == "held" or self._shown is None:
            return
        self._from, self._eased_at = self._shown, time
        self._ease_ms = FOUND_MS if before == "held" and state == "live" else EASE_MS


def idle(time: float) -> Landmarks:
    """A face that nobody drives, f32[478,3]: it looks ahead, sways a little and blinks."""
    seconds = time / 1000

    def wave(period: float, shift: float = 0.0) -> float:
        return sin(2 * pi * seconds / period + shift)

    since = seconds % BLINK_EVERY
    lids = since / CLOSING if since < CLOSING else max(0.0, 1 - (since - CLOSING) / OPENING)
    expression = {"smile": 0.12 + 0.06 * wave(11), "blink_left": lids, "blink_right": lids}
    pose = (
        1.5 + 1.2 * wave(5.3) + 0.6 * wave(3.1, 1),
        4 * wave(9.7) + 2 * wave(6.1, 2),
        1.3 * wave(8.3, 0.5),
    )
    return head.landmarks(expression, (-pose[1] / 60, 0.0), pose).astype(np.float32)
