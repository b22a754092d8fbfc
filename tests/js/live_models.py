"""Generators so small that a page, not its model, is what a test takes its time for: the live page, embed.

    python -m tests.js.live_models FOLDER

writes FOLDER/small.onnx and FOLDER/other.onnx, of one signature and other pictures: 256 pixels, int8 QDQ, the
values of pixels from -1 to 1, as the avatar has them; and FOLDER/tiny.onnx, of 64 pixels. The look of small
and tiny is "plain", that of other is "odd". FOLDER/unet.onnx, of 32 pixels, has every shader of the avatar.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx

from tests.builders.qdq import PAD, QDQBuilder, QuantParams, Weights
from tests.builders.unet import unet

MODELS = {"small": (256, "plain"), "other": (256, "odd"), "tiny": (64, "plain")}
"""The side and the look of each."""
PIXELS = QuantParams(1 / 127.5, 128)


def generator(side: int, seed: int, look: str = "") -> onnx.ModelProto:
    """Two convolutions, [1,3,N,N] to the same, whose pictures have more colours than the drawing.

    look: stands in the metadata, as the trainer writes it; empty: there is none.
    """
    rng = np.random.default_rng(seed)
    b = QDQBuilder()
    x = b.input((1, 3, side, side), PIXELS)
    for channels, inputs in ((4, 3), (3, 4)):
        values = rng.integers(-128, 128, (channels, inputs, 3, 3), np.int8)
        x = b.conv(x, Weights(values, 0.002, 0), PIXELS, pads=PAD)
    b.output(x)
    model = b.build()
    if look:
        model.metadata_props.add(key="onnx2wgsl.data", value=json.dumps({"look": look}))
    return model


def main(folder: Path) -> None:
    """Writes all four."""
    for seed, (name, (side, look)) in enumerate(MODELS.items()):
        onnx.save(generator(side, seed, look), folder / f"{name}.onnx")
    onnx.save(unet(channels=8), folder / "unet.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
