"""Videos that are read, by PyAV: the frames as a player shows them, the sound as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray
from onnx2wgsl.media.errors import require_file

from .errors import LiveError

Picture = NDArray[np.uint8]
Packet: TypeAlias = "av.Packet[Any]"

FORMATS = {"format_whitelist": "mov,mp4,matroska,webm,avi,mpegts", "protocol_whitelist": "file"}
"""Of what is read: FFmpeg also knows lists that name other files and addresses."""
FALLBACK_RATE = Fraction(25)


@dataclass(frozen=True)
class Still:
    """A frame: u8[H,W,3] RGB, upright, of square pixels; when and how long, in units of the time base.

    picture: None of a frame that shows nobody.
    """

    picture: Picture | None
    time: int
    duration: int


class Source:
    """A video's frames and, between them, the packets of its sound.

    Raises:
        LiveError: it can't be read, shows no frame, or one that nothing here decodes.
        MediaError: there is no such file.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self.path = path
        self._open()
        try:
            first = next((one.picture for one in self.items() if isinstance(one, Still)), None)
        finally:
            self.close()
        if first is None:
            raise LiveError(f"{path} has no frame that can be read: is it whole?")
        self.height, self.width, _ = first.shape
        """Of the first frame, as it is shown."""
        self._open()

    def _open(self) -> None:
        with told_as(self.path, "be read as a video"):
            self._container = av.open(str(self.path.absolute()), options=FORMATS)
        try:
            self._video: Any = self._first_video()
        except LiveError:
            self.close()
            raise
        self._video.thread_type = "AUTO"
        self.sound: list[Any] = list(self._container.streams.audio)
        self.time_base: Fraction = self._video.time_base
        self.rate: Fraction = self._video.average_rate or self._video.guessed_rate or FALLBACK_RATE

    def _first_video(self) -> Any:
        streams = [
            one for one in self._container.streams.video if not one.disposition & Disposition.attached_pic
        ]
        if not streams:
            raise LiveError(
                f"{self.path} has no video stream: give an MP4, MOV, MKV, WebM or AVI file with one"
            )
        if streams[0].codec_context is None:
            raise LiveError(
                f"{self.path}: nothing here decodes its video's codec; "
                f"convert it first: ffmpeg -i {self.path.name} -c:v libx264 -c:a copy converted.mp4"
            )
        return streams[0]

    @property
    def count(self) -> int | None:
        """About how many frames there are, as far as the file tells."""
        if self._video.frames:
            return int(self._video.frames)
        if self._container.duration:
            return round(self._container.duration / av.time_base * self.rate)
        return None

    def items(self) -> Iterator[Still | Packet]:
        """The frames in their order, each with a later time than the one before, and packets of sound."""
        step = max(1, round(1 / (self.rate * self.time_base)))
        clock = _Clock(step, self._container.format.name == "avi")
        with told_as(self.path, "be read to its end"):
            for packet in self._container.demux([self._video, *self.sound]):
                if packet.stream is not self._video:
                    if packet.dts is not None:
                        yield packet
                    continue
                frames: list[Any] = packet.decode()
                for frame in frames:
                    yield Still(self._upright(frame), clock.time(frame), frame.duration or step)

    def _upright(self, frame: Any) -> Picture:
        """A frame as u8[H,W,3], turned as its camera noted, its pixels made square."""
        ratio = self._video.sample_aspect_ratio or 1
        width = round(frame.width * ratio)
        picture = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
        return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))

    def close(self) -> None:
        """Closes the file."""
        self._container.close()


class _Clock:
    """When frames are shown: each later than the one before, `step` later where the file doesn't tell.

    counts: the file tells nothing but the order of decoding, from 0, as an AVI does.
    """

    def __init__(self, step: int, counts: bool) -> None:
        self._step, self._counts = step, counts
        self._origin: int | None = None if counts else 0
        self._last: int | None = None

    def time(self, frame: Any) -> int:
        """In units of the video's time base."""
        told: int | None = frame.dts if self._counts else frame.pts
        if told is None:
            told = 0 if self._last is None else self._last + self._step
        else:
            self._origin = told if self._origin is None else self._origin
            told -= self._origin
        self._last = told if self._last is None else max(told, self._last + 1)
        return self._last


@contextmanager
def told_as(path: Path, what: str, advice: str = "is it whole") -> Iterator[None]:
    """Makes one LiveError of FFmpeg's: that the path can't be what, and what may help."""
    try:
        yield
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        raise LiveError(f"{path} can't {what}: {reason}; {advice}?") from error
