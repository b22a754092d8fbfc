"""How the operators that take and give stored bytes (the QOperator format) become ops of the Graph.

QLinearConv, QLinearAdd and their like are what ONNX Runtime makes of dequantize .. op .. quantize.
So a node is written out as that group, and the group's fusion rule makes its integer op at once:
no other pass sees the pairs, since ONNX Runtime would find none here. Activations by table
(QLinearSigmoid, ...) are run once over all bytes; the parts of a QLinearConcat are requantized by
tables.

Refusals: scales and zero points that are no constants, or that are not those of the operand's
producer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from ..arithmetic import F32, dequantize_linear, quantize_linear
from ..errors import CompileError
from ..ir.graph import Graph, Op, Value
from ..ir.types import NUMPY_DTYPES, Array, Quantization, TensorType
from ..operators.catalogue import explain, groups
from ..operators.lookup import Lookup
from ..operators.moves.op import Move
from ..operators.select import Select
from ..reference.node import run_node
from .importer import ABSENT, Handler, Importer
from .moves import common_type, emit_concat
from .nodes import NodeRefusal, operator_name, plain_attributes

OWN_ATTRIBUTES = frozenset({"channels_last", "opset"})
"""What these nodes have beside the attributes of the float operator."""


@dataclass(frozen=True)
class Form:
    """A node as a group: the float operator, where each operand's (x, scale, zero point) stands,
    where the result's scale and zero point stand, and where the bias does.
    """

    op_type: str
    operands: tuple[int, ...]
    result: int
    bias: int | None = None


FORMS = {
    "QLinearConv": Form("Conv", (0, 3), 6, 8),
    "QLinearMatMul": Form("MatMul", (0, 3), 6),
    "com.microsoft.QLinearConv": Form("Conv", (0, 3), 6, 8),
    "com.microsoft.QGemm": Form("Gemm", (0, 3), 7, 6),
    "com.microsoft.QLinearAdd": Form("Add", (0, 3), 6),
    "com.microsoft.QLinearMul": Form("Mul", (0, 3), 6),
    "com.microsoft.QLinearAveragePool": Form("AveragePool", (0,), 3),
    "com.microsoft.QLinearGlobalAveragePool": Form("GlobalAveragePool", (0,), 3),
    "com.microsoft.QLinearSoftmax": Form("Softmax", (0,), 3),
}


def _group(imp: Importer, node: Any) -> None:
    """A node as dequantize .. op .. quantize, fused at once."""
    form = FORMS[operator_name(node)]
    _refuse_other_opset(imp, node)
    start = len(imp.ops)
    channels_last = bool(node.attrs.get("channels_last", 0))
    inputs = [_dequantized(imp, node, at, channels_last) for at in form.operands]
    bias = None if form.bias is None else _bias(imp, node, form)
    if bias is not None:
        inputs.append(bias)
    attributes = {key: value for key, value in node.attrs.items() if key not in OWN_ATTRIBUTES}
    name = node.outputs[0].name
    middle = _node(form.op_type, node, inputs, f"{name}.real", attributes)
    imp.handle(middle)
    inside = imp.ops[-1]
    if _is_given(node, form.result):
        output = f"{name}.first" if channels_last else name
        quantize = _node(
            "QuantizeLinear",
            node,
            [middle.outputs[0], node.inputs[form.result], _zero_point(imp, node, form)],
            output,
        )
        imp.handle(quantize)
    else:
        imp.values[name] = imp.values[f"{name}.real"]  # QGemm to floats
    _fuse(imp, start, inside)
    if channels_last:
        _transpose(imp, imp.ops[-1].result, name, first=False)


def _fuse(imp: Importer, start: int, inside: Op) -> None:
    """Puts the integer op in the place of the group that the importer's ops from `start` are."""
    new = imp.ops[start:]
    # What gives the operands their layout and meaning stands before the group, not in it.
    before = [op for op in new if isinstance(op, Move | Lookup)]
    inner = [op for op in new if not isinstance(op, Move | Lookup)]
    last = inner[-1]
    results = {op.result for op in inner}
    outside = [x for op in inner for x in op.operands if x not in results and x.data is None]
    graph = Graph("group", list(dict.fromkeys(outside)), [last.result], ["y"], inner)
    fusions = groups(graph)
    if last not in fusions:
        raise NodeRefusal(explain(graph, inside) or "it has no integer form here")
    imp.replace_from(start, [*before, fusions[last]])


def _refuse_other_opset(imp: Importer, node: Any) -> None:
    """QLinearSoftmax names the opset whose axis it means; before 13 it flattens."""
    opset = int(node.attrs.get("opset", imp.source.opset))
    if (opset < 13) != (imp.source.opset < 13):
        raise NodeRefusal(f"it means opset {opset}, the model opset {imp.source.opset}")


def _is_given(node: Any, index: int) -> bool:
    if index >= len(node.inputs):
        return False
    tensor = node.inputs[index]
    return isinstance(tensor, gs.Constant) or not tensor.is_empty()


def _node(
    op_type: str, node: Any, inputs: Sequence[Any], output: str, attributes: dict[str, Any] | None = None
) -> Any:
    part = gs.Node(op_type, node.name, attributes or {})
    part.inputs, part.outputs = list(inputs), [gs.Variable(output)]
    return part


def _dequantized(imp: Importer, node: Any, at: int, channels_last: bool) -> Any:
    """A DequantizeLinear of the operand at `at`; weights are dequantized along their channels."""
    x = imp.required(node, at)
    name = f"{node.outputs[0].name}.{at}"
    tensor = node.inputs[at]
    if channels_last and at == 0:
        tensor = gs.Variable(f"{name}.first")
        _transpose(imp, typed(imp, node, at), tensor.name, first=True)
    # Output channels are axis 0 of a convolution's weights and a transposed Gemm's, else the last.
    first = operator_name(node).endswith("QLinearConv") or node.attrs.get("transB", 0)
    axis = 0 if at > 0 and first else len(x.type.shape) - 1
    inputs = [tensor, node.inputs[at + 1]]
    if _is_given(node, at + 2):
        inputs.append(node.inputs[at + 2])
    dequantize = _node("DequantizeLinear", node, inputs, f"{name}.real", {"axis": axis})
    imp.handle(dequantize)
    return dequantize.outputs[0]


def _transpose(imp: Importer, x: Value, name: str, *, first: bool) -> None:
    """Channels from the last axis to axis 1, or back."""
    rank = len(x.type.shape)
    perm = (0, rank - 1, *range(1, rank - 1)) if first else (0, *range(2, rank), 1)
    shape = tuple(x.type.shape[axis] for axis in perm)
    result = Value(name, TensorType(x.type.dtype, shape, x.type.quantization))
    imp.ops.append(Move(result, x, "transpose", {"perm": perm}))
    imp.values[name] = result


def _bias(imp: Importer, node: Any, form: Form) -> Any | None:
    """A DequantizeLinear of the int32 bias, with the product of both scales."""
    assert form.bias is not None
    if not _is_given(node, form.bias):
        return None
    scales = [imp.constant(node, at + 1) for at in form.operands]
    if scales[0] is None or scales[1] is None:
        raise NodeRefusal("a scale is missing")
    name = f"{node.outputs[0].name}.bias"
    # The node has no scale for its bias, which is in units of this product by definition.
    scale = (scales[0].reshape(-1)[:1] * scales[1].reshape(-1)).astype(F32)
    scale = scale.reshape(()) if scale.size == 1 else scale
    inputs = [node.inputs[form.bias], gs.Constant(f"{name}.scale", scale)]
    axis = len(imp.required(node, form.bias).type.shape) - 1
    dequantize = _node("DequantizeLinear", node, inputs, f"{name}.real", {"axis": axis})
    imp.handle(dequantize)
    return dequantize.outputs[0]


def _zero_point(imp: Importer, node: Any, form: Form) -> Any:
    """The result's zero point; where it is left out, 0 of the first operand's type."""
    at = form.result + 1
    if _is_given(node, at):
        return node.inputs[at]
    dtype = NUMPY_DTYPES[imp.required(node, form.operands[0]).type.dtype]
    return gs.Constant(f"{node.outputs[0].name}.zero", np.zeros((), dtype))


def typed(imp: Importer, node: Any, at: int) -> Value:
    """The bytes at operand `at` with the quantization that follows them; as the producer has it."""
    x = imp.required(node, at)
    quantization = imp.quantization_at(node, at + 1, x.type.dtype)
    # A value of its own: a constant may be read with several scales.
    if x.data is not None:
        return Value(f"{x.name}.q", TensorType(x.type.dtype, x.type.shape, quantization), x.data)
    return imp.meant(x, quantization)


def _by_table(imp: Importer, node: Any) -> None:
    """QLinearSigmoid and its like, run once over all bytes."""
    x = typed(imp, node, 0)
    dtype = NUMPY_DTYPES[x.type.dtype]
    levels = np.arange(256, dtype=np.uint8).view(dtype)
    others = [imp.operand(node, index) for index in range(1, len(node.inputs))]
    arrays = [ABSENT if other is None else other.array for other in others]
    try:
        table = run_node(operator_name(node), plain_attributes(node), [levels, *arrays], imp.source.opset)
    except CompileError as error:
        raise NodeRefusal(str(error)) from error
    _emit_lookup(imp, x, table, imp.quantization_at(node, 3, x.type.dtype), node.outputs[0].name)


def _emit_lookup(imp: Importer, x: Value, table: Array, after: Quantization, name: str) -> Value:
    result = Value(name, TensorType(x.type.dtype, x.type.shape, after))
    imp.ops.append(Lookup(result, x, Value.constant(f"{name}.table", table.reshape(256))))
    imp.values[name] = result
    return result


def _requantized(imp: Importer, x: Value, after: Quantization, name: str) -> Value:
    """`x` with other parameters: itself, a constant, or by a table."""
    before = x.type.quantization
    assert before is not None
    if before == after:
        return x
    every_byte = np.arange(256, dtype=np.uint8).view(NUMPY_DTYPES[x.type.dtype])
    real = dequantize_linear(every_byte, before.scale, before.zero_point)
    levels = quantize_linear(real, after.scale, after.zero_point, x.type.limits)
    table = levels.astype(every_byte.dtype)
    if x.data is not None:
        data = table[x.array.view(np.uint8)]
        return Value(name, TensorType(x.type.dtype, x.type.shape, after), data)
    return _emit_lookup(imp, x, table, after, name)


def _concat(imp: Importer, node: Any) -> None:
    after = imp.quantization_at(node, 0, imp.required(node, 2).type.dtype)
    parts = [typed(imp, node, at) for at in range(2, len(node.inputs), 3)]
    name = node.outputs[0].name
    emit_concat(
        imp, node, [_requantized(imp, x, after, f"{name}.{number}") for number, x in enumerate(parts)]
    )


def _where(imp: Importer, node: Any) -> None:
    after, name = imp.quantization_at(node, 7, imp.required(node, 1).type.dtype), node.outputs[0].name
    xs = tuple(_requantized(imp, typed(imp, node, at), after, f"{name}.{at}") for at in (1, 4))
    condition = imp.required(node, 0)
    shape = np.broadcast_shapes(*(x.type.shape for x in (condition, *xs)))
    imp.emit(node, Select, common_type(xs, shape), xs=xs, condition=condition)


QLINEAR: dict[str, Handler] = {
    **dict.fromkeys(FORMS, _group),
    "com.microsoft.QLinearConcat": _concat,
    "com.microsoft.QLinearLeakyRelu": _by_table,
    "com.microsoft.QLinearSigmoid": _by_table,
    "com.microsoft.QLinearWhere": _where,
}
