"""A camera's avatar: the newest picture counts, and what is not there is told."""

from __future__ import annotations

import collections
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.face.detector import Detector
from onnx2wgsl.live import avatar
from onnx2wgsl.live.actor import Actor
from onnx2wgsl.live.camera import Camera
from onnx2wgsl.live.conversion import Chain, Wish
from onnx2wgsl.live.errors import LiveError
from onnx2wgsl.live.window import Window, reflect

from tests.live import films
from tests.live.command import live, refusal
from tests.live.streams import stream

INTERVAL = 0.05
Picture = NDArray[np.uint8]


class Album:
    """A screen that keeps what it is shown, and closes after a while."""

    def __init__(self, most: int) -> None:
        self.pictures: list[Picture] = []
        self._most = most

    def show(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def is_open(self) -> bool:
        return len(self.pictures) < self._most


def test_a_cameras_avatar_is_shown_as_in_a_mirror(model: Path) -> None:
    wish, album = Wish(96, side_by_side=True), Album(4)
    height, width, _ = films.face().shape
    with avatar.opened(model) as generator, closing(Actor()) as actor:
        chain = Chain(generator, actor, Detector(most=3), wish, width / height)
        with stream(list(films.faces(200)), INTERVAL) as address, closing(Camera(address)) as camera:
            assert (camera.width, camera.height) == (width, height)
            reflect(camera, chain, album)
    assert (chain.report.frames, chain.report.faces) == (4, 4)
    assert {picture.shape for picture in album.pictures} == {(96, 198, 3)}
    left = album.pictures[0][:, :102].astype(int)
    mirrored = cv2.resize(films.face()[:, ::-1], (102, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(left - mirrored).mean() < 20
    assert np.abs(left[:, ::-1] - mirrored).mean() > 30


def test_the_newest_picture_takes_the_place_of_those_before() -> None:
    pictures = [np.full((48, 64, 3), 20 * i, np.uint8) for i in range(12)]
    with stream(pictures, INTERVAL) as address, closing(Camera(address)) as camera:
        assert (camera.width, camera.height) == (64, 48)
        time.sleep(6 * INTERVAL)
        news = camera.newest(1.0)
        assert news
        assert news[0].mean() > 3 * 20
        following = camera.newest(1.0)
        assert following
        assert following[0].mean() > news[0].mean()
        assert following[1] > news[1]
        assert camera.newest(INTERVAL / 10) is None
        with pytest.raises(LiveError, match=r"gives no more pictures: is it still plugged in\?"):
            collections.deque(iter(partial(camera.newest, 1.0), None), maxlen=0)


def test_a_camera_that_is_not_there_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    message = refusal("--camera", "97")
    assert message.startswith("there is no camera 97 that gives pictures: plug one in, ")
    assert capfd.readouterr() == ("", "")


def test_a_machine_without_a_screen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LiveError, match=r"no window can be opened: run this where there is a screen"):
        Window()


def test_a_camera_has_no_output(tmp_path: Path) -> None:
    result = live("--camera", "0", "-o", tmp_path / "out.mp4")
    assert result.status == 2
    assert "--camera is seen in a window: leave out -o" in result.err
