"""QDQ graphs by hand, with every scale and zero point explicit.

    b = QDQBuilder(opset=17)
    x = b.input((1, 3, 8, 8), QuantParams(0.02, 128))
    y = b.conv(x, Weights(w, scale=0.01), QuantParams(0.05), bias=bias, pads=(1, 1, 1, 1))
    b.output(b.resize(y, (2, 2)))
    model = b.build()

Every op takes tensors and returns one. An op given `QuantParams` quantizes its result, as a
quantizer would; without them the result stays float, and the next op takes it as it is. One
DequantizeLinear serves all readers of a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

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
class Weights:
    """Stored conv weights [O, I/group, kH, kW], uint8 or int8.

    Scale and zero point: a scalar, or [O] for weights quantized per channel.
    """

    values: NDArray[Any]
    scale: ArrayLike
    zero_point: ArrayLike = 0


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


class QDQBuilder:
    """Builds one model, op by op.

    Inputs are named `x0`, `x1`, ...; `output` returns the name of each output.
    """

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._dequantized: dict[str, str] = {}
        self._count = 0

    def copy_lists(self) -> None:
        """Makes what a shallow copy shares with its original its own."""
        self._nodes, self._inputs = list(self._nodes), list(self._inputs)
        self._outputs, self._constants = list(self._outputs), dict(self._constants)
        self._dequantized = dict(self._dequantized)

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

    def conv(
        self,
        x: Tensor,
        weights: Weights,
        params: QuantParams | None,
        *,
        bias: NDArray[Any] | None = None,
        bias_scale: ArrayLike | None = None,
        strides: Ints = (1, 1),
        pads: Ints = (0, 0, 0, 0),
        dilations: Ints = (1, 1),
        group: int = 1,
        relu: bool = False,
    ) -> Tensor:
        """Conv, with a Relu behind it where `relu`; pads: top, left, bottom, right.

        `bias`: int32 (its scale is f32(sx * sw) unless `bias_scale`), a float32 constant, or none.
        """
        kernel = weights.values.shape[2:]
        inputs = [self.float_name(x), self._weights(weights)]
        if bias is not None:
            inputs.append(self._bias(x, weights, bias, bias_scale))
        result = self._node(
            "Conv", inputs, kernel_shape=kernel, strides=list(strides), pads=list(pads),
            dilations=list(dilations), group=group,
        )  # fmt: skip
        size = [
            (x.shape[2 + i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1)
            // strides[i]
            + 1
            for i in range(2)
        ]
        if relu:
            result = self._node("Relu", [result])
        return self._finish(result, (x.shape[0], weights.values.shape[0], *size), params)

    def concat(self, xs: Sequence[Tensor], params: QuantParams | None, *, axis: int = 1) -> Tensor:
        """Concat of tensors that agree in all dimensions but `axis`."""
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        result = self._node("Concat", [self.float_name(x) for x in xs], axis=axis)
        return self._finish(result, tuple(shape), params)

    def resize(
        self,
        x: Tensor,
        factors: Sequence[float] | None = None,
        *,
        sizes: Ints | None = None,
        params: QuantParams | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Resize of H and W by `factors` or to `sizes`; nearest, asymmetric, floor unless told.

        Keeps x's parameters by default.
        """
        settings = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        } | attributes
        inputs = [self.float_name(x), ""]
        if sizes is not None:
            shape = (*x.shape[:2], *sizes)
            inputs += ["", self.constant(np.array(shape, np.int64))]
        else:
            scales = np.array([1, 1, *(factors or (2, 2))], np.float32)
            shape = tuple(
                int(np.floor(scale * np.float32(length)))
                for scale, length in zip(scales, x.shape, strict=True)
            )
            inputs.append(self.constant(scales))
        return self._finish(self._node("Resize", inputs, **settings), shape, params or x.params)

    def pad(
        self,
        x: Tensor,
        pads: Ints,
        *,
        mode: str = "constant",
        value: float | None = None,
        params: QuantParams | None = None,
    ) -> Tensor:
        """Pad of H and W: top, left, bottom, right. Keeps x's parameters by default."""
        top, left, bottom, right = pads
        inputs = [
            self.float_name(x),
            self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)),
        ]
        if value is not None:
            inputs.append(self.constant(np.float32(value)))
        shape = (*x.shape[:2], x.shape[2] + top + bottom, x.shape[3] + left + right)
        return self._finish(self._node("Pad", inputs, mode=mode), shape, params or x.params)

    def unary(
        self,
        x: Tensor,
        op: str,
        params: QuantParams | None = None,
        *constants: ArrayLike,
        **attributes: Any,
    ) -> Tensor:
        """One element by element float op; `constants` are its further inputs (f32).

        Without `params` the result stays float.
        """
        inputs = [
            self.float_name(x),
            *(self.constant(np.asarray(c, np.float32)) for c in constants),
        ]
        return self._finish(self._node(op, inputs, **attributes), x.shape, params)

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
        model = helper.make_model(
            graph, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports)
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def float_name(self, x: Tensor) -> str:
        """The name of a tensor's float values; a DequantizeLinear is made on first use."""
        if x.stored is None or x.params is None:
            assert x.real is not None
            return x.real
        if x.stored not in self._dequantized:
            self._dequantized[x.stored] = self._node(
                "DequantizeLinear", [x.stored, *self._scale(x.params)]
            )
        return self._dequantized[x.stored]

    def constant(self, value: ArrayLike, name: str = "") -> str:
        """A new initializer; returns its name."""
        name = name or self._name("constant")
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def quantize(self, x: Tensor, params: QuantParams) -> Tensor:
        """A further QuantizeLinear on a tensor: dequantize, quantize."""
        return self._finish(self.float_name(x), x.shape, params)

    def _finish(self, name: str, shape: tuple[int, ...], params: QuantParams | None) -> Tensor:
        tensor = Tensor(shape, real=name)
        if params is None:
            return tensor
        stored = self._node("QuantizeLinear", [name, *self._scale(params)])
        return replace(tensor, stored=stored, params=params)

    def _scale(self, params: QuantParams) -> tuple[str, str]:
        dtype = _DTYPES[params.dtype]
        return self.constant(np.float32(params.scale)), self.constant(dtype.type(params.zero_point))

    def _weights(self, weights: Weights) -> str:
        scale = np.asarray(weights.scale, np.float32)
        zero_point = np.asarray(weights.zero_point, weights.values.dtype)
        zero_point = np.broadcast_to(zero_point, scale.shape)
        return self._dequantized_constant(weights.values, scale, zero_point)

    def _bias(
        self, x: Tensor, weights: Weights, bias: NDArray[Any], scale: ArrayLike | None
    ) -> str:
        if bias.dtype != np.int32:
            return self.constant(bias.astype(np.float32))
        if scale is None:
            assert x.params is not None, "an int32 bias needs a quantized input"
            scale = np.float32(x.params.scale) * np.asarray(weights.scale, np.float32)
        scale = np.asarray(scale, np.float32)
        return self._dequantized_constant(bias, scale, np.zeros(scale.shape, np.int32))

    def _dequantized_constant(
        self, values: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any]
    ) -> str:
        inputs = [self.constant(array) for array in (values, scale, zero_point)]
        attributes = {"axis": 0} if scale.ndim else {}
        return self._node("DequantizeLinear", inputs, **attributes)

    def _node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        output = self._name(op.lower())
        self._nodes.append(
            helper.make_node(op, inputs, [output], name=f"{op}_{len(self._nodes)}", **attributes)
        )
        return output

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"
