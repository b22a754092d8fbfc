"""A photo's face where the renderer would frame it: for sheets of photos and their avatars."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onnx2wgsl.face.detector import Landmarks, Picture, detect
from onnx2wgsl.face.errors import FaceError

from ..errors import TrainerError
from .reading import read_picture
from .warp import framed


@dataclass(frozen=True)
class PhotoFace:
    """picture: u8[size,size,3], the photo moved so that its landmarks f32[478,3] are its face's."""

    picture: Picture
    landmarks: Landmarks


def framed_face(photo: Path, size: int) -> PhotoFace:
    """The face in a photo, framed.

    Raises:
        TrainerError: the photo can't be read, shows no face or one that can't be placed.
        LandmarkerError: MediaPipe is missing.
    """
    picture = read_picture(photo)
    points = detect(picture)
    if points is None:
        raise TrainerError(f"{photo}: no face was found; name another photo")
    try:
        return PhotoFace(*framed(picture, points, size))
    except FaceError as error:
        raise TrainerError(f"{photo}: {error}") from error
