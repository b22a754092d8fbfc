"""Which parts of a model onnxruntime ran in integers, and why the others were left in float.

Words: a group is one op between DequantizeLinear and QuantizeLinear. onnxruntime replaces a group
that it can run in integers by one node (QLinearConv, QLinearConcat, Resize on bytes, ...). A Conv
that is still a Conv in the optimized graph ran in float, and its sums depend on the machine. The
reasons are those of onnxruntime 1.31 on x86-64.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from .facts import (
    ACTIVATIONS,
    DEQUANTIZING,
    INTEGER,
    MOVING,
    ORDER_PRESERVING,
    PAIR,
    PRODUCTS,
    REORDERING,
    RESIZES,
    SHAPES,
    SUMMING,
)
from .source_model import SourceModel, label

USE_U8 = "Quantize the activations as uint8"
USE_SIGNED_KERNELS = f"{USE_U8}, or compare with signed_integer_kernels=True (session.qdqisint8allowed=1)"
ADD_PAIR = "Put a QuantizeLinear/DequantizeLinear pair directly after it"


@dataclass(frozen=True)
class IntegerGroup:
    """One node that ran in integers: its operator in the optimized graph, and its node in the source."""

    op_type: str
    source: str


@dataclass(frozen=True)
class FloatGroup:
    """One node left in float: its operator there, the source node, why it was left, and what to do."""

    op_type: str
    source: str
    reason: str
    next_step: str


@dataclass(frozen=True)
class Groups:
    """What ran how.

    `elementwise`: float ops that are exact all the same, because no sum is involved.
    """

    integer: tuple[IntegerGroup, ...]
    left_in_float: tuple[FloatGroup, ...]
    elementwise: tuple[IntegerGroup, ...]

    @property
    def exact(self) -> bool:
        """Whether every sum was an integer sum, so that no bit depends on the machine."""
        return not self.left_in_float

    @property
    def counts(self) -> dict[str, int]:
        """Number of integer nodes by operator."""
        return dict(sorted(Counter(group.op_type for group in self.integer).items()))

    @property
    def sources(self) -> frozenset[str]:
        """Names of the source nodes that ran in integers."""
        return frozenset(group.source for group in self.integer)

    def __str__(self) -> str:
        ran = ", ".join(f"{count} {op_type}" for op_type, count in self.counts.items()) or "nothing"
        lines = [f"In integers: {ran}."]
        if self.elementwise:
            kinds = Counter(group.op_type for group in self.elementwise)
            summary = ", ".join(f"{count} {op_type}" for op_type, count in sorted(kinds.items()))
            lines.append(f"In float, element by element: {summary}.")
        for group in self.left_in_float:
            lines.append(f"Left in float: {group.source}: {group.reason}.")
        steps = dict.fromkeys(group.next_step for group in self.left_in_float)
        lines += [f"Next step: {step}." for step in steps]
        return "\n".join(lines)


def explain_groups(
    source: onnx.ModelProto, optimized: onnx.ModelProto, signed_integer_kernels: bool
) -> Groups:
    """Sort the nodes of onnxruntime's optimized graph; each with its source node and reason."""
    model = SourceModel(source)
    stored = _tensors_of_bytes(optimized.graph)
    floats = _tensors_of_floats(optimized.graph, stored)
    integer, left, elementwise = [], [], []
    for node in optimized.graph.node:
        origin = model.origin(node)
        if node.op_type == "Transpose" and (origin is None or origin.op_type != "Transpose"):
            continue  # onnxruntime's own, to change the layout
        if node.op_type in REORDERING:
            continue  # the same, for blocks of as many channels of floats as the CPU has lanes
        if _is_integer(node) or _moves_bytes(node, stored):
            integer.append(IntegerGroup(node.op_type, label(origin or node)))
        elif node.op_type in PAIR | SHAPES:
            continue
        elif _sums(node) and not _interpolates_bytes(origin or node, model):
            reason, step = _reason(origin or node, model, signed_integer_kernels)
            left.append(FloatGroup(node.op_type, label(origin or node), reason, step))
        # What has no float operand here computes shapes or indices.
        elif any(name in floats for name in node.input):
            elementwise.append(IntegerGroup(node.op_type, label(origin or node)))
    return Groups(tuple(integer), tuple(left), tuple(elementwise))


def results_in_integers(optimized: onnx.ModelProto) -> dict[str, str]:
    """The tensors that integer operators of an optimized graph make, with the operator of each."""
    return {name: node.op_type for node in optimized.graph.node if _is_integer(node) for name in node.output}


def _reason(node: onnx.NodeProto, model: SourceModel, signed: bool) -> tuple[str, str]:
    """Why a group was left in float and what to do about it."""
    if node.op_type not in PRODUCTS:
        return (
            f"{node.op_type} has no integer form here, and adds floats up in an order of its own",
            "Expect values that differ by one step now and then",
        )
    if node.op_type == "ConvTranspose":
        return (
            "ConvTranspose has no integer kernel",
            "Upsample by a nearest Resize and a Conv instead",
        )
    return (
        _inputs_reason(node, model)
        or _output_reason(node, model)
        or _bias_reason(node, model)
        or _axis_reason(node, model)
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
            come = "are float" if position else f"comes from {before.op_type if before else 'a float tensor'}"
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
    while (users := model.consumers.get(name, [])) and users[0].op_type in ACTIVATIONS:
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
    result_type = model.quantized_type(users[0])
    operand_type = model.stored_type(model.producer[node.input[0]])
    if result_type != operand_type:
        a, b = (helper.tensor_dtype_to_np_dtype(kind) for kind in (operand_type, result_type))
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
        "the Relu before its QuantizeLinear is not redundant: "
        f"the zero point is {int(zero.reshape(-1)[0])}, not {least}",
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
    bias_scale, x, w = (np.asarray(scale, np.float64) for scale in scales)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # scales may be anything
        excess = np.abs(bias_scale - x * w) - (0.01 * np.abs(x * w) + 1e-6)  # measured: both tolerances
        ratio = np.abs(bias_scale / (x * w) - 1).max()
    if excess.max() <= 0:
        return None
    return (
        f"the scale of its bias differs by {ratio:.1%} from input scale * weight scale; "
        "onnxruntime allows 1% + 1e-6",
        "Quantize the bias with that product as its scale",
    )


def _axis_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    """Several scales that are not those of the outputs: a product with a float bias stays in float, and
    a Gemm of another number of columns.
    """
    weights = model.producer[node.input[1]]
    scales = model.value(weights.input[1])
    if scales is None or scales.size == 1:
        return None
    axis = next((attribute.i for attribute in weights.attribute if attribute.name == "axis"), 1)
    return (
        f"its weights have {scales.size} scales along axis {axis}, which are not those of its outputs",
        "Quantize its weights for each output channel or column",
    )


def _scale_names(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str]:
    x, w = (model.producer[name].input[1] for name in node.input[:2])
    return x, w


def _signed_reason(node: onnx.NodeProto, model: SourceModel) -> tuple[str, str] | None:
    """int8 activations: x86 fuses only where their QuantizeLinear can be made uint8."""
    before = model.producer[node.input[0]]
    if model.stored_type(before) != TensorProto.INT8:
        return None
    tensors = [("input", before.input[0])]
    for user in model.consumers.get(node.output[0], []):
        clamped = user.op_type in ACTIVATIONS
        after = model.consumers.get(user.output[0], []) if clamped else [user]
        tensors += [("output", quantize.output[0]) for quantize in after]
    for what, tensor in tensors:
        if tensor in model.inputs:
            return f"its int8 input {tensor!r} is an input of the model", USE_SIGNED_KERNELS
        if tensor in model.outputs:
            return f"its int8 {what} {tensor!r} is an output of the model", USE_SIGNED_KERNELS
        if (readers := model.readers(tensor)) > 1:
            return f"its int8 {what} {tensor!r} is used {readers} times", USE_SIGNED_KERNELS
        producer = model.producer.get(tensor)
        if what == "input" and producer is not None and producer.op_type != "QuantizeLinear":
            return f"its int8 input {tensor!r} comes from {producer.op_type}", USE_SIGNED_KERNELS
    return "its int8 activations could not be made uint8", USE_SIGNED_KERNELS


def _sums(node: onnx.NodeProto) -> bool:
    """Whether a float node adds up several elements."""
    if node.op_type in RESIZES:
        modes = [attribute.s for attribute in node.attribute if attribute.name == "mode"]
        return modes not in ([], [b"nearest"])
    return node.op_type in SUMMING


def _interpolates_bytes(node: onnx.NodeProto, model: SourceModel) -> bool:
    """A linear Resize of two axes of dequantized bytes: four products in a known order, so that
    its float sums are exact after all (operators/interpolation.py).
    """
    if node.op_type != "Resize":
        return False
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    before = model.producer.get(node.input[0])
    operands = [model.value(name) for name in node.input[2:] if name]
    rank_four = len(operands) == 1 and operands[0] is not None and operands[0].size == 4
    plain = not attributes.keys() & {"antialias", "axes", "keep_aspect_ratio_policy"}
    coordinates = attributes.get("coordinate_transformation_mode", b"half_pixel")
    return (
        attributes.get("mode") == b"linear"
        and before is not None
        and before.op_type == "DequantizeLinear"
        and rank_four
        and plain
        and coordinates != b"tf_crop_and_resize"
    )


def _is_integer(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith("QLinear") or node.op_type in INTEGER


def _moves_bytes(node: onnx.NodeProto, stored: set[str]) -> bool:
    """Whether a node takes elements of a tensor of bytes as they are."""
    return node.op_type in MOVING | ORDER_PRESERVING and node.input[0] in stored


def _tensors_of_bytes(graph: onnx.GraphProto) -> set[str]:
    """Names of the activations that are stored as integers in the optimized graph."""
    kinds = (TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16)
    stored = {value.name for value in graph.input if value.type.tensor_type.elem_type in kinds}
    for node in graph.node:
        # QGemm's ninth operand is the zero point of its result; without it floats are made.
        makes_float = node.op_type == "MatMulIntegerToFloat" or (
            node.op_type == "QGemm" and len(node.input) < 9
        )
        moves = _moves_bytes(node, stored)
        if node.op_type == "QuantizeLinear" or moves or (_is_integer(node) and not makes_float):
            stored.update(node.output)
    return stored


def _tensors_of_floats(graph: onnx.GraphProto, stored: set[str]) -> set[str]:
    """Names of the float activations in the optimized graph; shape arithmetic is none."""
    floats = {value.name for value in graph.input if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type in SHAPES:
            continue
        dequantizes = node.op_type in DEQUANTIZING
        if dequantizes or any(name in floats for name in node.input):
            floats.update(name for name in node.output if name not in stored)
    return floats
