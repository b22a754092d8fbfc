"""The part of QDQBuilder that knows no single operator: names, constants, inputs, outputs, any node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from ..arithmetic.array import Array

Ints = Sequence[int]
_DTYPES = {"u8": np.dtype(np.uint8), "s8": np.dtype(np.int8)}
_ELEMENT_TYPES = {
    "f32": TensorProto.FLOAT,
    "u8": TensorProto.UINT8,
    "s8": TensorProto.INT8,
    "i32": TensorProto.INT32,
    "i64": TensorProto.INT64,
}


@dataclass(frozen=True)
class QuantParams:
    """real = (stored - zero_point) * scale, per tensor; dtype "u8" or "s8"."""

    scale: float
    zero_point: int = 0
    dtype: str = "u8"


@dataclass(frozen=True)
class Tensor:
    """A value in the graph: its shape, and where it is quantized its parameters and stored name.

    `dtype` is that of `real`: "f32", or "i32" and "i64" for what never is quantized.
    """

    shape: tuple[int, ...]
    real: str | None = None
    stored: str | None = None
    params: QuantParams | None = None
    dtype: str = "f32"


Operand = Tensor | Array | None


class GraphBuilder:
    """Builds one model, node by node.

    Inputs are named `x0`, `x1`, ...; `output` returns the name of each output.
    """

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._dequantized: dict[str, str] = {}
        self._domains: set[str] = set()
        self._count = 0

    def copy_lists(self) -> None:
        """Makes what a shallow copy shares with its original its own."""
        self._nodes, self._inputs = list(self._nodes), list(self._inputs)
        self._outputs, self._constants = list(self._outputs), dict(self._constants)
        self._dequantized, self._domains = dict(self._dequantized), set(self._domains)

    def input(self, shape: Ints, params: QuantParams | None, *, as_float: bool = True) -> Tensor:
        """A graph input: f32 and quantized inside, or (as_float=False) stored bytes.

        Without `params` it is f32 and stays so.
        """
        name, shape = f"x{len(self._inputs)}", tuple(shape)
        kind = "f32" if as_float or params is None else params.dtype
        self._inputs.append(helper.make_tensor_value_info(name, _ELEMENT_TYPES[kind], shape))
        if kind != "f32":
            return Tensor(shape, stored=name, params=params)
        return self._finish(name, shape, params)

    def node(
        self, op_type: str, inputs: Sequence[Operand], params: QuantParams | None, **attributes: Any
    ) -> Tensor:
        """A node of any operator of ONNX with one result, which is quantized where there are `params`.

        Arrays among the inputs become initializers, None an input that is left out. The shape is
        what ONNX infers.
        """
        return self.nodes(op_type, inputs, [params], **attributes)[0]

    def nodes(
        self,
        op_type: str,
        inputs: Sequence[Operand],
        params: Sequence[QuantParams | None],
        **attributes: Any,
    ) -> list[Tensor]:
        """The same with as many results as `params`."""
        names = [self._operand(x) for x in inputs]
        outputs = [self._name(op_type.lower()) for _ in params]
        node = helper.make_node(op_type, names, outputs, name=f"{op_type}_{len(self._nodes)}", **attributes)
        self._nodes.append(node)
        results = []
        for name, of, (shape, dtype) in zip(outputs, params, self._infer(node, inputs), strict=True):
            tensor = self._finish(name, shape, of)
            results.append(replace(tensor, dtype=dtype))
        return results

    def constant_tensor(
        self, values: Array, scale: ArrayLike, zero_point: ArrayLike = 0, axis: int = 0
    ) -> Tensor:
        """Stored bytes, or int32, behind a DequantizeLinear; per `axis` where the scale is [N]."""
        scales = np.asarray(scale, np.float32)
        zero_points = np.broadcast_to(np.asarray(zero_point, values.dtype), scales.shape)
        inputs = [self.constant(array) for array in (values, scales, zero_points)]
        attributes = {"axis": axis} if scales.ndim else {}
        return Tensor(values.shape, self._node("DequantizeLinear", inputs, **attributes))

    def integer_node(
        self,
        op_type: str,
        inputs: Sequence[str | ArrayLike],
        result: Tensor,
        domain: str = "",
        **attributes: Any,
    ) -> Tensor:
        """A node on stored bytes (QLinearConv, ...): names and constants in, a tensor like `result`.

        `result` gives the shape, and the parameters, or without them the dtype.
        """
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        if domain:
            self._domains.add(domain)
            attributes["domain"] = domain
        name = self._node(op_type, names, **attributes)
        return replace(result, real=None, stored=name) if result.params else replace(result, real=name)

    def dynamic_quantize(self, x: Tensor) -> tuple[str, str, str]:
        """DynamicQuantizeLinear: names of the bytes, the scale and the zero point."""
        names = [self._name(part) for part in ("dynamic", "dynamic_scale", "dynamic_zero_point")]
        self._nodes.append(
            helper.make_node(
                "DynamicQuantizeLinear", [self.float_name(x)], names,
                name=f"DynamicQuantizeLinear_{len(self._nodes)}",
            )
        )  # fmt: skip
        return names[0], names[1], names[2]

    def shape_of(self, op_type: str, shapes: Sequence[Ints], **attributes: Any) -> tuple[int, ...]:
        """The shape that an operator of ONNX makes of f32 inputs of these shapes."""
        inputs = [Tensor(tuple(shape)) for shape in shapes]
        names = [f"input_{index}" for index in range(len(inputs))]
        node = helper.make_node(op_type, names, ["result"], **attributes)
        return self._infer(node, inputs)[0][0]

    def stored_name(self, x: Tensor) -> str:
        """The name of a quantized tensor's bytes."""
        assert x.stored is not None
        return x.stored

    def output(self, x: Tensor, *, as_float: bool = True) -> str:
        """Make a tensor a graph output and return its name there.

        f32, with a DequantizeLinear of its own, or (as_float=False) the stored bytes.
        """
        if x.params is None or x.stored is None:
            assert x.real is not None
            name, kind = x.real, x.dtype
        elif as_float:
            name, kind = self._node("DequantizeLinear", [x.stored, *self._scale(x.params)]), "f32"
        else:
            name, kind = x.stored, x.params.dtype
        if name in {value.name for value in (*self._inputs, *self._outputs)}:
            name = self._node("Identity", [name])
        self._outputs.append(helper.make_tensor_value_info(name, _ELEMENT_TYPES[kind], x.shape))
        return name

    def build(self) -> onnx.ModelProto:
        """The model, checked by onnx.checker."""
        graph = helper.make_graph(
            self._nodes, "built", self._inputs, self._outputs, list(self._constants.values())
        )
        imports = [helper.make_opsetid("", self.opset)]
        version = helper.find_min_ir_version_for(imports)
        imports += [helper.make_opsetid(domain, 1) for domain in sorted(self._domains)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=version)
        onnx.checker.check_model(model, full_check=True)
        return model

    def float_name(self, x: Tensor) -> str:
        """The name of a tensor's float values; a DequantizeLinear is made on first use."""
        if x.stored is None or x.params is None:
            assert x.real is not None
            return x.real
        if x.stored not in self._dequantized:
            self._dequantized[x.stored] = self._node("DequantizeLinear", [x.stored, *self._scale(x.params)])
        return self._dequantized[x.stored]

    def constant(self, value: ArrayLike, name: str = "") -> str:
        """A new initializer; returns its name."""
        name = name or self._name("constant")
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def quantize(self, x: Tensor, params: QuantParams) -> Tensor:
        """A further QuantizeLinear on a tensor: dequantize, quantize."""
        return self._finish(self.float_name(x), x.shape, params)

    def _operand(self, x: Operand) -> str:
        if x is None:
            return ""
        return self.float_name(x) if isinstance(x, Tensor) else self.constant(x)

    def _infer(self, node: onnx.NodeProto, inputs: Sequence[Operand]) -> list[tuple[tuple[int, ...], str]]:
        """Shape and dtype of each output, as ONNX infers them."""
        types, data = {}, {}
        for name, x in zip(node.input, inputs, strict=True):
            if isinstance(x, Tensor):
                types[name] = helper.make_tensor_type_proto(_ELEMENT_TYPES[x.dtype], x.shape)
            elif x is not None:
                data[name] = self._constants[name]
                types[name] = helper.make_tensor_type_proto(data[name].data_type, x.shape)
        schema = onnx.defs.get_schema(node.op_type, self.opset, "")
        imports = [helper.make_opsetid("", self.opset)]
        outputs = onnx.shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=imports)
        names = {int(number): name for name, number in _ELEMENT_TYPES.items()}
        return [
            (
                tuple(side.dim_value for side in outputs[name].tensor_type.shape.dim),
                names[outputs[name].tensor_type.elem_type],
            )
            for name in node.output
        ]

    def _finish(self, name: str, shape: tuple[int, ...], params: QuantParams | None) -> Tensor:
        tensor = Tensor(shape, real=name)
        if params is None:
            return tensor
        bytes_name = self._node("QuantizeLinear", [name, *self._scale(params)])
        return replace(tensor, stored=bytes_name, params=params)

    def _scale(self, params: QuantParams) -> tuple[str, str]:
        dtype = _DTYPES[params.dtype]
        return self.constant(np.float32(params.scale)), self.constant(dtype.type(params.zero_point))

    def _dequantized_constant(self, values: Array, scale: Array, zero_point: Array) -> str:
        inputs = [self.constant(array) for array in (values, scale, zero_point)]
        attributes = {"axis": 0} if scale.ndim else {}
        return self._node("DequantizeLinear", inputs, **attributes)

    def _node(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        output = self._name(op_type.lower())
        self._nodes.append(
            helper.make_node(op_type, inputs, [output], name=f"{op_type}_{len(self._nodes)}", **attributes)
        )
        return output

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"
