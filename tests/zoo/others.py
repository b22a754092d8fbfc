"""Networks that others trained, and one that others quantized; the files are in tests/data.

tests/data/NOTICE says where each comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import version_converter

from .networks import NETWORKS

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class TrainedNetwork:
    """A float network in a file with one input, taken with `shape`; `family` as of a Network."""

    name: str
    family: str
    source: str
    shape: tuple[int, ...]

    @property
    def path(self) -> Path:
        return DATA / "networks" / f"{self.name}.onnx"

    def model(self, opset: int) -> onnx.ModelProto:
        """The network in an opset, or its own if higher; its input is `input`, shapes are fixed."""
        model = onnx.load(self.path)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in constants]
        (value,) = inputs
        del model.graph.input[:]
        model.graph.input.append(_renamed(model.graph, value, self.shape))
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
        _flatten_biases(model.graph)
        model.ir_version = max(model.ir_version, 8)
        own = max(entry.version for entry in model.opset_import if not entry.domain)
        return version_converter.convert_version(model, max(opset, own))


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network that another quantizer made int8; its file is taken as it is."""

    name: str
    family: str
    style: str

    @property
    def path(self) -> Path:
        return DATA / "quark" / f"{self.name}_{self.style}.onnx"


def _renamed(
    graph: onnx.GraphProto, value: onnx.ValueInfoProto, shape: tuple[int, ...]
) -> onnx.ValueInfoProto:
    for node in graph.node:
        node.input[:] = ["input" if name == value.name else name for name in node.input]
    return onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)


def _flatten_biases(graph: onnx.GraphProto) -> None:
    """Addends [1, n] become [n], the only shape of a Gemm's bias that onnxruntime quantizes."""
    addends = {name for node in graph.node if node.op_type == "Add" for name in node.input}
    for tensor in graph.initializer:
        if tensor.name in addends and len(tensor.dims) == 2 and tensor.dims[0] == 1:
            del tensor.dims[0]


TRAINED = {
    network.name: network
    for network in (
        TrainedNetwork("mnist_conv", "LeNet", "qonnx", (1, 1, 28, 28)),
        TrainedNetwork("espcn_resize", "super-resolution", "qonnx", (1, 3, 48, 64)),
        TrainedNetwork("espcn_subpixel", "super-resolution", "qonnx", (1, 3, 32, 40)),
        TrainedNetwork("residual_block", "ResNet", "qonnx", (1, 1, 200, 200)),
        TrainedNetwork("text_direction", "MobileNet", "PP-OCR", (1, 3, 48, 192)),
    )
}
"""Float networks by name."""

QUANTIZED = tuple(
    QuantizedNetwork(name, NETWORKS[name].family, style)
    for name, style in (
        ("lenet", "xint8"),
        ("resnext", "xint8"),
        ("ds_cnn", "u8s8_aaws"),
        ("espcn", "s8s8_aaws"),
        ("inception", "u8s8_aaws"),
        ("yolo_tiny", "s8s8_aaws"),
        ("temporal", "s8s8_aaws"),
        ("mlp", "u8u8_aawa"),
        ("vit", "u8s8_aaws"),
        ("mobilenet_v1_0.25", "s8s8_aaws"),
    )
)
"""Networks of NETWORKS that amd-quark quantized (tests/zoo/quark.py)."""
