"""Operators on stored bytes (the QOperator format) become the same integer ops, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.builders.between import Shape
from tests.builders.nodes import MICROSOFT, Array, NodeBuilder
from tests.compiler.exactness import assert_exact
from tests.compiler.refusals import refusal

BYTES = {"u8": np.uint8, "s8": np.int8}
RNG = np.random.default_rng(3)


class Net(NodeBuilder):
    """Nodes on bytes of one dtype; `z` shifts their zero points."""

    def __init__(self, dtype: str) -> None:
        super().__init__(opset=13)
        self.dtype, self.z = dtype, 100 if dtype == "u8" else -5

    def bytes(self, shape: Shape) -> str:
        """An input."""
        return self.input(np.zeros(shape, BYTES[self.dtype]))

    def q(self, scale: float, shift: int = 0) -> list[str]:
        """Scale and zero point of an activation."""
        return [self.constant(np.float32(scale)), self.constant(BYTES[self.dtype](self.z + shift))]

    def weights(self, values: Array, channels: int | None) -> list[str]:
        """s8 weights with a scale for each channel, or one."""
        scale = RNG.uniform(0.001, 0.01, channels or ()).astype(np.float32)
        zero = np.zeros(channels or (), np.int8)
        return [self.constant(array) for array in (values.astype(np.int8), scale, zero)]

    def qlinear(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        """An operator of com.microsoft, of the opset's domain where `domain` says so."""
        return self.node(op_type, *inputs, **{"domain": MICROSOFT} | attributes)


def integers(*shape: int, reach: int = 127) -> Array:
    return RNG.integers(-reach, reach + 1, shape)


def conv(n: Net, *, last: bool = False) -> onnx.ModelProto:
    x = n.bytes((1, 6, 7, 5) if last else (1, 5, 6, 7))
    inputs = [x, *n.q(0.05), *n.weights(integers(6, 5, 3, 3), 6), *n.q(0.07, 3)]
    inputs.append(n.constant(integers(6, reach=9999).astype(np.int32)))
    attributes: dict[str, Any] = {"channels_last": 1} if last else {}
    domain = MICROSOFT if last else ""
    n.qlinear("QLinearConv", inputs, domain=domain, pads=[1, 1, 1, 1], **attributes)
    return n.build()


def pair(n: Net, op_type: str, a: Shape, b: Shape) -> onnx.ModelProto:
    inputs = [n.bytes(a), *n.q(0.02), n.bytes(b), *n.q(0.035, 9), *n.q(0.045, -4)]
    n.qlinear(op_type, inputs)
    return n.build()


def single(n: Net, op_type: str, shape: Shape, y: float = 0.03, **attributes: Any) -> onnx.ModelProto:
    shift = -7
    if op_type in ("QLinearSigmoid", "QLinearSoftmax"):
        y, shift = 1 / 256, -n.z - (128 if n.dtype == "s8" else 0)
    inputs = [n.bytes(shape), *n.q(0.04), *n.q(y, shift)]
    n.qlinear(op_type, inputs, **attributes)
    return n.build()


def concat(n: Net, *, constant: bool) -> onnx.ModelProto:
    second = n.constant((integers(1, 3, 3, 3, reach=50) % 100).astype(BYTES[n.dtype]))
    if not constant:
        second = n.bytes((1, 3, 3, 3))
    parts = [n.bytes((1, 5, 3, 3)), *n.q(0.05), second, *n.q(0.02, 1)]
    n.qlinear("QLinearConcat", [*n.q(0.05), *parts], axis=1)
    return n.build()


def matmul(n: Net) -> onnx.ModelProto:
    inputs = [n.bytes((2, 3, 8)), *n.q(0.05), *n.weights(integers(8, 5), 5), *n.q(0.07, 3)]
    n.qlinear("QLinearMatMul", inputs, domain="")
    return n.build()


def gemm(n: Net, *, to_float: bool = False, transposed: bool = False) -> onnx.ModelProto:
    weights = n.weights(integers(*((5, 8) if transposed else (8, 5))), 5 if transposed else None)
    inputs = [n.bytes((4, 8)), *n.q(0.05), *weights, n.constant(integers(5).astype(np.int32))]
    inputs += [] if to_float else n.q(0.07, 3)
    n.qlinear("QGemm", inputs, alpha=1.0, transB=int(transposed))
    return n.build()


def where(n: Net) -> onnx.ModelProto:
    condition = n.input(np.zeros((1, 5, 4, 4), bool))
    a, b = n.bytes((1, 5, 4, 4)), n.bytes((1, 1, 4, 1))
    inputs = [condition, a, *n.q(0.02), b, *n.q(0.035, 9), *n.q(0.05, -4)]
    n.qlinear("QLinearWhere", inputs)
    return n.build()


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


def two_readers(n: Net, *, last: bool) -> onnx.ModelProto:
    """One input, whose bytes two operators read with different scales."""
    x = n.bytes(PICTURE)
    n.qlinear("QLinearAdd", [x, *n.q(0.02), x, *n.q(0.02), *n.q(0.045, -4)])
    layout = {"channels_last": 1} if last else {}
    n.qlinear("QLinearGlobalAveragePool", [x, *n.q(0.05, 2), *n.q(0.03)], **layout)
    return n.build()


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", ["u8", "s8"])
def test_one_tensor_with_another_scale_for_each_reader(dtype: str, last: bool, tmp_path: Path) -> None:
    assert_exact(two_readers(Net(dtype), last=last), tmp_path)


@pytest.mark.parametrize("dtype", ["u8", "s8"])
@pytest.mark.parametrize("name", MODELS)
def test_the_operator_is_exact(name: str, dtype: str, tmp_path: Path) -> None:
    assert_exact(MODELS[name](Net(dtype)), tmp_path)


def test_a_pair_between_two_operators_is_not_merged(tmp_path: Path) -> None:
    """onnxruntime merges pairs in a row, but QLinearSigmoid ends in no QuantizeLinear."""
    n = Net("u8")
    y = n.qlinear("QLinearSigmoid", [n.bytes(PICTURE), *n.q(0.05), *n.q(0.004, -100)])
    y = n.qlinear("DequantizeLinear", [y, *n.q(0.004, -100)], domain="")
    y = n.qlinear("QuantizeLinear", [y, *n.q(0.003, -100)], domain="")
    n.qlinear("QLinearSigmoid", [y, *n.q(0.003, -100), *n.q(0.004)])
    assert_exact(n.build(), tmp_path)


def test_bytes_may_be_read_with_other_parameters_than_their_producers(tmp_path: Path) -> None:
    n = Net("u8")
    y = n.qlinear("QLinearSigmoid", [n.bytes(PICTURE), *n.q(0.05), *n.q(0.004)])
    n.qlinear("QLinearSigmoid", [y, *n.q(0.005), *n.q(0.004)])
    assert_exact(n.build(), tmp_path)


def test_computed_parameters_are_refused(tmp_path: Path) -> None:
    n = Net("u8")
    scale = n.input(np.float32(0))
    n.qlinear("QLinearSigmoid", [n.bytes(PICTURE), scale, n.q(1)[1], *n.q(0.004)])
    assert "operand 1 ('x0') must be constant" in refusal(n.build(), tmp_path)


@pytest.mark.parametrize(
    ("scale", "zero_point", "reason"),
    [
        (0, 3, "operand 0, the scale of an activation, is 0.0, not a positive number"),
        (np.inf, 3, "operand 0, the scale 'c0', is inf; numbers from 0 to"),
        ([0.1, 0.2], 3, "scale must be a scalar or 1D tensor of size 1"),
        (0.1, [3, 4], "zero_point must be a scalar or 1D tensor of size 1"),
    ],
)
def test_parameters_that_are_none_are_refused(
    scale: Any, zero_point: Any, reason: str, tmp_path: Path
) -> None:
    n = Net("u8")
    result = [n.constant(np.array(scale, np.float32)), n.constant(np.array(zero_point, np.uint8))]
    y = n.qlinear("QLinearConcat", [*result, n.bytes(PICTURE), *n.q(0.05)], axis=1)
    n.node("DequantizeLinear", y, *result)
    message = refusal(n.build(), tmp_path)
    assert f"QLinearConcat '{y}'" in message
    assert reason in message


def test_the_softmax_of_another_opset_is_refused(tmp_path: Path) -> None:
    model = single(Net("u8"), "QLinearSoftmax", (3, 7), axis=-1, opset=12)
    assert "it means opset 12, the model opset 13" in refusal(model, tmp_path)
