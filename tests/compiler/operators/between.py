"""Models of one operator between DequantizeLinear and QuantizeLinear, held to onnxruntime at every
stage of a compilation, and on the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, shape_inference
from onnx2wgsl.compiler.ir.program import Program

from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.one_node import model_of

Array = NDArray[Any]
Shape = tuple[int, ...]
Q = tuple[float, int]
X: Q = (0.02, 100)


def model(
    op: str,
    shapes: Sequence[Shape],
    result: Q | None = (0.03, 107),
    *,
    dtype: type = np.uint8,
    scales: Sequence[Q] = (X, (0.035, 90), (0.011, 128)),
    before: Mapping[str, Array] | None = None,
    constants: Sequence[Array] = (),
    opset: int = 17,
    **attributes: Any,
) -> onnx.ModelProto:
    """`op` of byte inputs dequantized, behind the inputs `before` and with constants after them;
    quantized by `result`, or its own output where None. Zero points are shifted for int8.
    """
    shift = 128 if dtype == np.int8 else 0
    inputs: dict[str, Array] = dict(before or {})
    held: dict[str, Array] = {}
    nodes, names = [], list(inputs)
    for number, (shape, (scale, zero_point)) in enumerate(zip(shapes, scales, strict=False)):
        name = f"x{number}"
        inputs[name] = np.zeros(shape, dtype)
        held |= {f"{name}_s": np.float32(scale), f"{name}_z": dtype(zero_point - shift)}
        nodes.append(helper.make_node("DequantizeLinear", [name, f"{name}_s", f"{name}_z"], [f"{name}_d"]))
        names.append(f"{name}_d")
    for number, constant in enumerate(constants):
        held[f"c{number}"] = constant
        names.append(f"c{number}" if constant.size else "")
    nodes.append(helper.make_node(op, names, ["made"], **attributes))
    output = "made"
    if result is not None:
        held |= {"y_s": np.float32(result[0]), "y_z": dtype(result[1] - shift)}
        nodes.append(helper.make_node("QuantizeLinear", ["made", "y_s", "y_z"], ["y"]))
        output = "y"
    return shape_inference.infer_shapes(model_of(nodes, inputs, held, output, opset))


def exact(made: onnx.ModelProto, folder: Path, *, device: bool = False) -> Program:
    """The program of a model; every stage has equal bits, and the device too where asked."""
    return assert_exact_on_gpu(made, folder) if device else assert_exact(made, folder)


def kernels(program: Program) -> list[str]:
    """The ops of a program's kernels, without those at its borders."""
    borders = ("pack", "unpack", "border", "quantize")
    return [kernel.op for kernel in program.kernels if kernel.op not in borders]
