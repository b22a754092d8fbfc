"""Models of ONNX nodes as they are: what QDQBuilder does not write (QOperators, floats, odd forms)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.reference.oracle import Oracle

Array = NDArray[Any]
MICROSOFT = "com.microsoft"


def value_info(name: str, array: Array) -> onnx.ValueInfoProto:
    """A graph input or output of an array's dtype and shape."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Any],
    outputs: str | Sequence[str] = "y",
    opset: int = 21,
) -> onnx.ModelProto:
    """A model of these nodes; inputs are there for their dtypes and shapes.

    The outputs have no type: onnxruntime and the importer infer it.
    """
    names = [outputs] if isinstance(outputs, str) else outputs
    graph = helper.make_graph(
        nodes,
        "nodes",
        [value_info(name, array) for name, array in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in names],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def run_node(
    op_type: str,
    inputs: Mapping[str, Array],
    constants: Mapping[str, Any],
    opset: int = 21,
    **attributes: Any,
) -> Array:
    """What onnxruntime makes of one node; its operands are the inputs in order, then the constants."""
    node = helper.make_node(op_type, [*inputs, *constants], ["y"], **attributes)
    return Oracle(model_of([node], inputs, constants, opset=opset)).run(inputs)["y"]


@dataclass
class NodeBuilder:
    """Nodes in the making; every result of `node` is an output unless another node reads it.

    m = NodeBuilder()
    x = m.input(m.draw(2, 8))
    m.node("Gemm", x, m.constant(m.draw(8, 4)))
    model = m.build()
    """

    opset: int = 21
    seed: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inputs: dict[str, Array] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def draw(self, *shape: int) -> Array:
        """f32 of a standard normal distribution."""
        return self.random.normal(0, 1, shape).astype(np.float32)

    def input(self, values: Array) -> str:
        """A graph input, and what it is run with; its name."""
        name = f"x{len(self.inputs)}"
        self.inputs[name] = values
        return name

    def constant(self, values: Any) -> str:
        """An initializer; its name."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values)
        return name

    def node(self, op_type: str, *xs: str, name: str = "", **attributes: Any) -> str:
        """The result's name, which tells a failing test what it was."""
        result = name or f"{op_type}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, xs, [result], name=result, **attributes))
        self.outputs = [output for output in self.outputs if output not in xs] + [result]
        return result

    def build(self) -> onnx.ModelProto:
        """The model, with the shapes that ONNX infers."""
        model = model_of(self.nodes, self.inputs, self.constants, self.outputs, self.opset)
        return onnx.shape_inference.infer_shapes(model)
