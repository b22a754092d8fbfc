"""The shape of a person's face gives way to the canonical one, as shape.js has it.

A generator takes a long chin for a nod; of a face that is always the same it can tell one from the other.
Shapes are compared on the canonical face, where pose, size and place are none. What a person looks like is
a mean over time, in which a face counts the less, the further it is from it: one that laughs or turns away
is of little weight. Eyes and lips are only moved, and a jaw that is open is none of the shape. Nose, cheeks
and forehead are held: whatever a face does, they move little, and what a tracker has them do beside is its
error, which looks like a turn of the head.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import head
from .procrustes import UPRIGHT, placement, upright
from .topology import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LANDMARKS, LIPS_INNER, LIPS_OUTER, MESH

FAR = 0.1
"""Centimetres, root mean square of a face's points: one so far from the mean counts half."""
FIRST, MEMORY = 0.04, 10.0
"""Seconds that the mean stands for: of the first face, and at most."""
STEP, GONE = 0.25, 2.0
"""Seconds from face to face, of which more is no evidence, and after which the next is another person."""
_WHOLES = [
    [*LIPS_INNER, *LIPS_OUTER],
    [*EYE_RIGHT, *range(MESH, MESH + 5)],
    [*EYE_LEFT, *range(MESH + 5, LANDMARKS)],
]
FREE = 2.0
"""Centimetres: a point that no expression moves so far is held, the more the less it is moved."""
_UPPER, _LOWER = 13, 14
"""The middle of the inner upper lip, and of the lower one."""

Points = NDArray[np.float64]


def _shape(landmarks: NDArray[np.floating[Any]]) -> Points:
    """Landmarks f[478,3] on the canonical face, centimetres."""
    return placement(landmarks).inverse(upright(landmarks))


_REST = _shape(head.landmarks({}))
_FIELDS = {
    name: _shape(head.landmarks({name: 1.0})) - _REST for name in (*head.EXPRESSIONS["channels"], "jaw")
}
_OPEN = _FIELDS["jaw"]
"""What an open jaw adds."""


def _without_jaw(own: Points) -> Points:
    """What is no opening of the jaw."""
    gap, open_gap = (field[_UPPER, 1] - field[_LOWER, 1] for field in (own, _OPEN))
    return np.asarray(own - max(0.0, gap / open_gap) * _OPEN)


def _holds() -> Points:
    """How much of what a point does besides a jaw that opens is held back, f64[478,1]."""
    most = np.max([np.linalg.norm(field, axis=1) for field in _FIELDS.values()], axis=0)
    holds = np.maximum(0.0, 1 - most / FREE)
    holds[[*BROW_RIGHT, *BROW_LEFT, *chain(*_WHOLES)]] = 0
    return np.asarray(holds[:, None])


_HOLDS = _holds()


class FaceShape:
    """Learns what a person looks like, face by face; times are milliseconds."""

    def __init__(self) -> None:
        self._mean = np.zeros_like(_REST)
        self._trust, self._time = 0.0, float("nan")

    def apply(self, landmarks: NDArray[np.floating[Any]], time: float) -> Points:
        """Landmarks f[478,3], as the generator's frame has them, without the person's shape: f64[478,3].

        Raises:
            FaceError: numbers that aren't finite, or points on a line.
        """
        place = placement(landmarks)
        own = place.inverse(upright(landmarks)) - _REST
        self._learn(own, time)
        offset = self._offset()
        offset += _HOLDS * (_without_jaw(own) - offset)
        return np.asarray(landmarks - UPRIGHT * (place.scale * offset @ place.rotation.T))

    def _learn(self, offset: Points, time: float) -> None:
        seconds = (time - self._time) / 1000
        self._time = time
        if not 0 <= seconds < GONE:
            self._mean, self._trust = offset, FIRST
            return
        square = ((offset - self._mean) ** 2).sum() / LANDMARKS
        weight = min(seconds, STEP) / (1 + square / FAR**2)
        self._mean = self._mean + weight / (self._trust + weight) * (offset - self._mean)
        self._trust = min(self._trust + weight, MEMORY)

    def _offset(self) -> Points:
        """What is taken out: the mean without an open jaw, of which eyes and lips are only moved."""
        offset = _without_jaw(self._mean)
        for points in _WHOLES:
            offset[points] = offset[points].mean(axis=0)
        return np.asarray(offset)
