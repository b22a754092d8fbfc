"""Prints how far an avatar's head follows a person's, by model.

python -m scripts.nods MODEL.onnx... [--clip talk] [--seconds 8] [--every 2]

A clip goes through the live page's chain (tests/live_page/chain.py), as it is and with the person's own shape
left in (face/shape.js, likeness 1). Printed are the 95th percentile of what the avatar's pitch, yaw and roll
are off, the slope of its pitch against the person's, 1 where it nods as far, and the correlation of how far
both open the mouth (of the avatar: the dark within its lips).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.live_page.chain import Clip, angles, avatar, follow, mouth, opening, turns_off


def main() -> None:
    """Follows, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--clip", default="talk")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--every", type=int, default=2)
    options = parser.parse_args()
    for model in options.models:
        print(model)
        for name, likeness in (("as it is", 0.0), ("with the person's shape", 1.0)):
            clip = follow(options.clip, options.seconds, options.every, likeness)
            avatars = [avatar(face, model) for face in clip.shown]
            pitch, yaw, roll = np.percentile(np.abs(turns_off(clip, avatars)), 95, axis=0)
            print(
                f"  {name:23} off by {pitch:.1f}, {yaw:.1f} and {roll:.1f} degrees; "
                f"slope of the pitch {slope(clip, avatars):.2f}, mouths {mouths(clip, model):.3f}"
            )


def slope(clip: Clip, avatars: list[NDArray[np.float32]]) -> float:
    """Of the avatar's pitch against the person's, by least squares."""
    pairs = [
        (angles(face, clip.aspect)[0], angles(other, 1.0)[0])
        for face, other in zip(clip.faces, avatars, strict=True)
        if face is not None
    ]
    return float(np.polyfit(*np.transpose(pairs), 1)[0])


def mouths(clip: Clip, model: Path) -> float:
    """Correlation of how far both are open."""
    pairs = [
        (mouth(face, clip.aspect), opening(shown, model))
        for face, shown in zip(clip.faces, clip.shown, strict=True)
        if face is not None
    ]
    return float(np.corrcoef(np.transpose(pairs))[0, 1])


if __name__ == "__main__":
    main()
