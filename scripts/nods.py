"""Prints how far an avatar's head follows a person's, by model.

python -m scripts.nods MODEL.onnx... [--clip talk] [--seconds 8] [--every 2]

A clip goes through the live page's chain (tests/live_page/chain.py), as it is and with the person's own shape
taken out: the median of the frames' shapes, in the canonical face's coordinates, gives way to that face's.
Printed are the 95th percentile of what the avatar's pitch, yaw and roll are off, and the slope of its pitch
against the person's: 1 where it nods as far.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import head
from onnx2wgsl.face.procrustes import UPRIGHT, placement, to_training_frame, upright

from tests.live_page.chain import Clip, angles, avatar, follow, turns_off

Faces = list[NDArray[np.float32]]


def main() -> None:
    """Follows, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--clip", default="talk")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--every", type=int, default=2)
    options = parser.parse_args()
    clip = follow(options.clip, options.seconds, options.every)
    for model in options.models:
        print(model)
        for name, faces in (("as it is", [*clip.shown]), ("without the person's shape", without_shape(clip))):
            avatars = [avatar(face, model) for face in faces]
            pitch, yaw, roll = np.percentile(np.abs(turns_off(clip, avatars)), 95, axis=0)
            print(
                f"  {name:27} off by {pitch:.1f}, {yaw:.1f} and {roll:.1f} degrees; "
                f"slope of the pitch {slope(clip, avatars):.2f}"
            )


def without_shape(clip: Clip) -> Faces:
    """What was shown, of the canonical face in the person's poses and expressions."""
    faces = [face.astype(np.float64) for face in clip.shown]
    places = [placement(face) for face in faces]
    shapes = [place.inverse(upright(face)) for place, face in zip(places, faces, strict=True)]
    rest = head.landmarks({})
    own = np.median(shapes, axis=0) - placement(rest).inverse(upright(rest))
    return [
        to_training_frame(place.scale * (shape - own) @ place.rotation.T * UPRIGHT).astype(np.float32)
        for place, shape in zip(places, shapes, strict=True)
    ]


def slope(clip: Clip, avatars: Faces) -> float:
    """Of the avatar's pitch against the person's, by least squares."""
    pairs = [
        (angles(face, clip.aspect)[0], angles(other, 1.0)[0])
        for face, other in zip(clip.faces, avatars, strict=True)
        if face is not None
    ]
    return float(np.polyfit(*np.transpose(pairs), 1)[0])


if __name__ == "__main__":
    main()
