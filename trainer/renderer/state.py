"""What a frame shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IDENTITY_AXES = 9


@dataclass(frozen=True)
class FaceState:
    """Everything that determines a picture and its landmarks.

    identity: weights of the axes of head.IDENTITIES, about -1 to 1 each.
    expression: weights of channels of expressions.CHANNELS, 0 to 1 each (a little beyond is fine).
    gaze: right and up as the viewer sees it, -1 to 1 each.
    pose: pitch, yaw and roll of the head in degrees (face.camera.rotation).
    offset: shift right and down, as fractions of the frame; scale: size against the usual framing.
    look: name of a look (looks.LOOKS).
    """

    identity: tuple[float, ...] = (0.0,) * IDENTITY_AXES
    expression: Mapping[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)
    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    offset: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    look: str = "neon"
