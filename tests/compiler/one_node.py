"""One-node models: what onnxruntime makes of an op, alone or between dequantize and quantize."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.reference.oracle import Oracle

Array = NDArray[Any]
LIMITS: dict[type, tuple[int, int]] = {np.uint8: (0, 255), np.int8: (-128, 127)}
Quantized = tuple[float, int]
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array],
    output: str = "y",
    opset: int = 21,
) -> onnx.ModelProto:
    """A model of these nodes; inputs are there for their dtypes and shapes."""
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in inputs.items()
    ]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "one", values, [onnx.ValueInfoProto(name=output)], held)
    imports = [helper.make_opsetid("", opset), OPSETS[1]]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def run_contrib(
    op: str, operands: list[tuple[Array, Quantized]], result: Quantized | None, **attributes: Any
) -> Array:
    """A com.microsoft QLinear op: (operand, scale, zero point) in order, then the result's."""
    inputs, constants, names = {}, {}, []
    for number, (array, quantized) in enumerate(operands):
        inputs[f"x{number}"] = array
        names += [f"x{number}", *_parameters(f"x{number}", quantized, array.dtype, constants)]
    if result is not None:
        names += _parameters("y", result, operands[0][0].dtype, constants)
    node = helper.make_node(op, names, ["y"], domain="com.microsoft", **attributes)
    return Oracle(model_of([node], inputs, constants)).run(inputs)["y"]


def run_between(
    op: str,
    operands: list[tuple[Array, Quantized]],
    result: Quantized,
    *,
    runs_as: str,
    opset: int = 21,
    **attributes: Any,
) -> Array:
    """DequantizeLinear -> op -> QuantizeLinear; asserts that onnxruntime ran it as `runs_as`."""
    inputs: dict[str, Array] = {}
    constants: dict[str, Array] = {}
    nodes = []
    for number, (array, quantized) in enumerate(operands):
        name = f"x{number}"
        inputs[name] = array
        parameters = _parameters(name, quantized, array.dtype, constants)
        nodes.append(helper.make_node("DequantizeLinear", [name, *parameters], [f"{name}_real"]))
    reals = [f"x{number}_real" for number in range(len(operands))]
    nodes.append(helper.make_node(op, reals, ["real"], **attributes))
    parameters = _parameters("y", result, operands[0][0].dtype, constants)
    nodes.append(helper.make_node("QuantizeLinear", ["real", *parameters], ["y"]))
    oracle = Oracle(model_of(nodes, inputs, constants, opset=opset), signed_integer_kernels=True)
    ran = [node.op_type for node in oracle.optimized.graph.node]
    assert runs_as in ran, f"onnxruntime ran {ran}"
    return oracle.run(inputs)["y"]


def _parameters(name: str, quantized: Quantized, dtype: Any, constants: dict[str, Array]) -> list[str]:
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
