"""A model with one convolution for tests to edit, and how a model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model

from tests.zoo import QDQBuilder, QuantParams, Weights

U8, S8 = QuantParams(0.05, 100), QuantParams(0.05, -7, "s8")
SHAPE = (1, 3, 6, 8)


def weights(outputs: int = 4, inputs: int = 3, kernel: int = 3) -> Weights:
    values = np.random.default_rng(0).integers(-127, 128, (outputs, inputs, kernel, kernel), np.int8)
    return Weights(values, 0.004)


def conv_model(opset: int = 17, x: QuantParams = U8, y: QuantParams = U8) -> onnx.ModelProto:
    b = QDQBuilder(opset)
    b.output(b.conv(b.input(SHAPE, x), weights(), y, pads=(1, 1, 1, 1)))
    return b.build()


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def node(model: onnx.ModelProto, op: str, index: int = 0) -> onnx.NodeProto:
    return [n for n in model.graph.node if n.op_type == op][index]


def set_initializer(model: onnx.ModelProto, name: str, value: NDArray[Any]) -> None:
    (held,) = [t for t in model.graph.initializer if t.name == name]
    held.CopyFrom(numpy_helper.from_array(value, name))


def refusal(model: onnx.ModelProto, folder: Path, **options: Any) -> str:
    """The message with which `model` is refused."""
    with pytest.raises(CompileError) as caught:
        compile_model(save(model, folder), **options)
    return str(caught.value)
