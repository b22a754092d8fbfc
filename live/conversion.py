"""Videos of the avatar: of a face in a video, with as many frames, their times and the sound; of a voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from .actor import Actor
from .avatar import Avatar
from .display import SHARPNESS, Display
from .errors import LiveError
from .script import Script
from .sink import ENCODERS, Sink, whole
from .sound import RATE, Sound
from .source import Source, Still

FACES = 3
"""Faces of a picture of which the largest drives the avatar, as on the page."""
FRAMES = 25
"""A second, of an avatar that speaks by itself."""

Picture = NDArray[np.uint8]
Progress = Callable[[int, int | None], None]
"""Told how many frames are made, and about how many there are."""


@dataclass(frozen=True)
class Wish:
    """What is to be made: `size` pixels a side of the avatar, even; at its left the source, or not.

    likeness: 0 to 1, how much of the shape of their own face a person gives the avatar.
    emotions: what it feels, 0 to 1 by name.
    """

    size: int = 512
    side_by_side: bool = False
    sharpness: float = SHARPNESS
    likeness: float = 0.0
    emotions: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Report:
    """Frames that were made, those with a face where one was looked for, the seconds that each stage took."""

    frames: int = 0
    faces: int | None = None
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

    detector: None where there is nobody to be found.
    aspect: how many times as wide as high a picture is that is shown at the avatar's left.
    """

    def __init__(
        self, avatar: Avatar, actor: Actor, detector: Detector | None, wish: Wish, aspect: float = 1.0
    ) -> None:
        self.report = Report(faces=0 if detector else None)
        self.width = wish.size + (2 * round(wish.size * aspect / 2) if wish.side_by_side else 0)
        self.height = wish.size
        self._avatar, self._actor, self._detector = avatar, actor, detector
        adapter = avatar.session.get_adapter()
        self._display = Display(adapter, avatar.size, wish.size, wish.sharpness)

    def picture(self, source: Picture | None, milliseconds: float) -> Picture:
        """What is shown, u8[height,width,3], of a picture u8[H,W,3] of a time, or of nobody."""
        report, landmarks, aspect = self.report, None, 1.0
        if self._detector and source is not None:
            with report.stage("landmarks"):
                landmarks, aspect = self._detector.detect(source), source.shape[1] / source.shape[0]
        with report.stage("drawing"):
            face = self._actor.face(landmarks, aspect, milliseconds)
            drawing = draw(face, self._avatar.size)
        with report.stage("generator"):
            picture = self._avatar.picture(drawing)
        with report.stage("display"):
            shown = self._beside(source, self._display.shown(picture))
        report.frames += 1
        if report.faces is not None:
            report.faces += landmarks is not None
        return shown

    def _beside(self, source: Picture | None, shown: Picture) -> Picture:
        """The source, where it is wanted, and at its right what is shown."""
        room = self.width - self.height
        if not room or source is None:
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
    """Writes the avatar's video of a video, whole or not at all.

    Raises:
        LiveError: the video can't be read or written, or shows no face; the model is no generator.
        LandmarkerError: MediaPipe or its model is missing.
        MediaError, CompileError, SessionError: of the video's file, the model's, of the adapter.
    """
    _check(output, video)
    with closing(Source(video)) as source, closing(Actor(wish.likeness, wish.emotions)) as actor:
        detector = Detector(task, FACES)
        with avatar.opened(model, adapter) as generator, whole(output) as scratch:
            chain = Chain(generator, actor, detector, wish, source.width / source.height)
            with closing(Sink(scratch, source, chain.width, chain.height)) as sink:
                _run(source, sink, chain, progress)
            if not chain.report.faces:
                raise LiveError(
                    f"{video}: no face was found in any of its {chain.report.frames} frames, and so nothing "
                    "was written; give a video in which a face is seen from the front, near the camera"
                )
    return chain.report


def speak(
    said: Path | str,
    output: Path,
    wish: Wish,
    *,
    rate: int = FRAMES,
    model: Path | None = None,
    adapter: str | None = None,
    progress: Progress = lambda *_: None,
) -> Report:
    """Writes a video of the avatar that speaks by itself, whole or not at all.

    said: the file of a recording, whose sound the video has; or an English text, said in silence.
    rate: frames a second.

    Raises:
        LiveError: there is nothing to be said, or it can't be written; the model is no generator.
        MediaError, CompileError, SessionError: of the recording's file, the model's, of the adapter.
    """
    _check(output, None if isinstance(said, str) else said)
    with (
        closing(Actor(wish.likeness, wish.emotions)) as actor,
        _script(said, actor, rate) as script,
        avatar.opened(model, adapter) as generator,
        whole(output) as scratch,
    ):
        chain = Chain(generator, actor, None, wish)
        with closing(Sink(scratch, script, chain.width, chain.height, converts=True)) as sink:
            _run(script, sink, chain, progress)
    return chain.report


@contextmanager
def _script(said: Path | str, actor: Actor, rate: int) -> Iterator[Script]:
    """What an actor has to do that was told what to say."""
    if isinstance(said, str):
        if not said.strip():
            raise LiveError("the text is empty: give words to be said")
        yield Script(actor.say(said), rate)
        return
    with closing(Sound(said)) as recording:
        yield Script(actor.hear(recording.samples(), RATE), rate, recording)


def _check(output: Path, read: Path | None) -> None:
    """Refuses an output that can't be one, before any work."""
    if output.suffix.lower() not in ENCODERS:
        raise LiveError(f"{output}: name an output that ends in {', '.join(ENCODERS)}")
    if read and output.exists() and read.exists() and output.samefile(read):
        raise LiveError(f"{output} is the file that is read: name another output")
    if not output.absolute().parent.is_dir():
        raise LiveError(f"{output}: there is no such folder; make it first")


def _run(source: Source | Script, sink: Sink, chain: Chain, progress: Progress) -> None:
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
            sink.add(item)
    with report.stage("encoding"):
        sink.finish()
