"""The photos, videos and arrays that landmarks come from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from onnx2wgsl.face.detector import Landmarks, Picture
from onnx2wgsl.face.topology import LANDMARKS
from onnx2wgsl.media import pictures
from onnx2wgsl.media.arrays import read_array
from onnx2wgsl.media.errors import MediaError

from ..errors import TrainerError

VIDEO_OPTIONS = "format_whitelist;mov,mp4,matroska,webm,avi|protocol_whitelist;file"
"""For FFmpeg, which also knows lists that name other files and addresses."""


def read_picture(path: Path) -> Picture:
    """A photo as u8[H,W,3] RGB, turned as its camera noted; see media/pictures.py.

    Raises:
        TrainerError: it can't be read, or is no picture.
    """
    try:
        return pictures.read_picture(path)
    except MediaError as error:
        raise TrainerError(str(error)) from error


def read_landmarks(path: Path) -> Landmarks:
    """Landmarks of an .npy file, f32[478,3].

    Raises:
        TrainerError: it can't be read, or holds something else.
    """
    try:
        points = read_array(path)
    except MediaError as error:
        raise TrainerError(str(error)) from error
    numbers = points.dtype.kind in "fiu"
    if points.shape != (LANDMARKS, 3) or not numbers or not np.isfinite(points).all():
        raise TrainerError(
            f"{path} holds {points.dtype} {list(points.shape)}, not [{LANDMARKS}, 3] finite numbers: "
            "onnx2wgsl-train landmarks PHOTO --npy writes such a file"
        )
    with np.errstate(over="ignore"):
        landmarks = np.asarray(points, np.float32)
    if not np.isfinite(landmarks).all():
        raise TrainerError(f"{path} holds numbers too large for float32, not fractions of a picture's sides")
    return landmarks


def read_frames(path: Path) -> Iterator[Picture]:
    """The frames of a video (MP4, MOV, MKV, WebM or AVI), u8[H,W,3] RGB each.

    Raises:
        TrainerError: it can't be read, is of another format, or has no frame.
    """
    if not path.is_file():
        raise TrainerError(f"{path}: there is no such file")
    with _environment("OPENCV_FFMPEG_CAPTURE_OPTIONS", VIDEO_OPTIONS):
        video = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    try:
        count = 0
        while True:
            there, frame = video.read()
            if not there:
                break
            count += 1
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        video.release()
    if count == 0:
        raise TrainerError(
            f"{path} can't be read as a video: OpenCV finds no frame in it; give an MP4, MOV, MKV, WebM or "
            "AVI file"
        )


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """The process's environment with a variable that is set."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
