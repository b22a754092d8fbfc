"""Which inputs and outputs may be pictures, and how their bytes become values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler import CompileError, Preprocessing, compile_file
from onnx2wgsl.compiler.backend.pictures import Picture
from onnx2wgsl.runtime_py import InferenceSession

from tests.compiler.artifacts import picture_model, write

WIDTH, HEIGHT = 6, 8
PIXELS = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize(
    ("low", "high", "scale", "offset"),
    [
        (-1, 1, 1 / 127.5, -1.0),
        (0, 1, 1 / 255, 0.0),
        (0, 255, 1.0, 0.0),
        (-0.98, 1.01, 1 / 127.5, -1),
    ],
)
def test_a_pictures_normalisation_is_told(
    low: float, high: float, scale: float, offset: float, tmp_path: Path
) -> None:
    description = write(picture_model(tmp_path, low, high), tmp_path / "a")
    image = description["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == ([scale] * 3, [offset] * 3)
    assert (image["size"], image["channels"], image["fit"], image["pad"]) == (
        [4, 4],
        "rgb",
        "cover",
        [0, 0, 0],
    )
    assert description["kernels"][image["replaces"]]["op"] == "quantize"
    assert "image" not in description["outputs"][0]  # bytes


def test_a_given_normalisation_wins(tmp_path: Path) -> None:
    source = picture_model(tmp_path, -1, 1)
    description = write(source, tmp_path / "a", pictures={"x0": Picture((0.5,) * 3, (-3.0,) * 3)})
    image = description["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == ([0.5] * 3, [-3.0] * 3)


@pytest.mark.parametrize("channels", [2, 5])
def test_what_is_no_picture_is_not_called_one(channels: int, tmp_path: Path) -> None:
    description = write(picture_model(tmp_path, -1, 1, channels), tmp_path / "a")
    assert "image" not in description["inputs"][0]


# ----------------------------------------------------------------------- other forms of inputs


class Model:
    """A model in the making: an input x, nodes in a row, a 3x3 convolution of u8 in the end."""

    def __init__(self, dtype: int, shape: tuple[int, ...]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.x = helper.make_tensor_value_info("x", dtype, shape)
        self.last = "x"
        for name, value in (("scale", np.float32(0.02)), ("zero", np.uint8(110))):
            self.constants.append(numpy_helper.from_array(np.asarray(value), name))

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, *more: str, **attributes: Any) -> None:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.last, *more], [name], **attributes))
        self.last = name

    def save(self, path: Path, channels: int = 3, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
        weights = np.random.default_rng(0).integers(-127, 128, (4, channels, 3, 3)).astype(np.int8)
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [self.constant(weights), self.constant(np.float32(0.01)), self.constant(np.int8(0))],
                ["w"],
            )
        )
        self.node("Conv", "w", pads=[1, 1, 1, 1])
        self.node("QuantizeLinear", self.constant(np.float32(0.05)), "zero")
        self.node("DequantizeLinear", self.constant(np.float32(0.05)), "zero")
        self.nodes[-1].output[0] = "y"
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, *size])
        graph = helper.make_graph(self.nodes, "m", [self.x], [output], self.constants)
        opset = helper.make_opsetid("", 17)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
        return path


def model(form: str, folder: Path) -> Path:
    """A picture in that form: floats or bytes, nchw or nhwc, bytes made floats (cast)."""
    channels = {"grey": 1, "alpha": 4}.get(form.rpartition(" ")[2], 3)
    last, is_bytes = "nhwc" in form, "bytes" in form
    shape = (1, HEIGHT, WIDTH, channels) if last else (1, channels, HEIGHT, WIDTH)
    net = Model(TensorProto.UINT8 if is_bytes else TensorProto.FLOAT, shape)
    if last and "early" in form:
        net.node("Transpose", perm=[0, 3, 1, 2])
    for word, scaling, shift in (("cast", "Mul", "Sub"), ("division", "Div", "Add")):
        if word in form:
            net.node("Cast", to=TensorProto.FLOAT)
            net.node(scaling, net.constant(np.float32(1 / 50 if scaling == "Mul" else 50)))
            net.node(shift, net.constant(np.float32(2.2 if shift == "Sub" else -2.2)))
    if not is_bytes or "cast" in form or "division" in form:
        net.node("QuantizeLinear", "scale", "zero")
    net.node("DequantizeLinear", "scale", "zero")
    if last and "early" not in form:
        net.node("Transpose", perm=[0, 3, 1, 2])
    return net.save(folder / "m.onnx", channels)


def as_values(form: str, order: str = "rgb", mean: Any = None, std: Any = None) -> NDArray[Any]:
    """PIXELS as the input, by the definition alone; without a mean of the range that `model` has."""
    count = {"grey": 1, "alpha": 4}.get(form.rpartition(" ")[2], 3)
    places = ([2, 1, 0] if order == "bgr" else [0, 1, 2])[:count] + [3] * (count == 4)
    planes: list[NDArray[Any]] = []
    for place in places:
        byte = PIXELS[..., place]
        if "bytes" in form:
            planes.append(byte)
        elif mean is None:
            planes.append((byte * (1 / 127.5) - 1.0).astype(np.float32))
        else:
            scale, offset = 1 / (255 * std[place]), -mean[place] / std[place]
            planes.append((byte * scale + offset).astype(np.float32))
    return np.stack(planes, -1 if "nhwc" in form else 0)[None]


def assert_pictures_are_values(folder: Path, values: NDArray[Any]) -> None:
    with InferenceSession(folder) as session:
        (expected,) = session.run(None, {"x": values})
        (result,) = session.run(None, {"x": PIXELS})
        assert np.array_equal(result, expected)
        assert len(np.unique(result)) > 20
        report = session.self_test()
    assert report.ok, str(report)
    assert "x (picture)" in [kernel.name for kernel in report.kernels]


FORMS = [
    "floats nchw", "floats nhwc", "floats nhwc early", "floats nchw grey", "floats nchw alpha",
    "bytes nchw", "bytes nhwc", "bytes nhwc early", "bytes cast nchw", "bytes cast nhwc", "bytes nchw alpha",
    "bytes division nchw",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_gives_what_its_values_give(form: str, tmp_path: Path) -> None:
    compile_file(model(form, tmp_path), tmp_path / "a")
    assert_pictures_are_values(tmp_path / "a", as_values(form))


@pytest.mark.parametrize(
    "form", ["floats nchw", "floats nhwc", "bytes nchw", "bytes cast nhwc", "bytes nchw alpha"]
)
def test_channels_are_taken_in_their_order(form: str, tmp_path: Path) -> None:
    compile_file(model(form, tmp_path), tmp_path / "a", preprocess={"x": Preprocessing(channels="bgr")})
    assert_pictures_are_values(tmp_path / "a", as_values(form, "bgr"))


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("form", ["floats nchw", "floats nhwc"])
def test_a_mean_and_std_are_of_red_green_and_blue_in_any_order(form: str, order: str, tmp_path: Path) -> None:
    known = Preprocessing(**IMAGENET, channels=order)
    compile_file(model(form, tmp_path), tmp_path / "a", preprocess={"": known})
    assert_pictures_are_values(tmp_path / "a", as_values(form, order, **IMAGENET))


def test_one_number_stands_for_all_channels(tmp_path: Path) -> None:
    known = Preprocessing(mean=[0.5], std=[0.25], fit="contain", pad=(1, 2, 3))
    compilation = compile_file(model("floats nchw", tmp_path), tmp_path / "a", preprocess={"x": known})
    image = compilation.description["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == ([1 / 63.75] * 3, [-2.0] * 3)
    assert (image["fit"], image["pad"]) == ("contain", [1, 2, 3])


def test_an_input_that_others_read_too_is_no_picture(tmp_path: Path) -> None:
    """They would read the values of an earlier frame."""
    net = Model(TensorProto.FLOAT, (1, 3, HEIGHT, WIDTH))
    net.node("QuantizeLinear", "scale", "zero")
    net.node("DequantizeLinear", "scale", "zero")
    path = net.save(tmp_path / "m.onnx")
    proto = onnx.load(path)
    proto.graph.node.append(helper.make_node("Mul", ["x", "scale"], ["z"]))
    proto.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH]))
    onnx.save(proto, path)
    assert "image" not in compile_file(path, tmp_path / "a").description["inputs"][0]


@pytest.mark.parametrize(
    ("form", "known", "message"),
    [
        ("floats nchw", {"fit": "crop"}, "fit: 'x' has 'crop'; give one of cover, contain, stretch"),
        ("floats nchw", {"channels": "grb"}, "channels: 'x' has 'grb' for 3 channels; give rgb or bgr, of"),
        ("floats nchw grey", {"channels": "bgr"}, "channels: 'x' has 'bgr' for 1 channels; give rgb or"),
        ("floats nchw", {"pad": (0, 0, 256)}, r"pad: 'x' has \[0, 0, 256\]; give red, green and blue of"),
        ("floats nchw", {"mean": (1, 2)}, "mean: 'x' has 2 numbers; it has 3 channels"),
        ("floats nchw", {"std": (1, 0, 1)}, "all must be finite, and no std 0"),
        ("floats nchw", {"mean": (float("nan"),)}, "all must be finite, and no std 0"),
        ("bytes nchw", {"mean": (0.5,)}, "mean: 'x' takes the bytes themselves; leave it out"),
    ],
)
def test_what_does_not_fit_is_refused(form: str, known: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=message):
        compile_file(model(form, tmp_path), tmp_path / "a", preprocess={"x": Preprocessing(**known)})
    assert not (tmp_path / "a").exists()


def test_a_mean_beside_a_normalisation_is_refused(tmp_path: Path) -> None:
    path = model("floats nchw", tmp_path)
    with pytest.raises(CompileError, match="normalize: 'x' has a mean or std, too; give one of them"):
        compile_file(
            path, tmp_path / "a", preprocess={"": Preprocessing(std=[2])}, normalize={"x": (1.0, 0.0)}
        )


def test_a_name_is_needed_where_there_is_no_one_picture(tmp_path: Path) -> None:
    path = picture_model(tmp_path, -1, 1, channels=5)
    with pytest.raises(CompileError, match=r"pictures: say which input with NAME=; .* are: none"):
        compile_file(path, tmp_path / "a", preprocess={"": Preprocessing(fit="cover")})
