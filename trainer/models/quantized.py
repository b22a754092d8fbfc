"""The weights of an int8 model that `ship` wrote, as the student that it was made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from ..errors import TrainerError
from .mobile import MobileUNet

Array = NDArray[np.float32]


def read_quantized(path: Path) -> MobileUNet:
    """The student of an int8 ONNX file, in eval mode: to train on where its run is gone.

    Weights are scale * integer; the norms, which were folded away, leave their inputs as they are.
    Its pictures are those of the int8 model but for the rounding of activations.

    Raises:
        TrainerError: the file can't be read, or is not of `ship`.
    """
    try:
        model = onnx.load(path)
        architecture = _architecture(model)
        student = MobileUNet(**architecture)
        weights = list(_weights(model.graph))
        convolutions = [layer for layer in student.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in student.modules() if isinstance(layer, nn.BatchNorm2d)]
        with torch.no_grad():
            for layer, (weight, _) in zip(convolutions, weights, strict=True):
                _set(layer.weight, weight)
            for norm, (_, bias) in zip(norms, weights, strict=False):
                _set(norm.running_var, np.full(len(bias), 1 - norm.eps, np.float32))
                _set(norm.bias, bias)
            _set(convolutions[-1].bias, weights[-1][1])
    except (OSError, DecodeError, KeyError, TypeError, ValueError) as error:
        raise TrainerError(
            f"{path} is no int8 model of onnx2wgsl-train ship ({error}): give such a file, or a run"
        ) from error
    return student.eval()


def _architecture(model: onnx.ModelProto) -> dict[str, int]:
    properties = {entry.key: entry.value for entry in model.metadata_props}
    architecture = json.loads(properties["onnx2wgsl.architecture"])
    if architecture["kind"] != "mobile":
        raise ValueError(f"its architecture is {architecture['kind']!r}")
    return {name: int(architecture.get(name, 0)) for name in ("size", "ngf", "outer")}


def _weights(graph: onnx.GraphProto) -> Iterator[tuple[Array, Array]]:
    """(weight, bias) of each Conv in order, f32."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    by_output = {node.output[0]: node for node in graph.node}

    def value(name: str) -> Array:
        """A constant, or what a DequantizeLinear makes of one."""
        if name in constants:
            return np.asarray(constants[name], np.float32)
        node = by_output[name]
        integers, scale = (constants[source] for source in node.input[:2])
        shape = (-1,) + (1,) * (integers.ndim - 1) if np.size(scale) > 1 else ()
        return np.asarray(integers.astype(np.float32) * np.reshape(scale, shape), np.float32)

    for node in graph.node:
        if node.op_type == "Conv":
            weight, bias = node.input[1:3]
            yield value(weight), value(bias)


def _set(parameter: Tensor | None, values: Array) -> None:
    """Copies values into a weight of their shape."""
    if parameter is None or tuple(parameter.shape) != values.shape:
        raise ValueError(f"weights of shape {list(values.shape)} have no place in it")
    parameter.copy_(torch.from_numpy(values))
