"""The avatar and six small networks, and what onnxruntime makes of a picture: for networks.test.js.

    python -m tests.js.networks FOLDER

writes picture.png, and for each network its artifact NAME/, and of the picture, fitted as the artifact says,
NAME.rgba (bytes of the input's size), NAME.in (the values that docs/artifact.md makes of them, computed by
numpy) and NAME.out (what onnxruntime makes of those, one output after the other).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler import Preprocessing, compile_file
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.runtime_py.pictures import fitted
from PIL import Image

from tests.builders.qdq import PAD, QDQBuilder, QuantParams, weights
from tests.builders.unet import unet
from tests.compiler.artifacts import AVATAR
from tests.compiler.backend.test_pictures import IMAGENET
from tests.pictures import picture

SIZE = (61, 47)
"""Of the picture: width and height."""
PIXELS, INNER, GATE = QuantParams(0.0187, 114), QuantParams(0.04, 120), QuantParams(1 / 256, 0)


def classifier() -> onnx.ModelProto:
    """A strided convolution, an inverted residual with a gate, a mean of each channel, ten classes."""
    b = QDQBuilder()
    x = b.conv(b.input((1, 3, 32, 24), PIXELS), weights(8, 3), INNER, pads=PAD, strides=(2, 2))
    y = b.conv(x, weights(24, 8, 1), INNER)
    y = b.conv(y, weights(24, 1), INNER, pads=PAD, group=24)
    gate = b.unary(b.node("GlobalAveragePool", [y], INNER), "Sigmoid", GATE)
    y = b.conv(b.node("Mul", [y, gate], INNER), weights(8, 24, 1), INNER)
    x = b.node("GlobalAveragePool", [b.node("Add", [x, y], INNER)], INNER)
    b.output(b.conv(x, weights(10, 8, 1), INNER))
    return b.build()


def segmenter() -> onnx.ModelProto:
    """Convolutions at half the size, a picture of four channels, and the class of each pixel."""
    b = QDQBuilder()
    x = b.conv(b.input((1, 3, 16, 20), PIXELS), weights(8, 3), INNER, pads=PAD, strides=(2, 2))
    x = b.conv(b.node("MaxPool", [x], INNER, kernel_shape=[3, 3], pads=[1] * 4), weights(16, 8, 1), INNER)
    x = b.node("DepthToSpace", [x], INNER, blocksize=2)
    b.output(x)
    b.output(b.node("ArgMax", [x], None, axis=1))
    return b.build()


def enlarger() -> onnx.ModelProto:
    """A picture of twice the size, from one channel of signed bytes."""
    b = QDQBuilder()
    signed = QuantParams(1 / 127.5, 0, "s8")
    x = b.conv(b.input((1, 1, 20, 20), signed), weights(8, 1, 5), signed, pads=(2,) * 4)
    x = b.conv(x, weights(4, 8), signed, pads=PAD)
    b.output(b.node("DepthToSpace", [x], signed, blocksize=2, mode="CRD"))
    return b.build()


NETWORKS: Mapping[str, tuple[Callable[[], onnx.ModelProto], dict[str, Any]]] = {
    "unet": (unet, {}),
    "unet_u8u8": (lambda: unet(16, form="u8u8_per_tensor"), {"fit": "stretch"}),
    "unet_s8s8": (lambda: unet(16, form="s8s8_asymmetric"), {"fit": "contain", "pad": (9, 90, 200)}),
    "classifier": (classifier, {**IMAGENET, "channels": "bgr"}),
    "segmenter": (segmenter, IMAGENET),
    "enlarger": (enlarger, {"mean": (0.5,), "std": (0.5,)}),
}
"""By name: what makes it, and what is known of its pictures."""


def write(folder: Path, name: str, source: Path, **known: Any) -> None:
    """A network's artifact, and its files."""
    preprocess = {onnx.load(source).graph.input[0].name: Preprocessing(**known)}
    compilation = compile_file(source, folder / name, preprocess=preprocess)
    (tensor,) = compilation.description["inputs"]
    image = tensor["image"]
    width, height = image["size"]
    pixels = fitted(picture_of(), width, height, image["fit"], (*image["pad"], 255))
    values = values_of(pixels, image)
    oracle = reference_of(source)
    results = oracle.run({tensor["name"]: values})
    (folder / f"{name}.rgba").write_bytes(pixels.tobytes())
    (folder / f"{name}.in").write_bytes(values.tobytes())
    outputs = [results[output["name"]] for output in compilation.description["outputs"]]
    (folder / f"{name}.out").write_bytes(b"".join(np.ascontiguousarray(y).tobytes() for y in outputs))


def picture_of() -> NDArray[np.uint8]:
    """u8[height, width, 4], opaque."""
    pixels = picture(*SIZE)
    pixels[..., 3] = 255
    return pixels


def values_of(pixels: NDArray[np.uint8], image: Mapping[str, Any]) -> NDArray[np.float32]:
    """The values f32[1, C, height, width] of a picture u8[height, width, 4], as docs/artifact.md has them."""
    scale, offset = np.array(image["scale"]), np.array(image["offset"])
    order = [2, 1, 0] if image["channels"] == "bgr" else [0, 1, 2]
    values = pixels[:, :, order[: len(scale)]] * scale + offset
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None]).astype(np.float32)


def main(folder: Path) -> None:
    """Writes them all."""
    Image.fromarray(picture_of()[..., :3]).save(folder / "picture.png")
    write(folder, "avatar", AVATAR)
    for name, (build, known) in NETWORKS.items():
        source = folder / f"{name}.onnx"
        onnx.save(build(), source)
        write(folder, name, source, **known)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
