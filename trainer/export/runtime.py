"""ONNX Runtime as this package asks it: on the CPU, with whole sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import TrainerError

Floats = NDArray[np.float32]

_FATAL_ONLY = 4


def options() -> ort.SessionOptions:
    """Settings of every session.

    Without VNNI, x86's fastest product of u8 and s8 adds pairs in 16 bits, which saturate: the sums
    are then wrong, where a GPU and every other CPU have them right. `x64quantprecision` asks for
    the product that has them right everywhere.
    """
    chosen = ort.SessionOptions()
    chosen.log_severity_level = _FATAL_ONLY
    chosen.add_session_config_entry("session.x64quantprecision", "1")
    return chosen


@dataclass(frozen=True)
class OnnxGenerator:
    """A generator in an ONNX file: f32[N,3,S,S] in [-1,1] to the same."""

    path: Path
    session: ort.InferenceSession

    @staticmethod
    def load(path: Path) -> OnnxGenerator:
        """Raises TrainerError where the file is missing or no generator."""
        if not path.is_file():
            raise TrainerError(f"{path}: no such file; onnx2wgsl-train ship writes one")
        try:
            session = ort.InferenceSession(str(path), options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            reason = " ".join(str(error).split())
            raise TrainerError(
                f"{path} is not a model that onnxruntime runs ({reason}); export it anew"
            ) from error
        generator = OnnxGenerator(path, session)
        shapes = [tensor.shape for tensor in (*session.get_inputs(), *session.get_outputs())]
        if len(shapes) != 2 or shapes[0] != shapes[1] or shapes[0][:2] != [1, 3]:
            raise TrainerError(
                f"{path} has tensors of shapes {shapes}; a generator has one input and one output "
                "of [1, 3, S, S]"
            )
        return generator

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.session.get_inputs()[0].shape[2])

    def __call__(self, inputs: Floats) -> Floats:
        """Outputs of f32[N,3,S,S] inputs, one at a time."""
        name = self.session.get_inputs()[0].name
        rows = (inputs[i : i + 1] for i in range(len(inputs)))
        return np.concatenate([self.session.run(None, {name: row})[0] for row in rows])


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


def to_range(pictures: NDArray[Any]) -> Floats:
    """f32[N,3,S,S] in [-1,1] of u8[N,S,S,3] pictures."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - 1


def to_pictures(outputs: NDArray[Any]) -> NDArray[np.uint8]:
    """u8[N,S,S,3] pictures of f32[N,3,S,S] in [-1,1]: byte = (value + 1) * 127.5, rounded."""
    bytes_ = np.rint((outputs.astype(np.float32) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(bytes_.transpose(0, 2, 3, 1))
