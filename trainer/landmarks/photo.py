"""A photo's face where the renderer would frame it: for sheets of photos and their avatars."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.errors import FaceError
from onnx2wgsl.face.procrustes import to_training_frame

from ..errors import TrainerError
from .detector import detect, read_picture
from .warp import warped


@dataclass(frozen=True)
class PhotoFace:
    """picture: u8[size,size,3], the photo moved so that its landmarks f32[478,3] are its face's."""

    picture: NDArray[np.uint8]
    landmarks: NDArray[np.float32]


def framed_face(photo: Path, size: int) -> PhotoFace:
    """The face in a photo, framed.

    Raises:
        TrainerError: the photo can't be read, shows no face or one that can't be placed, or mediapipe
            is missing.
    """
    picture = read_picture(photo)
    points = detect(picture)
    if points is None:
        raise TrainerError(f"{photo}: no face was found; name another photo")
    height, width, _ = picture.shape
    try:
        frame_points = to_training_frame(points, width / height).astype(np.float32)
    except FaceError as error:
        raise TrainerError(f"{photo}: {error}") from error
    return PhotoFace(warped(picture, points, frame_points, size), frame_points)
