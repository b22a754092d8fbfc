"""Small videos: any pictures at any times, with a sound or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.media.pictures import read_picture

Picture = NDArray[np.uint8]

PHOTO = Path(__file__).parents[2] / "models" / "pictures" / "astronaut.jpg"
MILLISECOND = Fraction(1, 1000)
RATE = 8000
"""Samples of sound a second."""


@cache
def face() -> Picture:
    """A face from the front, u8[240,256,3]."""
    return np.ascontiguousarray(read_picture(PHOTO)[10:250, 90:346])


def faces(count: int) -> Iterator[Picture]:
    """A face that goes from side to side."""
    return (np.roll(face(), round(12 * np.sin(i / 3)), axis=1) for i in range(count))


def even(count: int, step: int = 40) -> list[int]:
    """Times of frames, as many ticks apart."""
    return list(range(0, count * step, step))


def write(
    path: Path,
    pictures: Iterator[Picture],
    times: Sequence[int],
    *,
    time_base: Fraction = MILLISECOND,
    sound: str | None = None,
    ratio: Fraction | None = None,
) -> Path:
    """A video of pictures u8[H,W,3] at times in units of a time base, as long a tone, pixels of a ratio."""
    with av.open(str(path), "w") as container:
        first = next(pictures)
        height, width, _ = first.shape
        video: Any = container.add_stream(
            "libx264",
            rate=1 / (times[1] * time_base),
            width=width,
            height=height,
            time_base=time_base,
            options={"crf": "12"},
        )
        if ratio:
            video.codec_context.sample_aspect_ratio = ratio
        tone: Any = container.add_stream(sound, rate=RATE) if sound else None
        for picture, time in zip(chain([first], pictures), times, strict=True):
            frame: Any = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound:
            seconds = float((times[-1] + times[1]) * time_base)
            container.mux([one for block in _tone(seconds) for one in tone.encode(block)])
            container.mux(tone.encode(None))
    return path


def _tone(seconds: float) -> Iterator[Any]:
    wave = (8000 * np.sin(np.arange(round(seconds * RATE)) / 4)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.sample_rate = RATE
    yield frame


def times(path: Path) -> list[Fraction]:
    """When a video's frames are shown, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(
            frame.pts * Fraction(stream.time_base or 1)
            for frame in container.decode(stream)
            if frame.pts is not None
        )


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """The sound of a video as it is stored: each packet's time in seconds, and its bytes."""
    with av.open(str(path)) as container:
        return [
            ((one.pts or 0) * Fraction(one.time_base or 1), bytes(one))
            for one in container.demux(audio=0)
            if one.size
        ]


def pictures(path: Path) -> list[Picture]:
    """The frames of a video, u8[H,W,3]."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
