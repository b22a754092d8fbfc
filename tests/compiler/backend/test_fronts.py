"""A model's own arithmetic on a picture, before QuantizeLinear, is in the picture's table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx2wgsl.compiler import Preprocessing, compile_file
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.runtime_py import InferenceSession

from tests.command import succeed
from tests.compiler.backend.test_pictures import Model

SIDE = 16
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)
Nodes = Sequence[tuple[str, Any]]
"""Operators with a number, or one for each channel, or nothing."""


def every_byte() -> NDArray[np.uint8]:
    """A picture that has each byte in each channel, at other places."""
    rng = np.random.default_rng(5)
    planes = [rng.permutation(256).astype(np.uint8).reshape(SIDE, SIDE) for _ in range(4)]
    return np.stack(planes, -1)


def model(nodes: Nodes, path: Path, layout: str = "nchw", channels: int = 3) -> Path:
    """Floats, those operators on them, QuantizeLinear, a convolution; `layout` nchw, nhwc (a Transpose behind
    QuantizeLinear) or nhwc early (before all).
    """
    last, early = layout.startswith("nhwc"), "early" in layout
    net = Model(TensorProto.FLOAT, (1, SIDE, SIDE, channels) if last else (1, channels, SIDE, SIDE))
    if early:
        net.node("Transpose", perm=[0, 3, 1, 2])
    for kind, value in nodes:
        if value is None:
            net.node(kind)
            continue
        array = np.asarray(value, np.float32)
        if array.ndim == 1:
            array = array.reshape((1, 1, 1, -1) if last and not early else (1, -1, 1, 1))
        net.node(kind, net.constant(array))
    net.node("QuantizeLinear", "scale", "zero")
    net.node("DequantizeLinear", "scale", "zero")
    if last and not early:
        net.node("Transpose", perm=[0, 3, 1, 2])
    return net.save(path, channels, (SIDE, SIDE))


def assert_a_picture_gives_what_onnxruntime_makes_of_it(
    path: Path, folder: Path, layout: str = "nchw", channels: int = 3
) -> dict[str, Any]:
    """Compiles it; returns what model.json says of the picture."""
    description = compile_file(path, folder).description
    image: dict[str, Any] = description["inputs"][0]["image"]
    pixels = every_byte()
    scale, offset = (np.array(image[key]) for key in ("scale", "offset"))
    values = (pixels[..., :channels] * scale + offset).astype(np.float32)
    tensor = values[None] if layout.startswith("nhwc") else values.transpose(2, 0, 1)[None]
    expected = Oracle(path).run({"x": np.ascontiguousarray(tensor)})["y"]
    with InferenceSession(folder) as session:
        (result,) = session.run(None, {"x": pixels})
        report = session.self_test()
    assert len(np.unique(result)) > 20
    assert np.array_equal(result, expected)
    assert report.ok, str(report)
    return image


FORMS: dict[str, Nodes] = {
    "sub mul": [("Sub", MEAN), ("Mul", 1 / STD)],
    "sub div": [("Sub", MEAN), ("Div", STD)],
    "one number": [("Sub", 127.5), ("Mul", 1 / 50)],
    "div sub div": [("Div", 255.0), ("Sub", MEAN / 255), ("Div", STD / 255)],
    "mul add": [("Mul", 1 / STD), ("Add", -MEAN / STD)],
    "ties": [("Sub", 127.0), ("Mul", 0.01)],
    "clip and abs": [("Sub", 100.0), ("Abs", None), ("Div", 40.0)],
    "tanh": [("Sub", 127.5), ("Div", 64.0), ("Tanh", None)],
}


@pytest.mark.parametrize("layout", ["nchw", "nhwc", "nhwc early"])
@pytest.mark.parametrize("form", FORMS)
def test_arithmetic_is_in_the_table(form: str, layout: str, tmp_path: Path) -> None:
    path = model(FORMS[form], tmp_path / "m.onnx", layout)
    image = assert_a_picture_gives_what_onnxruntime_makes_of_it(path, tmp_path / "a", layout)
    assert image["skips"] == [0]
    assert image["replaces"] == 1


@pytest.mark.parametrize("channels", [1, 4])
def test_of_one_and_of_four_channels(channels: int, tmp_path: Path) -> None:
    nodes = [("Sub", np.linspace(100, 140, channels)), ("Mul", np.linspace(0.01, 0.02, channels))]
    path = model(nodes, tmp_path / "m.onnx", channels=channels)
    assert_a_picture_gives_what_onnxruntime_makes_of_it(path, tmp_path / "a", channels=channels)


@pytest.mark.parametrize(
    ("nodes", "scale", "offset"),
    [
        ([("Sub", MEAN), ("Div", STD)], 1.0, 0.0),
        ([("Sub", MEAN / 255), ("Div", STD / 255)], 1 / 255, 0.0),
        ([("Mul", 2.2)], 1 / 127.5, -1.0),
    ],
)
def test_the_range_of_the_picture_is_told_from_the_arithmetic(
    nodes: Nodes, scale: float, offset: float, tmp_path: Path
) -> None:
    path = model(nodes, tmp_path / "m.onnx")
    image = assert_a_picture_gives_what_onnxruntime_makes_of_it(path, tmp_path / "a")
    assert (image["scale"], image["offset"]) == ([scale] * 3, [offset] * 3)


def test_a_stated_mean_comes_before_the_arithmetic(tmp_path: Path) -> None:
    path = model([("Mul", np.array([1, 2, 3]))], tmp_path / "m.onnx")
    known = {"x": Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.5), channels="bgr")}
    image = compile_file(path, tmp_path / "a", preprocess=known).description["inputs"][0]["image"]
    pixels = every_byte()
    values = pixels[..., [2, 1, 0]] * np.array(image["scale"]) + np.array(image["offset"])
    tensor = np.ascontiguousarray(values.astype(np.float32).transpose(2, 0, 1)[None])
    with InferenceSession(tmp_path / "a") as session:
        (result,) = session.run(None, {"x": pixels})
    assert np.array_equal(result, Oracle(path).run({"x": tensor})["y"])


def test_what_differs_by_pixel_is_no_picture(tmp_path: Path) -> None:
    rows = np.linspace(0, 1, SIDE, dtype=np.float32).reshape(1, 1, SIDE, 1)
    path = model([("Sub", rows)], tmp_path / "m.onnx")
    assert "image" not in compile_file(path, tmp_path / "a").description["inputs"][0]


def test_floats_that_others_read_too_are_no_picture(tmp_path: Path) -> None:
    path = model([("Sub", 127.5), ("Div", 50.0)], tmp_path / "m.onnx")
    proto = onnx.load(path)
    proto.graph.output.append(helper.make_tensor_value_info("n1", TensorProto.FLOAT, [1, 3, SIDE, SIDE]))
    onnx.save(proto, path)
    assert "image" not in compile_file(path, tmp_path / "a").description["inputs"][0]


def test_compile_says_so(tmp_path: Path) -> None:
    path = model([("Sub", 127.5), ("Div", 50.0)], tmp_path / "m.onnx")
    told = " ".join(succeed("compile", path, "-o", tmp_path / "a").split())
    assert "what the model computes of it before it quantizes is in the picture's table" in told
