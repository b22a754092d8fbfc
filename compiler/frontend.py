"""Reads an ONNX file into a Graph of stage 1.

What is accepted: opsets 13 to 21, initializers and Constant nodes, external data inside the
model's own folder, dynamic dimensions given by `shapes` (a symbolic batch dimension is 1 unless
given). Shape arithmetic on constants, as torch.onnx.export leaves around Resize, is folded by
onnx-graphsurgeon. Everything that can't be taken is refused at once, in one message that lists
every such node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from google.protobuf.message import DecodeError

from .errors import CompileError, UnsupportedError
from .ir import (
    DTYPE_NAMES,
    Array,
    Concat,
    Conv,
    Dequantize,
    Elementwise,
    Graph,
    Identity,
    Op,
    Pad,
    Quantization,
    Quantize,
    Resize,
    TensorType,
    Value,
    expected_shape,
)
from .oracle import PURE_UNARY, PURE_WITH_CONSTANT

OPSETS = range(13, 22)
BATCH_NAMES = {"batch", "batch_size", "n", "b", "dynamic_batch"}
Shapes = Mapping[str, tuple[int, ...]]


def import_model(path: Path, shapes: Shapes | None = None) -> Graph:
    """The model in `path` as a Graph; CompileError where it can't be read, UnsupportedError where not
    taken.
    """
    model = load_model(path)
    fix_shapes(model, shapes or {}, path)
    return _Importer(model, path.stem).graph()


def read_model(path: Path) -> onnx.ModelProto:
    """The ONNX file, with external data from its own folder; CompileError where it can't be read."""
    try:
        model = onnx.load(str(path))
    except FileNotFoundError as error:
        raise CompileError(f"{error.filename or path}: no such file") from error
    except IsADirectoryError as error:
        raise CompileError(f"{path} is a folder; give the path of an .onnx file") from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise CompileError(
            f"{path} is not an ONNX file or is truncated ({path.stat().st_size} bytes read); "
            "export it again, or copy it again whole"
        ) from error
    except (onnx.checker.ValidationError, ValueError, OSError) as error:
        raise CompileError(
            f"{path}: external data can't be read: {' '.join(str(error).split())}\n"
            "  external data must lie in the model's own folder; or save the model in one file"
        ) from error
    if not model.graph.node or not model.opset_import:
        raise CompileError(f"{path} holds no graph: it is not an ONNX model, or it is truncated")
    return model


def load_model(path: Path) -> onnx.ModelProto:
    """`read_model`, for opsets that are compiled."""
    model = read_model(path)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    if opset not in OPSETS:
        raise CompileError(
            f"{path} uses opset {opset}; opsets {OPSETS[0]} to {OPSETS[-1]} are taken: "
            "convert it with onnx.version_converter or export it anew"
        )
    return model


def fix_shapes(model: onnx.ModelProto, shapes: Shapes, path: Path) -> None:
    """Sets every dimension of the graph inputs, from `shapes` or, for a symbolic batch, to 1."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value for value in model.graph.input if value.name not in initializers}
    unknown = sorted(set(shapes) - set(inputs))
    if unknown:
        raise CompileError(
            f"{path} has no input {unknown[0]!r}; its inputs are {', '.join(map(repr, inputs))}"
        )
    missing = []
    for name, value in inputs.items():
        dims = value.type.tensor_type.shape.dim
        given = shapes.get(name)
        if given is not None and len(given) != len(dims):
            raise CompileError(
                f"input {name!r} has {len(dims)} dimensions, the given shape {given} has {len(given)}"
            )
        for index, dim in enumerate(dims):
            known = dim.dim_value if dim.HasField("dim_value") else None
            if given is not None:
                if known not in (None, given[index]):
                    raise CompileError(
                        f"dimension {index} of input {name!r} is {known} in the model, "
                        f"{given[index]} was given"
                    )
                dim.dim_value = given[index]
            elif known is None and index == 0:
                dim.dim_value = 1
            elif known is None:
                missing.append((name, [d.dim_value or d.dim_param or "?" for d in dims]))
    if missing:
        name, dims = missing[0]
        example = ",".join(str(d if isinstance(d, int) else 256) for d in dims)
        raise CompileError(
            f"input {name!r} of {path} has dynamic dimensions {dims}: "
            f"give them, for example --shape {name}={example}"
        )


class _Refusal(Exception):
    """A node that can't be taken; collected, so that one message names them all."""


class _Importer:
    def __init__(self, model: onnx.ModelProto, name: str) -> None:
        for value in (*model.graph.value_info, *model.graph.output):
            value.type.tensor_type.ClearField("shape")  # stale symbolic shapes; inferred anew
        try:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
            self.source = _fold_shape_arithmetic(gs.import_onnx(model))
        except Exception as error:
            raise CompileError(f"{name}: the graph is not valid ONNX: {error}") from error
        self.name = name
        self.values: dict[str, Value] = {}
        self.poisoned: set[str] = set()
        self.ops: list[Op] = []

    def graph(self) -> Graph:
        inputs = [self._input(tensor) for tensor in self.source.inputs]
        reasons = []
        for node in self.source.nodes:
            if any(tensor.name in self.poisoned for tensor in node.inputs):
                self.poisoned.update(tensor.name for tensor in node.outputs)
                continue
            try:
                self._import(node)
            except _Refusal as refusal:
                reasons.append(f"{describe(node)}: {refusal}")
                self.poisoned.update(tensor.name for tensor in node.outputs)
        if reasons:
            raise UnsupportedError(
                f"{len(reasons)} node{'s' * (len(reasons) > 1)} of {self.name} can't be compiled:",
                reasons,
            )
        if not any(isinstance(op, Quantize | Dequantize) for op in self.ops):
            raise CompileError(
                f"{self.name} has no quantized part: QuantizeLinear/DequantizeLinear pairs are expected; "
                "quantize it first, for example with onnxruntime.quantization.quantize_static"
            )
        outputs = [self.value(tensor) for tensor in self.source.outputs]
        names = [tensor.name for tensor in self.source.outputs]
        return Graph(self.name, inputs, outputs, names, self.ops, self.source.opset)

    def _input(self, tensor: Any) -> Value:
        dtype = np.dtype(tensor.dtype)
        if dtype not in DTYPE_NAMES or DTYPE_NAMES[dtype] not in ("f32", "u8", "s8"):
            raise CompileError(
                f"input {tensor.name!r} is {dtype}; float32, uint8 and int8 inputs are taken"
            )
        value = Value(tensor.name, TensorType(DTYPE_NAMES[dtype], tuple(tensor.shape)))
        self.values[tensor.name] = value
        return value

    def _import(self, node: Any) -> None:
        handler = _HANDLERS.get(node.op) if node.domain in ("", "ai.onnx", None) else None
        if handler is None and node.op in PURE_UNARY:
            handler = _elementwise
        if handler is None:
            raise _Refusal("this operator is not supported; onnx2wgsl takes " + SUPPORTED)
        if any(
            not isinstance(tensor, gs.Constant) and tensor.is_empty() for tensor in node.outputs[:1]
        ):
            raise _Refusal("its first output has no name")
        handler(self, node)

    def value(self, tensor: Any) -> Value:
        """The value of a tensor; a constant is made at its first use."""
        if tensor.name not in self.values:
            if not isinstance(tensor, gs.Constant):
                raise _Refusal(f"its operand {tensor.name!r} is made by no node")
            data = np.asarray(tensor.values)
            if data.dtype == np.float64:
                data = data.astype(np.float32)
            if data.dtype not in DTYPE_NAMES:
                raise _Refusal(f"the constant {tensor.name!r} is {data.dtype}")
            self.values[tensor.name] = Value.constant(tensor.name, data)
        return self.values[tensor.name]

    def operand(self, node: Any, index: int) -> Value | None:
        """Operand number `index`; None where it is absent."""
        if index >= len(node.inputs):
            return None
        tensor = node.inputs[index]
        if not isinstance(tensor, gs.Constant) and tensor.is_empty():
            return None
        return self.value(tensor)

    def required(self, node: Any, index: int) -> Value:
        found = self.operand(node, index)
        if found is None:
            raise _Refusal(f"operand {index} is missing")
        return found

    def constant(self, node: Any, index: int) -> Array | None:
        """The data of operand `index`; refuses one that is not constant."""
        found = self.operand(node, index)
        if found is not None and found.data is None:
            raise _Refusal(f"operand {index} ({found.name!r}) must be constant")
        return None if found is None else found.array

    def emit(self, node: Any, make: Callable[..., Op], type_: TensorType, **held: Any) -> None:
        result = Value(node.outputs[0].name, type_)
        self.ops.append(make(result=result, **held))
        self.values[result.name] = result


def describe(node: Any) -> str:
    """How messages name a node."""
    return f"{node.op} {node.name or node.outputs[0].name!r}"


def _fold_shape_arithmetic(graph: Any) -> Any:
    """Constant nodes become constants; subgraphs of constants alone are computed, but for Q and DQ."""
    for node in graph.nodes:
        if node.op == "Constant":
            tensor = node.attrs.get("value")
            if tensor is None:
                plain = next(iter(node.attrs.values()))
                kind = np.float32 if "float" in next(iter(node.attrs)) else np.int64
                tensor = gs.Constant("", np.asarray(plain, kind))
            node.outputs[0].to_constant(np.asarray(tensor.values))
    graph.nodes = [node for node in graph.nodes if node.op != "Constant"]
    kept = ("QuantizeLinear", "DequantizeLinear")
    if any(
        node.op not in kept
        and (node.op == "Shape" or all(isinstance(t, gs.Constant) for t in node.inputs))
        for node in graph.nodes
    ):
        graph.fold_constants(should_exclude_node=lambda node: node.op in kept)
    return graph.cleanup(remove_unused_graph_inputs=False).toposort()


# ---------------------------------------------------------------------------------- operators


def _scalar(data: Array | None, what: str) -> float:
    if data is None or data.size != 1:
        size = 0 if data is None else data.size
        raise _Refusal(f"{what} must be one constant number, it has {size}")
    return float(data.reshape(-1)[0])


def _quantization(imp: _Importer, node: Any, dtype: str) -> Quantization:
    scale = _scalar(imp.constant(node, 1), "the scale of an activation")
    zero_point = imp.constant(node, 2)
    z = 0 if zero_point is None else int(_scalar(zero_point, "the zero point of an activation"))
    if not (scale > 0 and math.isfinite(scale)):
        raise _Refusal(f"the scale {scale} is not a positive number")
    if dtype not in ("u8", "s8"):
        raise _Refusal(f"activations of dtype {dtype} are not supported, only uint8 and int8")
    return Quantization(scale, z)


def _quantize(imp: _Importer, node: Any) -> None:
    x = imp.required(node, 0)
    zero_point = imp.constant(node, 2)
    dtype = _quantized_dtype(node, zero_point)
    _refuse_blocks(node)
    if x.data is not None:  # a weight that the model quantizes itself: folded later
        imp.emit(
            node,
            Quantize,
            TensorType(
                dtype,
                x.type.shape,
                None if imp.required(node, 1).array.size > 1 else _quantization(imp, node, dtype),
            ),
            x=x,
            scale=imp.required(node, 1),
            zero_point=imp.operand(node, 2),
        )
        return
    quantization = _quantization(imp, node, dtype)
    imp.emit(
        node,
        Quantize,
        TensorType(dtype, x.type.shape, quantization),
        x=x,
        scale=imp.required(node, 1),
        zero_point=imp.operand(node, 2),
    )


def _quantized_dtype(node: Any, zero_point: Array | None) -> str:
    if zero_point is not None:
        return DTYPE_NAMES.get(zero_point.dtype, str(zero_point.dtype))
    named = node.attrs.get("output_dtype", 0)
    return {0: "u8", onnx.TensorProto.UINT8: "u8", onnx.TensorProto.INT8: "s8"}.get(
        named, str(named)
    )


def _refuse_blocks(node: Any) -> None:
    if node.attrs.get("block_size", 0):
        raise _Refusal("blocked quantization is not supported")


def _dequantize(imp: _Importer, node: Any) -> None:
    x = imp.required(node, 0)
    _refuse_blocks(node)
    axis = int(node.attrs.get("axis", 1))
    if x.data is None:
        quantization = _quantization(imp, node, x.type.dtype)
        if x.type.quantization not in (None, quantization):
            raise _Refusal(
                f"it reads {x.name!r} with {quantization}, which was made with {x.type.quantization}"
            )
        if x in _graph_inputs(imp):
            x.type = TensorType(x.type.dtype, x.type.shape, quantization)
    axis = axis % max(1, len(x.type.shape))
    imp.emit(
        node,
        Dequantize,
        TensorType("f32", x.type.shape),
        x=x,
        scale=imp.required(node, 1),
        zero_point=imp.operand(node, 2),
        axis=axis if imp.required(node, 1).array.size > 1 else 0,
    )


def _graph_inputs(imp: _Importer) -> set[Value]:
    return {imp.values[tensor.name] for tensor in imp.source.inputs}


def _conv(imp: _Importer, node: Any) -> None:
    x, weight = imp.required(node, 0), imp.required(node, 1)
    if len(x.type.shape) != 4:
        raise _Refusal(f"its input has {len(x.type.shape)} dimensions; 2-D convolutions are taken")
    strides = tuple(node.attrs.get("strides", (1, 1)))
    dilations = tuple(node.attrs.get("dilations", (1, 1)))
    pads = _conv_pads(node, x.type.shape[2:], weight.type.shape[2:], strides, dilations)
    group = int(node.attrs.get("group", 1))
    channels = weight.type.shape[1] * group
    if x.type.shape[1] != channels:
        raise _Refusal(f"its input has {x.type.shape[1]} channels, its weights take {channels}")
    op = Conv(
        Value(node.outputs[0].name, TensorType("f32", ())),
        x,
        weight,
        imp.operand(node, 2),
        strides,
        pads,
        dilations,
        group,
    )
    shape = expected_shape(op)
    assert shape is not None
    if min(shape) < 1:
        raise _Refusal(f"its result would have shape {list(shape)}")
    op.result.type = TensorType("f32", shape)
    imp.ops.append(op)
    imp.values[op.result.name] = op.result


def _conv_pads(
    node: Any,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, int, int, int]:
    mode = node.attrs.get("auto_pad", "NOTSET")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    if mode in ("NOTSET", ""):
        top, left, bottom, right = node.attrs.get("pads", (0, 0, 0, 0))
        if min(top, left, bottom, right) < 0:
            raise _Refusal(f"negative pads {[top, left, bottom, right]}")
        return top, left, bottom, right
    before, after = [0, 0], [0, 0]
    if mode != "VALID":
        for axis in (0, 1):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            steps = -(-size[axis] // strides[axis])
            total = max(0, (steps - 1) * strides[axis] + reach - size[axis])
            small, large = total // 2, total - total // 2
            before[axis], after[axis] = (small, large) if mode == "SAME_UPPER" else (large, small)
    return before[0], before[1], after[0], after[1]


def _elementwise(imp: _Importer, node: Any) -> None:
    xs = [imp.operand(node, index) for index in range(len(node.inputs))]
    variables = [value for value in xs if value is not None and value.data is None]
    if len(variables) != 1:
        raise _Refusal(
            f"it combines {len(variables)} computed tensors; one and scalar constants are taken"
        )
    for value in xs:
        if value is not None and value.data is not None and value.array.size != 1:
            raise _Refusal(f"its constant {value.name!r} has {value.array.size} elements, not one")
    if variables[0].type.dtype != "f32":
        raise _Refusal(
            f"it works on {variables[0].type.dtype}; only float32 between DQ and Q is taken"
        )
    attributes = {key: held for key, held in node.attrs.items()}
    op = node.op
    if op == "Clip":  # absent bounds become explicit, so that operands need no gaps
        low = xs[1] if len(xs) > 1 and xs[1] else _bound(node, "min", -np.inf)
        high = xs[2] if len(xs) > 2 and xs[2] else _bound(node, "max", np.inf)
        xs = [xs[0], low, high]
    operands = tuple(value for value in xs if value is not None)
    type_ = TensorType("f32", variables[0].type.shape)
    imp.emit(node, Elementwise, type_, xs=operands, op=op, attributes=attributes)


def _bound(node: Any, name: str, value: float) -> Value:
    finite = np.clip(value, np.finfo(np.float32).min, np.finfo(np.float32).max)
    return Value.constant(f"{node.outputs[0].name}.{name}", np.array(finite, np.float32))


def _concat(imp: _Importer, node: Any) -> None:
    xs = [imp.required(node, index) for index in range(len(node.inputs))]
    rank = len(xs[0].type.shape)
    axis = int(node.attrs["axis"]) % rank
    if rank != 4 or axis != 1:
        raise _Refusal(f"axis {axis} of {rank} dimensions; channels (axis 1 of 4) are taken")
    if any(value.data is not None for value in xs):
        raise _Refusal("a constant operand is not supported")
    shape = list(xs[0].type.shape)
    shape[1] = sum(x.type.shape[1] for x in xs)
    imp.emit(
        node,
        Concat,
        TensorType(_moved_type(xs).dtype, tuple(shape), _moved_type(xs).quantization),
        xs=tuple(xs),
        axis=axis,
    )


def _moved_type(xs: list[Value]) -> TensorType:
    """The common type of values that are moved together, shapes apart."""
    kinds = {(x.type.dtype, x.type.quantization) for x in xs}
    if len(kinds) > 1:
        raise _Refusal(f"its operands differ in type: {', '.join(str(x.type) for x in xs)}")
    return xs[0].type


def _resize(imp: _Importer, node: Any) -> None:
    x = imp.required(node, 0)
    attrs = {k: v.decode() if isinstance(v, bytes) else v for k, v in node.attrs.items()}
    shape = x.type.shape
    if len(shape) != 4:
        raise _Refusal(f"its input has {len(shape)} dimensions; 4 are taken")
    if attrs.get("mode", "nearest") != "nearest":
        raise _Refusal(f"mode {attrs['mode']!r}; only nearest is taken")
    coordinates = attrs.get("coordinate_transformation_mode", "half_pixel")
    if coordinates not in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        raise _Refusal(f"coordinate_transformation_mode {coordinates!r} is not supported")
    if attrs.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise _Refusal("keep_aspect_ratio_policy other than stretch is not supported")
    scales, sizes = imp.constant(node, 2), imp.constant(node, 3)
    axes = [axis % 4 for axis in attrs.get("axes", range(4))]
    full_scales, full_sizes = np.ones(4, np.float32), list(shape)
    for index, axis in enumerate(axes):
        if sizes is not None and sizes.size:
            full_sizes[axis] = int(sizes[index])
            full_scales[axis] = np.float32(full_sizes[axis]) / np.float32(shape[axis])
        elif scales is not None and scales.size:
            full_scales[axis] = scales[index]
            full_sizes[axis] = math.floor(np.float32(scales[index]) * np.float32(shape[axis]))
    if full_sizes[:2] != list(shape[:2]):
        raise _Refusal(f"it resizes batch or channels: {list(shape)} -> {full_sizes}")
    imp.emit(
        node,
        Resize,
        TensorType(x.type.dtype, tuple(full_sizes), x.type.quantization),
        x=x,
        scales=(float(full_scales[2]), float(full_scales[3])),
        coordinates=coordinates,
        rounding=attrs.get("nearest_mode", "round_prefer_floor"),
    )


def _pad(imp: _Importer, node: Any) -> None:
    x = imp.required(node, 0)
    mode = node.attrs.get("mode", "constant")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    if len(x.type.shape) != 4 or mode not in ("constant", "reflect", "edge"):
        raise _Refusal(f"mode {mode!r} on {len(x.type.shape)} dimensions is not supported")
    given, axes = imp.constant(node, 1), imp.constant(node, 3)
    assert given is not None
    listed = [int(axis) % 4 for axis in axes] if axes is not None else list(range(4))
    before, after = [0] * 4, [0] * 4
    for index, axis in enumerate(listed):
        before[axis], after[axis] = int(given[index]), int(given[index + len(listed)])
    pads = (before[2], before[3], after[2], after[3])
    if any(before[:2] + after[:2]) or min(pads) < 0:
        raise _Refusal(
            f"pads {given.tolist()}: only the spatial axes, and no negative ones, are taken"
        )
    height, width = x.type.shape[2:]
    if mode == "reflect" and (max(pads[0], pads[2]) >= height or max(pads[1], pads[3]) >= width):
        raise _Refusal(f"reflection by {list(pads)} does not fit {height}x{width}")
    value = imp.constant(node, 2)
    shape = (*x.type.shape[:2], height + pads[0] + pads[2], width + pads[1] + pads[3])
    imp.emit(
        node,
        Pad,
        TensorType(x.type.dtype, shape, x.type.quantization),
        x=x,
        pads=pads,
        mode=mode,
        value=0.0 if value is None else _scalar(value, "the constant of Pad"),
    )


def _identity(imp: _Importer, node: Any) -> None:
    x = imp.required(node, 0)
    imp.emit(node, Identity, x.type, x=x)


_HANDLERS: dict[str, Callable[[_Importer, Any], None]] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "Conv": _conv,
    "Concat": _concat,
    "Resize": _resize,
    "Pad": _pad,
    "Identity": _identity,
    "Dropout": _identity,
    **dict.fromkeys(PURE_WITH_CONSTANT, _elementwise),
}
SUPPORTED = "Conv, Concat, Resize (nearest), Pad, Identity and unary operators, between DQ and Q"
