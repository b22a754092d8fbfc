"""The avatar of a camera's face in a window."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.detector import Detector

from . import avatar
from .actor import Actor
from .camera import Camera
from .conversion import FACES, Chain, Report, Wish
from .errors import LiveError

Picture = NDArray[np.uint8]

TITLE = "onnx2wgsl-live"
ENDS = {ord("q"), ord("Q"), 27}
"""Keys: q and Esc."""
PROBE = f"import cv2; cv2.namedWindow({TITLE!r})"
PATIENCE = 0.05
"""Seconds without a picture after which the window is looked after in between."""


class Screen(Protocol):
    """Where pictures u8[H,W,3] are shown, as long as it is open."""

    def show(self, picture: Picture) -> None: ...

    def is_open(self) -> bool: ...


class Window:
    """A window of the screen, until it is closed, by q, Esc or the mouse.

    Raises:
        LiveError: there is no screen to open one on, or an OpenCV without windows.
    """

    def __init__(self) -> None:
        # Where there is no screen OpenCV's Qt ends the process, so that another one has to try.
        probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False)
        if probe.returncode:
            raise LiveError(
                "no window can be opened: run this where there is a screen (of another machine: ssh -X), "
                "with opencv-contrib-python, not a headless one, or give a video by --video"
            )
        cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)

    def show(self, picture: Picture) -> None:
        """Shows a picture u8[H,W,3]."""
        cv2.imshow(TITLE, np.ascontiguousarray(picture[..., ::-1]))

    def is_open(self) -> bool:
        """Looks after the window; whether it is still there and nobody has asked for the end."""
        if cv2.waitKey(1) & 0xFF in ENDS:
            return False
        return bool(cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1)

    def close(self) -> None:
        """Closes it."""
        cv2.destroyAllWindows()


def watch(
    which: int | str,
    wish: Wish,
    *,
    model: Path | None = None,
    task: Path | None = None,
    adapter: str | None = None,
) -> Report:
    """Shows the avatar of a camera's face, as in a mirror, until its window is closed.

    Raises:
        LiveError: there is no such camera, no screen, no generator; or the camera's pictures end.
        LandmarkerError: MediaPipe or its model is missing.
        CompileError, SessionError: of the model's file, of the adapter.
    """
    with (
        closing(Camera(which)) as camera,
        closing(Window()) as window,
        closing(Actor(wish.likeness, wish.emotions)) as actor,
    ):
        detector = Detector(task, FACES)
        with avatar.opened(model, adapter) as generator:
            chain = Chain(generator, actor, detector, wish, camera.width / camera.height)
            reflect(camera, chain, window)
        return chain.report


def reflect(camera: Camera, chain: Chain, screen: Screen) -> None:
    """Shows what a chain makes of a camera's pictures, each turned about as a mirror does, on an open screen.

    Raises:
        LiveError: there are no more pictures.
    """
    while screen.is_open():
        if news := camera.newest(PATIENCE):
            parts = np.split(chain.picture(*news), [chain.width - chain.height], axis=1)
            screen.show(np.hstack([part[:, ::-1] for part in parts]))
