"""Recordings of a voice, by PyAV: what is heard of them, and the sound as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from onnx2wgsl.media.errors import require_file

from .errors import LiveError
from .source import FORMATS, Packet, told_as

Samples = NDArray[np.float32]

RATE = 16000
"""Samples a second at which a recording is heard, as on the page."""
FILES = FORMATS | {
    "format_whitelist": f"{FORMATS['format_whitelist']},aac,aiff,amr,asf,au,caf,flac,mp3,ogg,w64,wav"
}


class Sound:
    """The first sound of a file. It is read twice: to be heard, then to be kept.

    Raises:
        LiveError: it can't be read, has no sound, or one that nothing here decodes.
        MediaError: there is no such file.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self.path = path
        with told_as(path, "be read as a recording"):
            self._container = av.open(str(path.absolute()), options=FILES)
        self._start: Fraction | None = None
        streams = self._container.streams.audio
        if not streams or streams[0].codec_context is None:
            self.close()
            raise LiveError(
                f"{path} has no sound that can be decoded here: give a WAV, MP3, M4A, FLAC or Ogg file, "
                "or let it speak by --text"
            )
        self.stream: Any = streams[0]

    def samples(self) -> Samples:
        """All of it as f32[n], RATE a second: the mean of its channels."""
        resampler = av.AudioResampler(format="fltp", rate=RATE)
        blocks: list[Samples] = []
        with told_as(self.path, "be read to its end"):
            for frame in self._container.decode(self.stream):
                if self._start is None:
                    self._start = Fraction(frame.pts or 0) * (frame.time_base or 1)
                blocks += [_mixed(one) for one in resampler.resample(frame)]
            if blocks:
                blocks += [_mixed(one) for one in resampler.resample(None)]
        if not blocks:
            raise LiveError(f"{self.path} has no sound that can be read: is it whole?")
        return np.concatenate(blocks)

    def packets(self) -> Iterator[tuple[Fraction, Packet]]:
        """As it is stored: when each packet begins, in seconds, and the packet; what is heard begins at 0."""
        with told_as(self.path, "be read to its end"):
            self._container.seek(0, backward=True, any_frame=False)
            for packet in self._container.demux(self.stream):
                if packet.dts is None or packet.pts is None:
                    continue
                base = Fraction(packet.time_base or 1)
                shift = round((self._start or 0) / base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                yield packet.pts * base, packet

    def close(self) -> None:
        """Closes the file."""
        self._container.close()


def _mixed(frame: Any) -> Samples:
    return np.asarray(frame.to_ndarray().mean(axis=0), np.float32)
