"""The graph that ONNX Runtime really runs for a generator's file, and what of it is in floats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import onnxruntime as ort

from ..models.onnx_generator import options


def optimized(path: Path, scratch: Path) -> onnx.ModelProto:
    """The graph that ONNX Runtime really runs for a model file."""
    chosen = options()
    chosen.optimized_model_filepath = str(scratch)
    ort.InferenceSession(str(path), chosen, providers=["CPUExecutionProvider"])
    return onnx.load(scratch)


_INTEGER = {"QLinearConv", "QLinearConcat", "QuantizeLinear", "DequantizeLinear", "Transpose"}


def floats_in(model: onnx.ModelProto, stripped: bool = False) -> list[str]:
    """What an optimized graph computes in float, `Op name` each: empty for a net in integers.

    In integers are QLinearConv and QLinearConcat, and Resize of bytes. Transpose changes an order
    of channels, QuantizeLinear and DequantizeLinear stand between the pictures and the bytes, and
    Tanh behind the last of them: these are the ends of every quantized net, and are not told.

    Args:
        stripped: whether zero points of 0 were taken out. onnxruntime then repeats pixels (Resize
            to the nearest) as floats, which changes no value, and that is not told either.
    """
    return list(_floats(model.graph, stripped))


def _floats(graph: onnx.GraphProto, stripped: bool) -> Iterator[str]:
    makers = {name: node for node in graph.node for name in node.output}
    ends = {value.name for value in graph.output}
    for node in graph.node:
        source = makers.get(node.input[0])
        of_floats = source is None or source.op_type == "DequantizeLinear"
        if node.op_type == "Resize":
            integer = not of_floats or (stripped and _is_nearest(node))
        else:
            integer = node.op_type in _INTEGER
        if not integer and not (node.op_type == "Tanh" and node.output[0] in ends):
            yield f"{node.op_type} {node.name}"


def _is_nearest(resize: onnx.NodeProto) -> bool:
    modes = [attribute.s for attribute in resize.attribute if attribute.name == "mode"]
    return modes in ([], [b"nearest"])


def operators(model: onnx.ModelProto) -> dict[str, int]:
    """How many of each operator a graph has, by name."""
    counts: dict[str, int] = {}
    for node in sorted(model.graph.node, key=lambda node: str(node.op_type)):
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return counts
