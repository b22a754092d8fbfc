"""Operators on stored bytes (the QOperator format) become the same integer ops, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.errors import UnsupportedError
from onnx2wgsl.compiler.frontend.driver import import_model

from tests.compiler.exactness import assert_exact

MICROSOFT = "com.microsoft"
TYPES = {"u8": TensorProto.UINT8, "s8": TensorProto.INT8}
BYTES = {"u8": np.uint8, "s8": np.int8}
RNG = np.random.default_rng(3)
Shape = tuple[int, ...]


class Net:
    """A model of nodes on bytes of one dtype; `z` shifts its zero points."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.z = dtype, 100 if dtype == "u8" else -5
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []

    def input(self, shape: Shape, kind: int | None = None) -> str:
        name = f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, kind or TYPES[self.dtype], shape))
        return name

    def constant(self, data: Any, dtype: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(data, dtype), name))
        return name

    def q(self, scale: float, shift: int = 0) -> list[str]:
        """Scale and zero point of an activation."""
        return [
            self.constant(scale, np.float32),
            self.constant(self.z + shift, BYTES[self.dtype]),
        ]

    def weights(self, values: NDArray[Any], channels: int | None) -> list[str]:
        """s8 weights with a scale for each channel, or one."""
        scale = RNG.uniform(0.001, 0.01, channels or ())
        zero = np.zeros(channels or ())
        held = ((values, np.int8), (scale, np.float32), (zero, np.int8))
        return [self.constant(*one) for one in held]

    def node(self, op: str, inputs: list[str], *, domain: str = MICROSOFT, **held: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{name}", domain=domain, **held))
        return name

    def model(self, output: str, kind: int | None = None, opset: int = 13) -> onnx.ModelProto:
        tensor = onnx.TypeProto.Tensor(elem_type=kind or TYPES[self.dtype])
        outputs = [onnx.ValueInfoProto(name=output, type=onnx.TypeProto(tensor_type=tensor))]
        graph = helper.make_graph(self.nodes, "net", self.inputs, outputs, self.constants)
        imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=7)


def integers(*shape: int, reach: int = 127) -> NDArray[Any]:
    return RNG.integers(-reach, reach + 1, shape)


def conv(n: Net, *, last: bool = False) -> onnx.ModelProto:
    x = n.input((1, 6, 7, 5) if last else (1, 5, 6, 7))
    inputs = [x, *n.q(0.05), *n.weights(integers(6, 5, 3, 3), 6), *n.q(0.07, 3)]
    inputs.append(n.constant(integers(6, reach=9999), np.int32))
    held: dict[str, Any] = {"channels_last": 1} if last else {}
    domain = MICROSOFT if last else ""
    return n.model(n.node("QLinearConv", inputs, domain=domain, pads=[1, 1, 1, 1], **held))


def pair(n: Net, op: str, a: Shape, b: Shape) -> onnx.ModelProto:
    inputs = [n.input(a), *n.q(0.02), n.input(b), *n.q(0.035, 9), *n.q(0.045, -4)]
    return n.model(n.node(op, inputs))


def single(n: Net, op: str, shape: Shape, y: float = 0.03, **held: Any) -> onnx.ModelProto:
    shift = -7
    if op in ("QLinearSigmoid", "QLinearSoftmax"):
        y, shift = 1 / 256, -n.z - (128 if n.dtype == "s8" else 0)
    inputs = [n.input(shape), *n.q(0.04), *n.q(y, shift)]
    return n.model(n.node(op, inputs, **held))


def concat(n: Net, *, constant: bool) -> onnx.ModelProto:
    second = n.constant(integers(1, 3, 3, 3, reach=50) % 100, BYTES[n.dtype])
    if not constant:
        second = n.input((1, 3, 3, 3))
    parts = [n.input((1, 5, 3, 3)), *n.q(0.05), second, *n.q(0.02, 1)]
    return n.model(n.node("QLinearConcat", [*n.q(0.05), *parts], axis=1))


def matmul(n: Net) -> onnx.ModelProto:
    inputs = [n.input((2, 3, 8)), *n.q(0.05), *n.weights(integers(8, 5), 5), *n.q(0.07, 3)]
    return n.model(n.node("QLinearMatMul", inputs, domain=""))


def gemm(n: Net, *, to_float: bool = False, transposed: bool = False) -> onnx.ModelProto:
    weights = n.weights(integers(*((5, 8) if transposed else (8, 5))), 5 if transposed else None)
    inputs = [n.input((4, 8)), *n.q(0.05), *weights, n.constant(integers(5), np.int32)]
    inputs += [] if to_float else n.q(0.07, 3)
    y = n.node("QGemm", inputs, alpha=1.0, transB=int(transposed))
    return n.model(y, TensorProto.FLOAT if to_float else None)


def where(n: Net) -> onnx.ModelProto:
    condition = n.input((1, 5, 4, 4), TensorProto.BOOL)
    a, b = n.input((1, 5, 4, 4)), n.input((1, 1, 4, 1))
    inputs = [condition, a, *n.q(0.02), b, *n.q(0.035, 9), *n.q(0.05, -4)]
    return n.model(n.node("QLinearWhere", inputs))


PICTURE = (1, 5, 6, 6)
WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
MODELS: dict[str, Callable[[Net], onnx.ModelProto]] = {
    "conv": conv,
    "conv, channels last": lambda n: conv(n, last=True),
    "add": lambda n: pair(n, "QLinearAdd", PICTURE, PICTURE),
    "add, broadcast": lambda n: pair(n, "QLinearAdd", (1, 5, 1, 1), PICTURE),
    "mul": lambda n: pair(n, "QLinearMul", PICTURE, (1, 5, 1, 1)),
    "leaky": lambda n: single(n, "QLinearLeakyRelu", PICTURE, alpha=0.1),
    "sigmoid": lambda n: single(n, "QLinearSigmoid", PICTURE),
    "softmax": lambda n: single(n, "QLinearSoftmax", (3, 7), axis=-1, opset=13),
    "average": lambda n: single(n, "QLinearAveragePool", PICTURE, **WINDOW),
    "average, channels last": lambda n: single(
        n, "QLinearAveragePool", (1, 6, 6, 5), channels_last=1, **WINDOW
    ),
    "global average": lambda n: single(n, "QLinearGlobalAveragePool", PICTURE),
    "global average, channels last": lambda n: single(
        n, "QLinearGlobalAveragePool", (1, 6, 6, 5), channels_last=1
    ),
    "concat": lambda n: concat(n, constant=False),
    "concat of a constant": lambda n: concat(n, constant=True),
    "matmul": matmul,
    "gemm": gemm,
    "gemm to floats": lambda n: gemm(n, to_float=True),
    "gemm, transposed": lambda n: gemm(n, transposed=True),
    "where": where,
}


@pytest.mark.parametrize("dtype", ["u8", "s8"])
@pytest.mark.parametrize("name", MODELS)
def test_the_operator_is_exact(name: str, dtype: str, tmp_path: Path) -> None:
    assert_exact(MODELS[name](Net(dtype)), tmp_path)


def test_a_pair_between_two_operators_is_not_merged(tmp_path: Path) -> None:
    """onnxruntime merges pairs in a row, but QLinearSigmoid ends in no QuantizeLinear."""
    n = Net("u8")
    y = n.node("QLinearSigmoid", [n.input(PICTURE), *n.q(0.05), *n.q(0.004, -100)])
    y = n.node("DequantizeLinear", [y, *n.q(0.004, -100)], domain="")
    y = n.node("QuantizeLinear", [y, *n.q(0.003, -100)], domain="")
    assert_exact(n.model(n.node("QLinearSigmoid", [y, *n.q(0.003, -100), *n.q(0.004)])), tmp_path)


def refused(model: onnx.ModelProto, folder: Path) -> str:
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(UnsupportedError) as caught:
        import_model(folder / "model.onnx")
    return str(caught.value)


def test_other_parameters_than_the_producers_are_refused(tmp_path: Path) -> None:
    n = Net("u8")
    y = n.node("QLinearSigmoid", [n.input(PICTURE), *n.q(0.05), *n.q(0.004)])
    y = n.node("QLinearSigmoid", [y, *n.q(0.005), *n.q(0.004)])
    assert "which was made with {s=0.004, z=100}" in refused(n.model(y), tmp_path)


def test_computed_parameters_are_refused(tmp_path: Path) -> None:
    n = Net("u8")
    scale = n.input((), TensorProto.FLOAT)
    y = n.node("QLinearSigmoid", [n.input(PICTURE), scale, n.q(1)[1], *n.q(0.004)])
    assert "operand 1 ('x0') must be constant" in refused(n.model(y), tmp_path)


def test_the_softmax_of_another_opset_is_refused(tmp_path: Path) -> None:
    model = single(Net("u8"), "QLinearSoftmax", (3, 7), axis=-1, opset=12)
    assert "it means opset 12, the model opset 13" in refused(model, tmp_path)
