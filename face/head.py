"""A face that moves without a camera, as head.js has it: the renderer's displacements, and its camera."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import project, rotation
from .framing import PIVOT
from .topology import LANDMARKS, MESH

EXPRESSIONS: dict[str, Any] = json.loads(
    Path(__file__).with_name("expressions.json").read_text(encoding="utf-8")
)
_REST = np.array(EXPRESSIONS["rest"]).reshape(MESH, 3)
_JAW, _EYES = EXPRESSIONS["jaw"], EXPRESSIONS["eyes"]
_SHARES = np.zeros(MESH)
_SHARES[_JAW["points"]] = _JAW["values"]
LID = 0.05
"""Centimetres that lids stay in front of an eyeball."""
LEAST = 0.3
"""Centimetres from an eyeball's centre; what is nearer is not of a lid."""
RING = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
"""Centre, right, top, left, bottom of an iris."""

Points = NDArray[np.float64]


def landmarks(
    expression: Mapping[str, float],
    gaze: tuple[float, float] = (0.0, 0.0),
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Points:
    """The landmarks f64[478,3] of a face as the renderer's camera sees it.

    expression: weights of channels and of `jaw`, 0 to 1; channels that the face has not are none. gaze: right
    and up as the viewer sees it, -1 to 1. pose: pitch, yaw and roll in degrees, as camera.rotation has them.
    """
    points = np.empty((LANDMARKS, 3))
    points[:MESH] = _turn_jaw(_displace(expression), expression.get("jaw", 0.0))
    for i, side in enumerate(("right", "left")):
        center = np.array(_EYES["centers"][side])
        points[:MESH] = _lift_lids(points[:MESH], center)
        first = MESH + len(RING) * i
        points[first : first + len(RING)] = _iris(gaze) + center
    return project((points - PIVOT) @ rotation(*pose).T + PIVOT)


def _displace(expression: Mapping[str, float]) -> Points:
    points = _REST.copy()
    for name in expression.keys() & EXPRESSIONS["channels"].keys():
        channel = EXPRESSIONS["channels"][name]
        points[channel["points"]] += expression[name] * np.reshape(channel["values"], (-1, 3))
    return points


def _turn_jaw(points: Points, weight: float) -> Points:
    angles = np.radians(_JAW["degrees"]) * weight * _SHARES
    joint = np.array(_JAW["joint"])
    x, y, z = (points - joint).T
    cos, sin = np.cos(angles), np.sin(angles)
    return np.asarray(np.stack([x, cos * y - sin * z, sin * y + cos * z], axis=1) + joint)


def _lift_lids(points: Points, center: Points) -> Points:
    """Moves what lies within an eyeball, f64[468,3], to in front of it."""
    offsets = points - center
    distance = np.linalg.norm(offsets, axis=1)
    within = (distance < _EYES["radius"] + LID) & (distance > LEAST)
    factors = np.where(within, (_EYES["radius"] + LID) / np.maximum(distance, LEAST), 1.0)
    return np.asarray(center + offsets * factors[:, None])


def _iris(gaze: tuple[float, float]) -> Points:
    """The points of an iris f64[5,3] about the centre of its eyeball."""
    radius, iris = _EYES["radius"], _EYES["iris"]
    depth = np.where(RING.any(axis=1), np.sqrt(radius**2 - iris**2), radius)
    right, up = np.array(gaze) * _EYES["degrees"]
    return np.column_stack([RING * iris, depth]) @ rotation(-up, right, 0.0).T
