"""A video of a face becomes a video of its avatar, with as many frames, their times and the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.face.detector import Detector
from onnx2wgsl.face.drawing import draw

from . import avatar
from .avatar import Avatar
from .display import SHARPNESS, Display
from .errors import LiveError
from .follower import Follower
from .sink import ENCODERS, Sink, whole
from .source import Source, Still

FACES = 3
"""Faces of a picture of which the largest drives the avatar, as on the page."""

Picture = NDArray[np.uint8]
Progress = Callable[[int, int | None], None]
"""Told how many frames are made, and about how many there are."""


@dataclass(frozen=True)
class Wish:
    """What is to be made: `size` pixels a side of the avatar, even; at its left the source, or not."""

    size: int = 512
    side_by_side: bool = False
    sharpness: float = SHARPNESS


@dataclass
class Report:
    """Frames that were made, those in which a face was found, and the seconds that each stage took."""

    frames: int = 0
    faces: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time that the body takes to a stage's."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


class Chain:
    """From a picture to its avatar: found, followed, drawn, generated, shown.

    aspect: how many times as wide as high a picture is that is shown at the avatar's left.
    """

    def __init__(self, avatar: Avatar, detector: Detector, wish: Wish, aspect: float) -> None:
        self.report = Report()
        self.width = wish.size + (2 * round(wish.size * aspect / 2) if wish.side_by_side else 0)
        self.height = wish.size
        self._avatar, self._detector = avatar, detector
        self._follower = Follower()
        adapter = avatar.session.get_adapter()
        self._display = Display(adapter, avatar.size, wish.size, wish.sharpness)

    def picture(self, source: Picture, milliseconds: float) -> Picture:
        """What is shown, u8[height,width,3], of a picture u8[H,W,3] of a time."""
        report, (height, width, _) = self.report, source.shape
        with report.stage("landmarks"):
            landmarks = self._detector.detect(source)
        with report.stage("drawing"):
            face = self._follower.face(landmarks, width / height, milliseconds)
            drawing = draw(face, self._avatar.size)
        with report.stage("generator"):
            picture = self._avatar.picture(drawing)
        with report.stage("display"):
            shown = self._beside(source, self._display.shown(picture))
        report.frames += 1
        report.faces += landmarks is not None
        return shown

    def _beside(self, source: Picture, shown: Picture) -> Picture:
        """The source, where it is wanted, and at its right what is shown."""
        room = self.width - self.height
        if not room:
            return shown
        method = cv2.INTER_AREA if self.height < source.shape[0] else cv2.INTER_CUBIC
        left = cv2.resize(source, (room, self.height), interpolation=method)
        return np.hstack([np.asarray(left, np.uint8), shown])


def convert(
    video: Path,
    output: Path,
    wish: Wish,
    *,
    model: Path | None = None,
    task: Path | None = None,
    adapter: str | None = None,
    progress: Progress = lambda *_: None,
) -> Report:
    """Writes the avatar's video, whole or not at all.

    Raises:
        LiveError: the video can't be read or written, or shows no face; the model is no generator.
        LandmarkerError: MediaPipe or its model is missing.
        MediaError, CompileError, SessionError: of the video's file, the model's, of the adapter.
    """
    if output.suffix.lower() not in ENCODERS:
        raise LiveError(f"{output}: name an output that ends in {', '.join(ENCODERS)}")
    if output.exists() and video.exists() and output.samefile(video):
        raise LiveError(f"{output} is the video that is read: name another output")
    if not output.absolute().parent.is_dir():
        raise LiveError(f"{output}: there is no such folder; make it first")
    with closing(Source(video)) as source:
        detector = Detector(task, FACES)
        with avatar.opened(model, adapter) as generator, whole(output) as scratch:
            chain = Chain(generator, detector, wish, source.width / source.height)
            with closing(Sink(scratch, source, chain.width, chain.height)) as sink:
                _run(source, sink, chain, progress)
            if not chain.report.faces:
                raise LiveError(
                    f"{video}: no face was found in any of its {chain.report.frames} frames, and so nothing "
                    "was written; give a video in which a face is seen from the front, near the camera"
                )
    return chain.report


def _run(source: Source, sink: Sink, chain: Chain, progress: Progress) -> None:
    report, items = chain.report, source.items()
    while True:
        with report.stage("decoding"):
            item = next(items, None)
        if item is None:
            break
        if isinstance(item, Still):
            shown = chain.picture(item.picture, float(item.time * source.time_base * 1000))
            with report.stage("encoding"):
                sink.write(shown, item.time, item.duration)
            progress(report.frames, source.count)
        else:
            sink.copy(item)
    with report.stage("encoding"):
        sink.finish()
