"""Which parts of a model onnxruntime ran in integers, read from its optimized graph, and why the others were left in float.

Words: a group is one op between DequantizeLinear and QuantizeLinear. onnxruntime replaces a group that it can run in
integers by one node (QLinearConv, QLinearConcat, Resize on bytes, ...). A Conv that is still a Conv in the optimized graph
ran in float, and its sums depend on the machine. The reasons are those of onnxruntime 1.31 on x86-64.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Float results of these are sums, whose order and rounding are the machine's own affair.
SUMMING_OPS = frozenset(
    {
        "AveragePool", "Conv", "ConvTranspose", "Einsum", "FusedConv", "FusedGemm", "FusedMatMul", "GRU", "Gemm",
        "GlobalAveragePool", "GroupNormalization", "InstanceNormalization", "LSTM", "LayerNormalization",
        "LogSoftmax", "MatMul", "MatMulNBits", "RNN", "ReduceMean", "ReduceSum", "SkipLayerNormalization", "Softmax",
    }
)  # fmt: skip
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_INTEGER_OPS = frozenset(
    {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "MatMulIntegerToFloat", "NhwcMaxPool", "QGemm"}
)  # fmt: skip
_MOVING_OPS = frozenset(
    {
        "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "Identity", "MaxPool", "Pad", "ReduceMax",
        "ReduceMin", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
    }
)  # fmt: skip
_ADDED_SUFFIX = re.compile(r"(_token_\d+|_nhwc|_nchwc)+$")  # what onnxruntime appends to names

USE_U8 = "Quantize the activations as uint8"
USE_SIGNED_KERNELS = (
    f"{USE_U8}, or compare with signed_integer_kernels=True (session.qdqisint8allowed=1)"
)
ADD_PAIR = "Put a QuantizeLinear/DequantizeLinear pair directly after it"


@dataclass(frozen=True)
class IntegerGroup:
    """One node that ran in integers: its op in the optimized graph, and the node of the source model it stands for."""

    op: str
    source: str


@dataclass(frozen=True)
class FloatGroup:
    """One node left in float: its op there, the source node, why it was left, and what to do."""

    op: str
    source: str
    reason: str
    next_step: str


@dataclass(frozen=True)
class Groups:
    """What ran how. `elementwise`: float ops that are exact all the same, because no sum is involved."""

    integer: tuple[IntegerGroup, ...]
    left_in_float: tuple[FloatGroup, ...]
    elementwise: tuple[IntegerGroup, ...]

    @property
    def exact(self) -> bool:
        """Whether every sum of the model was an integer sum, so that its bits do not depend on the machine."""
        return not self.left_in_float

    @property
    def counts(self) -> dict[str, int]:
        """Number of integer nodes by op."""
        return dict(sorted(Counter(group.op for group in self.integer).items()))

    @property
    def sources(self) -> frozenset[str]:
        """Names of the source nodes that ran in integers."""
        return frozenset(group.source for group in self.integer)

    def __str__(self) -> str:
        ran = ", ".join(f"{count} {op}" for op, count in self.counts.items()) or "nothing"
        lines = [f"In integers: {ran}."]
        if self.elementwise:
            kinds = Counter(group.op for group in self.elementwise)
            kept = ", ".join(f"{count} {op}" for op, count in sorted(kinds.items()))
            lines.append(f"In float, element by element: {kept}.")
        for group in self.left_in_float:
            lines.append(f"Left in float: {group.source}: {group.reason}. {group.next_step}.")
        return "\n".join(lines)


def explain_groups(
    source: onnx.ModelProto, optimized: onnx.ModelProto, signed_integer_kernels: bool
) -> Groups:
    """Sort the nodes of onnxruntime's optimized graph, and name the source node and the reason of each."""
    model = SourceModel(source)
    stored = _tensors_of_bytes(optimized.graph)
    floats = _tensors_of_floats(optimized.graph, stored)
    integer, left, elementwise = [], [], []
    for node in optimized.graph.node:
        origin = model.origin(node)
        if _is_integer(node) or (node.op_type in _MOVING_OPS and node.input[0] in stored):
            if (
                origin is not None or node.op_type != "Transpose"
            ):  # its own ones only change the layout
                integer.append(IntegerGroup(node.op_type, label(origin or node)))
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear", "Shape"):
            continue
        elif node.op_type in SUMMING_OPS or node.domain == "com.microsoft.nchwc":
            reason, step = _reason(origin or node, model, signed_integer_kernels)
            left.append(FloatGroup(node.op_type, label(origin or node), reason, step))
        elif any(name in floats for name in node.input):
            elementwise.append(IntegerGroup(node.op_type, label(origin or node)))
    return Groups(tuple(integer), tuple(left), tuple(elementwise))


def label(node: onnx.NodeProto) -> str:
    """How a message names a node: its name, or where it has none, its op and output."""
    return node.name or f"{node.op_type} -> {node.output[0]}"


class SourceModel:
    """Producers, consumers and constants of a model's main graph, by tensor name."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.inputs = {value.name: value.type.tensor_type.elem_type for value in graph.input}
        self.outputs = {value.name for value in graph.output}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.producer: dict[str, onnx.NodeProto] = {}
        self.consumers: dict[str, list[onnx.NodeProto]] = {}
        self._by_name = {node.name: node for node in graph.node if node.name}
        for node in graph.node:
            self.producer.update(dict.fromkeys(node.output, node))
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
            if node.op_type == "Constant":
                self._add_constant(node)

    def origin(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """The source node that a node of the optimized graph stands for: by name, by its weights, or by its output."""
        name = _ADDED_SUFFIX.sub("", node.name)
        if found := self._by_name.get(node.name) or self._by_name.get(name):
            return found
        for weights in node.input:
            if weights in self.constants:
                for user in self._users_of_weights(weights):
                    return user
        found = self.producer.get(node.output[0])
        return self.before(found.input[0]) if found and found.op_type == "QuantizeLinear" else found

    def before(self, name: str) -> onnx.NodeProto | None:
        """The producer of a tensor, looking through Relu and Clip."""
        node = self.producer.get(name)
        while node is not None and node.op_type in ("Relu", "Clip"):
            node = self.producer.get(node.input[0])
        return node

    def value(self, name: str) -> NDArray[Any] | None:
        """The value of a constant, or None."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def stored_type(self, dequantize: onnx.NodeProto) -> int:
        """ONNX element type of what a DequantizeLinear reads."""
        name = dequantize.input[0]
        if name in self.constants:
            return self.constants[name].data_type
        if name in self.inputs:
            return self.inputs[name]
        quantize = self.producer.get(name)
        return TensorProto.UNDEFINED if quantize is None else self.quantized_type(quantize)

    def quantized_type(self, quantize: onnx.NodeProto) -> int:
        """ONNX element type of what a QuantizeLinear makes."""
        if len(quantize.input) > 2 and quantize.input[2] in self.constants:
            return self.constants[quantize.input[2]].data_type
        for attribute in quantize.attribute:
            if attribute.name == "output_dtype" and attribute.i:
                return attribute.i
        return TensorProto.UINT8

    def readers(self, stored: str) -> int:
        """How many float ops read a stored tensor: onnxruntime gives each its own DequantizeLinear first."""
        count = 0
        for node in self.consumers.get(stored, []):
            if node.op_type == "DequantizeLinear":
                count += len(self.consumers.get(node.output[0], []))
                count += node.output[0] in self.outputs
            else:
                count += 1
        return count

    def _add_constant(self, node: onnx.NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.constants[node.output[0]] = attribute.t

    def _users_of_weights(self, name: str) -> list[onnx.NodeProto]:
        """The products whose weights these are, directly or behind a DequantizeLinear, when they are the only ones."""
        if len(self.constants[name].dims) < 2:
            return []
        users = []
        for node in self.consumers.get(name, []):
            found = self.consumers.get(node.output[0], []) if node.op_type == "DequantizeLinear" else [node]  # fmt: skip
            users += [user for user in found if user.op_type in _PRODUCTS]
        return users if len(users) == 1 else []


def _reason(node: onnx.NodeProto, model: SourceModel, signed: bool) -> tuple[str, str]:
    """Why a group was left in float and what to do about it."""
    if node.op_type not in _PRODUCTS:
        return f"{node.op_type} was not fused with its QuantizeLinear", ADD_PAIR
    if node.op_type == "ConvTranspose":
        return (
            "ConvTranspose has no integer kernel",
            "Upsample by a nearest Resize and a Conv instead",
        )
    return (
        _inputs_reason(node, model)
        or _output_reason(node, model)
        or _bias_reason(node, model)
        or (None if signed else _signed_reason(node, model))
        or (
            "for a reason that is not known here",
            "Look at its neighbours with `onnx2wgsl inspect`",
        )
    )


def _inputs_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    for position, what in enumerate(("input", "weights")):
        before = model.producer.get(node.input[position])
        if before is None or before.op_type != "DequantizeLinear":
            come = (
                "are float"
                if position
                else f"comes from {before.op_type if before else 'a float tensor'}"
            )
            return (
                f"its {what} {node.input[position]!r} {come}, not from a DequantizeLinear",
                f"Quantize its {what}",
            )
        kind = model.stored_type(before)
        if kind not in (TensorProto.UINT8, TensorProto.INT8):
            name = helper.tensor_dtype_to_np_dtype(kind) if kind else "of unknown type"
            return f"its {what} are {name}; integer kernels take int8 and uint8", USE_U8
    return None


def _output_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    name, between = node.output[0], None
    while (users := model.consumers.get(name, [])) and users[0].op_type in ("Relu", "Clip"):
        if len(users) > 1 or name in model.outputs:
            break
        between, name = users[0], users[0].output[0]
    if name in model.outputs:
        if node.op_type == "MatMul":
            return None  # MatMulIntegerToFloat needs no QuantizeLinear
        return f"its float result {name!r} is an output of the model", ADD_PAIR
    if other := next((user for user in users if user.op_type != "QuantizeLinear"), None):
        return f"it is followed by {other.op_type}, not directly by QuantizeLinear", ADD_PAIR
    if not users:
        return None
    made, read = model.quantized_type(users[0]), model.stored_type(model.producer[node.input[0]])
    if made != read:
        a, b = (helper.tensor_dtype_to_np_dtype(kind) for kind in (read, made))
        return f"its input is {a} but its output {b}", "Use one type for all activations"
    return _clamp_reason(between, users[0], model) if between is not None else None


def _clamp_reason(
    clamp: onnx.NodeProto, quantize: onnx.NodeProto, model: SourceModel
) -> tuple[str, str] | None:
    """A Relu is redundant only where the zero point is the least stored value."""
    zero = model.value(quantize.input[2]) if len(quantize.input) > 2 else np.zeros((), np.uint8)
    if zero is None or clamp.op_type != "Relu":
        return (
            f"the {clamp.op_type} before its QuantizeLinear clips more than the quantization",
            ADD_PAIR,
        )
    least = np.iinfo(zero.dtype).min
    if int(zero.reshape(-1)[0]) == least:
        return None
    return (
        f"the Relu before its QuantizeLinear is not redundant: the zero point is {int(zero.reshape(-1)[0])}, not {least}",
        f"{ADD_PAIR}, before the Relu",
    )


def _bias_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    if len(node.input) < 3 or not node.input[2]:
        return None
    bias = model.producer.get(node.input[2])
    if bias is None or bias.op_type != "DequantizeLinear":
        return None  # a float constant is quantized by onnxruntime itself
    scales = [model.value(name) for name in (bias.input[1], *_scale_names(node, model))]
    if any(scale is None for scale in scales):
        return "one of its scales is not a constant", "Make all scales constants"
    stored, x, w = (np.asarray(scale, np.float64) for scale in scales)
    ratio = np.abs(stored / (x * w) - 1)
    if ratio.max() <= 0.01:
        return None
    return (
        f"the scale of its bias differs by {ratio.max():.1%} from input scale * weight scale; at most 1% is allowed",
        "Quantize the bias with that product as its scale",
    )


def _scale_names(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str]:
    x, w = (model.producer[name].input[1] for name in node.input[:2])
    return x, w


def _signed_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    """int8 activations: x86 fuses only where the QuantizeLinear/DequantizeLinear pairs can be made uint8."""
    before = model.producer[node.input[0]]
    if model.stored_type(before) != TensorProto.INT8:
        return None
    tensors = [("input", before.input[0])]
    for user in model.consumers.get(node.output[0], []):
        clamped = user.op_type in ("Relu", "Clip")
        after = model.consumers.get(user.output[0], []) if clamped else [user]
        tensors += [("output", quantize.output[0]) for quantize in after]
    for what, stored in tensors:
        if stored in model.inputs:
            return f"its int8 input {stored!r} is an input of the model", USE_SIGNED_KERNELS
        if stored in model.outputs:
            return f"its int8 {what} {stored!r} is an output of the model", USE_SIGNED_KERNELS
        if (readers := model.readers(stored)) > 1:
            return f"its int8 {what} {stored!r} is used {readers} times", USE_SIGNED_KERNELS
        if what == "input" and (quantize := model.producer.get(stored)) and quantize.op_type != "QuantizeLinear":  # fmt: skip
            return f"its int8 input {stored!r} comes from {quantize.op_type}", USE_SIGNED_KERNELS
    return "its int8 activations could not be made uint8", USE_SIGNED_KERNELS


def _is_integer(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith("QLinear") or node.op_type in _INTEGER_OPS


def _tensors_of_bytes(graph: onnx.GraphProto) -> set[str]:
    """Names of the activations that are stored as integers in the optimized graph."""
    kinds = (TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16)
    stored = {value.name for value in graph.input if value.type.tensor_type.elem_type in kinds}
    for node in graph.node:
        makes_float = node.op_type == "MatMulIntegerToFloat" or (
            node.op_type == "QGemm" and len(node.input) < 9
        )
        moves = node.op_type in _MOVING_OPS and node.input[0] in stored
        if node.op_type == "QuantizeLinear" or moves or (_is_integer(node) and not makes_float):
            stored.update(node.output)
    return stored


def _tensors_of_floats(graph: onnx.GraphProto, stored: set[str]) -> set[str]:
    """Names of the float activations in the optimized graph; shape arithmetic is none."""
    floats = {
        value.name for value in graph.input if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    for node in graph.node:
        if node.op_type == "Shape":
            continue
        dequantizes = node.op_type in ("DequantizeLinear", "MatMulIntegerToFloat", "QGemm")
        if dequantizes or any(name in floats for name in node.input):
            floats.update(name for name in node.output if name not in stored)
    return floats
