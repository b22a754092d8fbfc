"""Videos by PyAV: read as a player shows them, written with the times and the sound of the one read."""

from __future__ import annotations

import os
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
H264 = {"crf": "18", "bf": "0"}
"""In MP4 a frame that others are predicted from before its time leaves the last one's duration open."""
ENCODERS = {
    ".mp4": ("libx264", H264),
    ".mov": ("libx264", H264),
    ".mkv": ("libx264", H264),
    ".webm": ("libvpx-vp9", {"crf": "24", "deadline": "good", "cpu-used": "4", "row-mt": "1"}),
}
FALLBACK_RATE = Fraction(25)
BT709, LIMITED = 1, 1
"""The colours that are written: matrix, primaries and transfer; and their range."""


@dataclass(frozen=True)
class Still:
    """A frame: u8[H,W,3] RGB, upright, of square pixels; when and how long, in units of the time base."""

    picture: Picture
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
            first = next((one for one in self.items() if isinstance(one, Still)), None)
        finally:
            self.close()
        if first is None:
            raise LiveError(f"{path} has no frame that can be read: is it whole?")
        self.height, self.width, _ = first.picture.shape
        """Of the first frame, as it is shown."""
        self._open()

    def _open(self) -> None:
        with _told_as(self.path, "be read as a video"):
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
        last: int | None = None
        step = max(1, round(1 / (self.rate * self.time_base)))
        with _told_as(self.path, "be read to its end"):
            for packet in self._container.demux([self._video, *self.sound]):
                if packet.stream is not self._video:
                    if packet.dts is not None:
                        yield packet
                    continue
                frames: list[Any] = packet.decode()
                for frame in frames:
                    time = frame.pts if frame.pts is not None else (0 if last is None else last + step)
                    last = time if last is None else max(time, last + 1)
                    yield Still(self._upright(frame), last, frame.duration or step)

    def _upright(self, frame: Any) -> Picture:
        """A frame as u8[H,W,3], turned as its camera noted, its pixels made square."""
        ratio = self._video.sample_aspect_ratio or 1
        width = round(frame.width * ratio)
        picture = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
        return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))

    def close(self) -> None:
        """Closes the file."""
        self._container.close()


class Sink:
    """A video that is written: pictures of one size, at times in a source's time base, and its sound.

    Raises:
        LiveError: the format can't hold the sound, or can't be written.
    """

    def __init__(self, path: Path, source: Source, width: int, height: int) -> None:
        name, options = ENCODERS[path.suffix.lower()]
        self._path, self._time_base = path, source.time_base
        self._durations: dict[int, int] = {}
        with _told_as(path, "be written"):
            flags = {"movflags": "faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
            self._container = av.open(str(path), "w", options=flags)
            self._video: Any = self._container.add_stream(
                name,
                rate=source.rate,
                options=options,
                width=width,
                height=height,
                time_base=source.time_base,
            )
        context: Any = self._video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        self._sound = {one.index: self._copy_of(one, source.path) for one in source.sound}
        self._start(source)

    def _copy_of(self, stream: Any, source: Path) -> Any:
        try:
            return self._container.add_stream_from_template(stream)
        except (ValueError, av.FFmpegError) as error:
            raise self._deaf(stream, source) from error

    def _start(self, source: Source) -> None:
        try:
            self._container.start_encoding()
        except (ValueError, av.FFmpegError) as error:
            if source.sound:
                raise self._deaf(source.sound[0], source.path) from error
            raise LiveError(f"{self._path} can't be written: {error}") from error

    def _deaf(self, stream: Any, source: Path) -> LiveError:
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        return LiveError(
            f"{self._path.suffix} can't hold the sound of {source} ({codec}), which is kept as it is: "
            "name an output that ends in .mkv"
        )

    def write(self, picture: Picture, time: int, duration: int) -> None:
        """Encodes a picture u8[height,width,3] RGB; times only go on."""
        self._durations[time] = duration
        frame: Any = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED
        )
        frame.pts, frame.time_base = time, self._time_base
        self._encode(frame)

    def copy(self, packet: Packet) -> None:
        """Writes a packet of the source's sound."""
        packet.stream = self._sound[packet.stream.index]
        self._mux([packet])

    def finish(self) -> None:
        """Writes what is under way; then the file is whole."""
        self._encode(None)
        self.close()

    def close(self) -> None:
        """Closes the file, whole or not."""
        with _told_as(self._path, "be written"):
            self._container.close()

    def _encode(self, frame: Any) -> None:
        """Encoders don't tell how long a frame lasts, which of the last one the file does."""
        packets = self._video.encode(frame)
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts)
        self._mux(packets)

    def _mux(self, packets: list[Any]) -> None:
        with _told_as(self._path, "be written"):
            self._container.mux(packets)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to: it takes that name where the body succeeds, and else is removed."""
    scratch = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def _told_as(path: Path, what: str) -> Iterator[None]:
    """Makes one LiveError of FFmpeg's."""
    try:
        yield
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        raise LiveError(f"{path} can't {what}: {reason}. Is it whole, and is there room?") from error
