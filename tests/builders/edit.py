"""A model of one convolution for tests to edit, and what changes a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from .qdq import PAD, U8, QuantParams, convolution, weights

SHAPE = (1, 3, 6, 8)


def conv_model(opset: int = 17, x: QuantParams = U8, y: QuantParams = U8) -> onnx.ModelProto:
    """3 channels to 4, f32[1, 3, 6, 8] to f32[1, 4, 6, 8]."""
    return convolution(weights(4, 3), x, y, SHAPE, opset, pads=PAD)


def save(model: onnx.ModelProto, folder: Path) -> Path:
    """model.onnx in the folder."""
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def node(model: onnx.ModelProto, op_type: str, index: int = 0) -> onnx.NodeProto:
    """The node of that ONNX operator, in the model's order."""
    return [n for n in model.graph.node if n.op_type == op_type][index]


def set_initializer(model: onnx.ModelProto, name: str, value: NDArray[Any]) -> None:
    """Puts another value in an initializer's place."""
    (tensor,) = [t for t in model.graph.initializer if t.name == name]
    tensor.CopyFrom(numpy_helper.from_array(value, name))


def rename(model: onnx.ModelProto, **names: str) -> onnx.ModelProto:
    """The model itself, its tensors renamed: old=new."""
    graph = model.graph
    for each in graph.node:
        for field in (each.input, each.output):
            field[:] = [names.get(name, name) for name in field]
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
    return model
