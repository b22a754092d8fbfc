"""One operator between DequantizeLinear and QuantizeLinear, or the QLinear operator of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import helper, shape_inference
from onnx2wgsl.compiler.reference.oracle import Oracle

from .nodes import MICROSOFT, Array, model_of

Shape = tuple[int, ...]
Quantized = tuple[float, int]
"""Scale and zero point."""
LIMITS: dict[type, tuple[int, int]] = {np.uint8: (0, 255), np.int8: (-128, 127)}
X: Quantized = (0.02, 100)


def model(
    op_type: str,
    shapes: Sequence[Shape],
    result: Quantized | None = (0.03, 107),
    *,
    dtype: type = np.uint8,
    scales: Sequence[Quantized] = (X, (0.035, 90), (0.011, 128)),
    opset: int = 17,
    **options: Any,
) -> onnx.ModelProto:
    """`op_type` of byte inputs x0, x1, ... of these shapes; its own output where `result` is None.

    Zero points are those of uint8, and 128 less for int8. `options` as of `between`.
    """
    shift = 128 if dtype == np.int8 else 0
    operands = [
        (np.zeros(shape, dtype), (scale, zero_point - shift))
        for shape, (scale, zero_point) in zip(shapes, scales, strict=False)
    ]
    quantized = None if result is None else (result[0], result[1] - shift)
    return between(op_type, operands, quantized, opset=opset, **options)


def between(
    op_type: str,
    operands: Sequence[tuple[Array, Quantized]],
    result: Quantized | None,
    *,
    before: Mapping[str, Array] | None = None,
    constants: Iterable[Array] = (),
    opset: int = 21,
    **attributes: Any,
) -> onnx.ModelProto:
    """`op_type` of bytes dequantized, behind the inputs `before` and with constants after them.

    An empty constant is an operand that is left out. The output is y, or without `result` what
    `op_type` makes, named `result`.
    """
    inputs: dict[str, Array] = dict(before or {})
    initializers: dict[str, Any] = {}
    nodes, names = [], list(inputs)
    for number, (array, quantized) in enumerate(operands):
        name = f"x{number}"
        inputs[name] = array
        parameters = _parameters(name, quantized, array.dtype, initializers)
        nodes.append(helper.make_node("DequantizeLinear", [name, *parameters], [f"{name}_d"]))
        names.append(f"{name}_d")
    for number, constant in enumerate(constants):
        initializers[f"c{number}"] = constant
        names.append(f"c{number}" if constant.size else "")
    nodes.append(helper.make_node(op_type, names, ["result"], **attributes))
    if result is None:
        return shape_inference.infer_shapes(model_of(nodes, inputs, initializers, "result", opset))
    parameters = _parameters("y", result, operands[0][0].dtype, initializers)
    nodes.append(helper.make_node("QuantizeLinear", ["result", *parameters], ["y"]))
    return shape_inference.infer_shapes(model_of(nodes, inputs, initializers, "y", opset))


def run_between(
    op_type: str,
    operands: Sequence[tuple[Array, Quantized]],
    result: Quantized,
    *,
    runs_as: str,
    **options: Any,
) -> Array:
    """What onnxruntime makes of `between`; asserts that it ran the operator as `runs_as`."""
    oracle = Oracle(between(op_type, operands, result, **options), signed_integer_kernels=True)
    ran = [node.op_type for node in oracle.optimized.graph.node]
    assert runs_as in ran, f"onnxruntime ran {ran}"
    return oracle.run({f"x{number}": array for number, (array, _) in enumerate(operands)})["y"]


def run_contrib(
    op_type: str, operands: Sequence[tuple[Array, Quantized]], result: Quantized | None, **attributes: Any
) -> Array:
    """What onnxruntime makes of a com.microsoft QLinear op: (operand, scale, zero point) in order,
    then the result's.
    """
    inputs: dict[str, Array] = {}
    constants: dict[str, Any] = {}
    names = []
    for number, (array, quantized) in enumerate(operands):
        inputs[f"x{number}"] = array
        names += [f"x{number}", *_parameters(f"x{number}", quantized, array.dtype, constants)]
    if result is not None:
        names += _parameters("y", result, operands[0][0].dtype, constants)
    node = helper.make_node(op_type, names, ["y"], domain=MICROSOFT, **attributes)
    return Oracle(model_of([node], inputs, constants)).run(inputs)["y"]


def _parameters(name: str, quantized: Quantized, dtype: Any, constants: dict[str, Any]) -> list[str]:
    scale, zero_point = quantized
    constants[f"{name}_s"] = np.asarray(scale, np.float32)
    constants[f"{name}_z"] = np.asarray(zero_point, dtype)
    return [f"{name}_s", f"{name}_z"]


@cache
def all_pairs(dtype: type) -> tuple[Array, Array]:
    """Every byte with every byte, [65536] each."""
    values = np.arange(256).astype(np.uint8).view(dtype)
    return np.repeat(values, 256), np.tile(values, 256)


def draw_quantized(random: np.random.Generator, dtype: type) -> Quantized:
    """A decimal scale, which makes near ties, or any; a zero point, often at an end."""
    low, high = LIMITS[dtype]
    decimal = random.integers(1, 1000) / 10.0 ** random.integers(2, 5)
    scale = random.choice([decimal, 2.0 ** random.uniform(-10, 3), 2.0 ** random.integers(-8, 2)])
    ends = [low, high, (low + high + 1) // 2, random.integers(low, high + 1)]
    return float(np.float32(scale)), int(random.choice(ends))
