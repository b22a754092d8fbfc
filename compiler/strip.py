"""Zero points that say nothing, taken out of an ONNX file.

An all-zero zero point is what a missing one means, and some web runtimes reject the explicit one of
an int32 bias. Rules:

1. DequantizeLinear of int32, uint8 or int8: an all-zero zero point goes; the type is known from
   what is dequantized.
2. QuantizeLinear to uint8: an all-zero zero point goes; uint8 is the type without one.
3. QuantizeLinear to any other type keeps it: without a zero point the result would silently be
   uint8.
4. A zero point that is not a constant, or that a caller may override (an initializer that is also a
   graph input), stays.

What onnxruntime 1.31 makes of a stripped model has the same bits. Convolutions and concatenations
stay in integers; ops that only move values (Resize, MaxPool, Transpose) need explicit zero points
to be fused, so onnxruntime then runs those between DequantizeLinear and QuantizeLinear.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import numpy_helper

from .arithmetic import is_implied
from .arithmetic.array import Array
from .errors import CompileError, told_as
from .files import write_whole
from .frontend.model_file import is_model, read_model


def strip_zero_points(model: onnx.ModelProto) -> list[str]:
    """Strip a model in place and remove its unused constants; returns a line per zero point."""
    constants = _constants(model.graph)
    lines = []
    for node in model.graph.node:
        zero_point = constants.get(node.input[2]) if len(node.input) > 2 else None
        if zero_point is None or not is_implied(zero_point, node.op_type, zero_point.dtype):
            continue
        where = f"{node.op_type} {node.name or node.output[0]}"
        lines.append(f"{where}: {zero_point.dtype} zero point {node.input[2]}")
        del node.input[2:]
    _remove_unused_constants(model.graph)
    return lines


def strip_file(source: Path, destination: Path) -> list[str]:
    """Strip one file into another, which is written whole or not at all; returns what was stripped.

    Weights in external files are read, and stored in the one new file. Raises CompileError where
    the source can't be read, is no valid model, or the destination can't be written or holds anything but a
    model.
    """
    model = read_model(source)
    if destination.is_file() and destination.stat().st_size and not is_model(destination):
        raise CompileError(
            f"{destination} is no ONNX model; it is left as it is: give another name, or remove it"
        )
    lines = strip_zero_points(model)
    # protobuf's limit of 2 GiB, or what onnx.checker finds
    with told_as(f"{source} is not a valid ONNX model"):
        data = model.SerializeToString()
        onnx.checker.check_model(data)
    write_whole(destination, data)
    return lines


def _constants(graph: onnx.GraphProto) -> dict[str, Array]:
    """Fixed values that can be zero points: initializers and Constant nodes, by tensor name."""
    overridable = {value.name for value in graph.input}
    tensors = {t.name: t for t in graph.initializer if t.name not in overridable}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                tensors[node.output[0]] = attribute.t
    return {name: numpy_helper.to_array(t) for name, t in tensors.items() if len(t.dims) <= 1}


def _remove_unused_constants(graph: onnx.GraphProto) -> None:
    used = set(_names_read(graph))
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    nodes = [node for node in graph.node if node.op_type != "Constant" or node.output[0] in used]
    gone = {tensor.name for tensor in graph.initializer} - used
    inputs = [value for value in graph.input if value.name not in gone]
    for field, remaining in (
        (graph.initializer, tensors),
        (graph.node, nodes),
        (graph.input, inputs),
    ):
        if len(remaining) < len(field):
            del field[:]
            field.extend(remaining)


def _names_read(graph: onnx.GraphProto) -> Iterator[str]:
    """Every tensor name that is read in a graph or in the graphs inside its nodes."""
    yield from (value.name for value in graph.output)
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _names_read(inner)
