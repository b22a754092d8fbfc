"""Pictures of a camera as they come: the newest takes the place of one that nobody took."""

from __future__ import annotations

from threading import Condition, Thread
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import LiveError

Picture = NDArray[np.uint8]

PATIENCE = 2.0
"""Seconds that a picture under way is waited for at the end."""


class Camera:
    """A camera by its number, or whatever else OpenCV opens as one, such as a video's file.

    Raises:
        LiveError: there is none, or it gives no picture.
    """

    def __init__(self, which: int | str) -> None:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._which = which
        self._device: Any = cv2.VideoCapture(which)
        self._news = Condition()
        self._newest: tuple[Picture, float] | None = None
        self._is_over = False
        _, first = self._device.read() if self._device.isOpened() else (False, None)
        if first is None:
            self._device.release()
            raise LiveError(
                f"there is no camera {which} that gives pictures: plug one in, end what else uses it, "
                "name another by --camera N, or give a video by --video"
            )
        self.height, self.width, _ = first.shape
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._is_over:
            is_there, picture = self._device.read()
            with self._news:
                if is_there:
                    self._newest = picture, 1000 * perf_counter()
                else:
                    self._is_over = True
                self._news.notify()

    def newest(self, seconds: float) -> tuple[Picture, float] | None:
        """A picture u8[H,W,3] RGB that was not taken yet, and when it came, in milliseconds.

        None where none comes within some seconds.

        Raises:
            LiveError: there will be none any more.
        """
        with self._news:
            self._news.wait_for(lambda: self._newest or self._is_over, seconds)
            news, self._newest = self._newest, None
            if news is None and self._is_over:
                raise LiveError(f"camera {self._which} gives no more pictures: is it still plugged in?")
        return news and (np.ascontiguousarray(news[0][..., ::-1]), news[1])

    def close(self) -> None:
        """Lets go of the camera."""
        self._is_over = True
        self._thread.join(PATIENCE)
        # One that hangs goes with the process.
        if not self._thread.is_alive():
            self._device.release()
