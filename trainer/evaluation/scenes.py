"""Faces that show what an avatar must be able to do: 15 mouths, lids, heads turned far."""

from __future__ import annotations

from dataclasses import dataclass

from ..renderer import FaceState
from ..renderer.expressions import VISEMES


@dataclass(frozen=True)
class Scene:
    """A sheet: its name, and a caption and a state for each column."""

    name: str
    captions: tuple[str, ...]
    states: tuple[FaceState, ...]


def scenes(look: str) -> list[Scene]:
    """The sheets of one look."""
    return [_visemes(look), _blinks(look), _poses(look)]


def _visemes(look: str) -> Scene:
    pose = (2.0, 8.0, 0.0)
    states = (FaceState(expression=mouth, pose=pose, look=look) for mouth in VISEMES.values())
    return Scene("visemes", tuple(VISEMES), tuple(states))


def _blinks(look: str) -> Scene:
    lids = {
        "open": (0.0, 0.0),
        "1/4": (0.25, 0.25),
        "1/2": (0.5, 0.5),
        "3/4": (0.75, 0.75),
        "closed": (1.0, 1.0),
        "left": (1.0, 0.0),
        "right": (0.0, 1.0),
    }
    states = (
        FaceState(expression={"blink_left": left, "blink_right": right}, look=look)
        for left, right in lids.values()
    )
    return Scene("blinks", tuple(lids), tuple(states))


def _poses(look: str) -> Scene:
    """pitch, yaw, roll in degrees, beyond what the split pose-extreme starts at."""
    poses = [
        (0, -44, 0),
        (0, 44, 0),
        (27, 0, 0),
        (-27, 0, 0),
        (15, -40, -12),
        (-15, 40, 12),
        (24, 25, 10),
        (-24, -25, -10),
    ]
    states = (
        FaceState(expression={"smile": 0.4, "jaw": 0.2}, pose=(p, y, r), look=look) for p, y, r in poses
    )
    return Scene("poses", tuple(f"{p} {y} {r}" for p, y, r in poses), tuple(states))
