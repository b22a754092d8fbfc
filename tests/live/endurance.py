"""Whether native video's memory stays flat: minutes of a real clip, again and again, through the whole chain.

python -m tests.live.endurance FOLDER [--minutes 10] [--model FILE]

Prints, at the end of each minute of the video, the memory of the process and what is in use of V8's heap. The
model is one of 64 pixels if none is given: what is asked is whether anything is left of a frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import onnx
import psutil
from onnx2wgsl.live import conversion
from onnx2wgsl.live.actor import Actor
from onnx2wgsl.live.conversion import Wish, convert

from tests import clips
from tests.js.live_models import generator
from tests.live import films

RATE = 25
SIZE = (160, 120)
MEBIBYTE = 1 << 20


def talk(count: int) -> Iterator[films.Picture]:
    """Somebody who talks, u8[120,160,3]."""
    pictures = [
        np.asarray(cv2.resize(one, SIZE, interpolation=cv2.INTER_AREA)[..., ::-1])
        for one in clips.frames("talk", 0, 12)
    ]
    return islice(cycle(np.ascontiguousarray(one) for one in pictures), count)


def main() -> None:
    """Converts, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    count = 60 * RATE * options.minutes
    model = options.model or options.folder / "tiny.onnx"
    if not options.model:
        onnx.save(generator(64, 2), model)
    video = films.write(options.folder / "long.mp4", talk(count), films.even(count), sound="aac")
    process, actors = psutil.Process(), []

    def kept(*args: object) -> Actor:
        actors.append(Actor(*args))  # type: ignore[arg-type]
        return actors[-1]

    def tell(frames: int, _: int | None) -> None:
        if frames % (60 * RATE) == 0:
            resident = process.memory_info().rss / MEBIBYTE
            heap = actors[-1].heap / MEBIBYTE
            print(f"{frames} frames: {resident:.1f} MiB, V8 {heap:.2f} MiB", flush=True)

    with mock.patch.object(conversion, "Actor", kept):
        report = convert(video, options.folder / "out.mp4", Wish(64), model=model, progress=tell)
    print(f"{report.faces} faces in {report.frames} frames, of {count}")


if __name__ == "__main__":
    main()
