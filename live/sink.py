"""Videos that are written, by PyAV: with the times and the sound of what is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av

from .errors import LiveError
from .source import Packet, Picture, told_as

H264 = {"crf": "18", "bf": "0"}
"""In MP4 a frame that others are predicted from before its time leaves the last one's duration open."""
ENCODERS = {
    ".mp4": ("libx264", H264),
    ".mov": ("libx264", H264),
    ".mkv": ("libx264", H264),
    ".webm": ("libvpx-vp9", {"crf": "24", "deadline": "good", "cpu-used": "4", "row-mt": "1"}),
}
AAC = ("aac", {"aac", "ac3", "alac", "eac3", "mp3"})
SOUNDS: dict[str, tuple[str, set[str]]] = {".mp4": AAC, ".mov": AAC, ".webm": ("libopus", {"opus", "vorbis"})}
"""Where not every sound is kept: the encoder of the others, and the codecs that players expect there."""
EXACT = {"avoid_negative_ts": "disabled"}
"""Of Matroska: a sound that begins a little early, as codecs have it, does not move the pictures."""
SOUND_RATE = 48000
"""Samples a second of a sound that is encoded anew."""
BT709, LIMITED = 1, 1
"""The colours that are written: matrix, primaries and transfer; and their range."""


class Original(Protocol):
    """What a video is written of: where it is, its time base, frames a second, the streams of its sound."""

    path: Path
    time_base: Fraction
    rate: Fraction
    sound: list[Any]


class Sink:
    """A video that is written: pictures of one size, at times in a source's time base, and its sound.

    converts: sound that the format is not expected to have is encoded anew; else all of it is kept as it is.

    Raises:
        LiveError: the format can't hold the sound, or can't be written.
    """

    def __init__(
        self, path: Path, source: Original, width: int, height: int, *, converts: bool = False
    ) -> None:
        self._path, self._time_base = path, source.time_base
        self._durations: dict[int, int] = {}
        flags = {"movflags": "faststart"} if path.suffix.lower() in (".mp4", ".mov") else EXACT
        with _written(path):
            self._container = av.open(str(path), "w", options=flags)
        try:
            self._video: Any = self._picture_stream(source.rate, width, height)
            self._sound = {one.index: self._track_of(one, source.path, converts) for one in source.sound}
            self._start(source)
        except LiveError:
            self._container.close()
            raise

    def _picture_stream(self, rate: Fraction, width: int, height: int) -> Any:
        name, options = ENCODERS[self._path.suffix.lower()]
        try:
            stream: Any = self._container.add_stream(
                name, rate, options=options, time_base=self._time_base, width=width, height=height
            )
        except ValueError as error:
            raise LiveError(
                f"this PyAV has no encoder {name} ({error}): pip install --force-reinstall av, "
                f"or name an output that ends in another of {', '.join(ENCODERS)}"
            ) from error
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        return stream

    def _track_of(self, stream: Any, source: Path, converts: bool) -> _Copy | _Conversion:
        encoder, kept = SOUNDS.get(self._path.suffix.lower(), ("", set()))
        try:
            if converts and encoder and stream.codec_context.codec.canonical_name not in kept:
                return _Conversion(self._container, encoder, stream)
            return _Copy(self._container.add_stream_from_template(stream))
        except (ValueError, av.FFmpegError) as error:
            raise self._deaf(stream, source) from error

    def _start(self, source: Original) -> None:
        with _written(self._path):
            try:
                self._container.start_encoding()
            except ValueError as error:  # of arguments: codecs that the format has not
                if source.sound:
                    raise self._deaf(source.sound[0], source.path) from error
                raise

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

    def add(self, packet: Packet) -> None:
        """Writes a packet of the source's sound."""
        self._mux(self._sound[packet.stream.index].packets(packet))

    def finish(self) -> None:
        """Writes what is under way; then the file is whole."""
        for track in self._sound.values():
            self._mux(track.rest())
        self._encode(None)
        self.close()

    def close(self) -> None:
        """Closes the file, whole or not."""
        with _written(self._path):
            self._container.close()

    def _encode(self, frame: Any) -> None:
        """Encoders don't tell how long a frame lasts, which of the last one the file does."""
        packets = self._video.encode(frame)
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts)
        self._mux(packets)

    def _mux(self, packets: list[Any]) -> None:
        with _written(self._path):
            self._container.mux(packets)


class _Copy:
    """A sound that is kept as it is."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def packets(self, packet: Packet) -> list[Packet]:
        packet.stream = self._stream
        return [packet]

    def rest(self) -> list[Packet]:
        return []


class _Conversion:
    """A sound that is encoded anew, of one channel or two."""

    def __init__(self, container: Any, encoder: str, source: Any) -> None:
        self._decoder = source.codec_context
        layout = "mono" if self._decoder.layout.nb_channels == 1 else "stereo"
        self._stream = container.add_stream(encoder, rate=SOUND_RATE, layout=layout)

    def packets(self, packet: Packet) -> list[Packet]:
        return self._encoded(packet.decode())

    def rest(self) -> list[Packet]:
        return self._encoded(self._decoder.decode(None)) + list(self._stream.encode(None))

    def _encoded(self, frames: Any) -> list[Packet]:
        return [packet for frame in frames for packet in self._stream.encode(frame)]


def _written(path: Path) -> AbstractContextManager[None]:
    return told_as(path, "be written", "is there room, and may you write there")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to: it takes that name where the body succeeds, and else is removed."""
    scratch = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
