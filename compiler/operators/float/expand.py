"""Normalizations and the like in terms of elementwise nodes, reductions and moves.

What each node means stays ONNX Runtime's own kernel for it; this is how the device computes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.graph import Op, Value
from ...ir.types import Array, TensorType
from ...lowering.scheduling import Scheduler
from ...reference.node import run_node
from ..moves.op import Move
from ..onnx_op import KERNELS, FloatKernel, FloatOp, OnnxOp
from .reduce import schedule_reduction
from .reductions import interpolation, reduced_axes

COMPARISONS = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})


class Expansion:
    """Nodes in the making that together compute `op`; call it with an operator and operands."""

    def __init__(self, op: OnnxOp, opset: int) -> None:
        self.op = op
        self.opset = opset
        self.ops: list[Op] = []
        self.made = 0
        self.made = 0

    def __call__(self, op: str, *xs: Value | float, **attributes: Any) -> Value:
        """An elementwise node, broadcasting."""
        values = tuple(self.constant(x) if isinstance(x, int | float) else x for x in xs)
        shape = np.broadcast_shapes(*(x.type.shape for x in values))
        dtype = "bool" if op in COMPARISONS else values[-1].type.dtype
        if op == "Cast":
            dtype = attributes.pop("dtype")
            attributes["to"] = {"f32": 1, "i64": 7, "bool": 9}[dtype]
        return self._add(op, TensorType(dtype, shape), values, attributes)

    def reduce(self, op: str, x: Value, axes: list[int], **attributes: Any) -> Value:
        """A Reduce node that keeps the axes."""
        shape = tuple(1 if n in axes else size for n, size in enumerate(x.type.shape))
        held = Value.constant(self.name(), np.array(axes, np.int64))
        return self._add(op, TensorType("f32", shape), (x, held), {"keepdims": 1} | attributes)

    def node(self, op: str, shape: tuple[int, ...], *xs: Value, **attributes: Any) -> Value:
        """Any other node."""
        return self._add(op, TensorType("f32", shape), xs, attributes)

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        """The same elements in another shape; costs nothing."""
        if x.data is not None:
            return Value.constant(self.name(), x.array.reshape(shape))
        result = Value(self.name(), TensorType(x.type.dtype, shape))
        self.ops.append(Move(result, x))
        return result

    def constant(self, data: Array | float) -> Value:
        return Value.constant(self.name(), np.asarray(data, np.float32))

    def along(self, x: Value, axis: int, rank: int) -> Value:
        """A vector, one element for each index along an axis."""
        return self.reshape(x, tuple(x.type.size if n == axis else 1 for n in range(rank)))

    def finish(self, value: Value) -> list[Op]:
        """All nodes, the last of which makes the op's own result."""
        last = self.ops[-1]
        assert last.result is value
        last.result = self.op.result
        return self.ops

    def name(self) -> str:
        self.made += 1
        return f"{self.op.result.name}.{self.made}"

    def _add(self, op: str, type_: TensorType, xs: tuple[Value, ...], attributes: dict[str, Any]) -> Value:
        result = Value(self.name(), type_)
        self.ops.append(FloatOp(result, xs, op, attributes))
        return result


def expand(op: OnnxOp, opset: int) -> list[Op]:
    """The nodes in the place of one of EXPANSIONS."""
    expansion = Expansion(op, opset)
    return expansion.finish(EXPANSIONS[op.op_type](expansion, op))


def _axis(op: OnnxOp, default: int = -1) -> int:
    return int(op.attributes.get("axis", default)) % len(op.xs[0].type.shape)


def _operand(op: OnnxOp, index: int) -> Value | None:
    """An operand that is there."""
    return op.xs[index] if len(op.xs) > index and op.xs[index].type.size else None


def _softmax_axes(expansion: Expansion, op: OnnxOp) -> list[int]:
    """One axis; before opset 13 also all that follow it."""
    if expansion.opset >= 13:
        return [_axis(op)]
    return list(range(_axis(op, 1), len(op.xs[0].type.shape)))


def _softmax(expansion: Expansion, op: OnnxOp) -> Value:
    axes, x = _softmax_axes(expansion, op), op.xs[0]
    powers = expansion("Exp", expansion("Sub", x, expansion.reduce("ReduceMax", x, axes)))
    return expansion("Div", powers, expansion.reduce("ReduceSum", powers, axes))


def _log_softmax(expansion: Expansion, op: OnnxOp) -> Value:
    axes, x = _softmax_axes(expansion, op), op.xs[0]
    less = expansion("Sub", x, expansion.reduce("ReduceMax", x, axes))
    return expansion(
        "Sub", less, expansion("Log", expansion.reduce("ReduceSum", expansion("Exp", less), axes))
    )


def _log_sum_exp(expansion: Expansion, op: OnnxOp) -> Value:
    axes, x = reduced_axes(op), op.xs[0]
    most = expansion.reduce("ReduceMax", x, axes)
    total = expansion.reduce("ReduceSum", expansion("Exp", expansion("Sub", x, most)), axes)
    shape = op.result.type.shape
    return expansion("Add", expansion("Log", expansion.reshape(total, shape)), expansion.reshape(most, shape))


def _normalized(expansion: Expansion, x: Value, axes: list[int], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon)."""
    less = expansion("Sub", x, expansion.reduce("ReduceMean", x, axes))
    variance = _mean_of_squares(expansion, less, axes)
    return expansion("Div", less, expansion("Sqrt", expansion("Add", variance, epsilon)))


def _mean_of_squares(expansion: Expansion, x: Value, axes: list[int]) -> Value:
    count = math.prod(x.type.shape[axis] for axis in axes)
    return expansion("Div", expansion.reduce("ReduceSumSquare", x, axes), float(count))


def _scaled(expansion: Expansion, x: Value, scale: Value | None, bias: Value | None) -> Value:
    if scale is not None:
        x = expansion("Mul", x, scale)
    return expansion("Add", x, bias) if bias is not None else x


def _layer_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    rank = len(op.xs[0].type.shape)
    epsilon = float(op.attributes.get("epsilon", 1e-5))
    made = _normalized(expansion, op.xs[0], list(range(_axis(op), rank)), epsilon)
    return _scaled(expansion, made, _operand(op, 1), _operand(op, 2))


def _rms_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    x = op.xs[0]
    axes = list(range(_axis(op), len(x.type.shape)))
    mean = _mean_of_squares(expansion, x, axes)
    epsilon = float(op.attributes.get("epsilon", 1e-5))
    return expansion("Mul", expansion("Div", x, expansion("Sqrt", expansion("Add", mean, epsilon))), op.xs[1])


def _instance_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    x, scale, bias = op.xs
    rank = len(x.type.shape)
    epsilon = float(op.attributes.get("epsilon", 1e-5))
    made = _normalized(expansion, x, list(range(2, rank)), epsilon)
    return _scaled(expansion, made, expansion.along(scale, 1, rank), expansion.along(bias, 1, rank))


def _group_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    x, scale, bias = op.xs
    shape, groups = x.type.shape, int(op.attributes["num_groups"])
    grouped = expansion.reshape(x, (shape[0], groups, x.type.size // shape[0] // groups))
    made = _normalized(expansion, grouped, [2], float(op.attributes.get("epsilon", 1e-5)))
    if scale.type.size == groups and groups != shape[1]:  # of each group, before opset 21
        made = _scaled(expansion, made, expansion.along(scale, 1, 3), expansion.along(bias, 1, 3))
        return expansion("Identity", expansion.reshape(made, shape))
    made, rank = expansion.reshape(made, shape), len(shape)
    return _scaled(expansion, made, expansion.along(scale, 1, rank), expansion.along(bias, 1, rank))


def _batch_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    x, *parameters = op.xs
    rank, epsilon = len(x.type.shape), float(op.attributes.get("epsilon", 1e-5))
    if all(value.data is not None for value in parameters):
        scale, bias, mean, variance = (value.array.astype(np.float64) for value in parameters)
        factor = scale / np.sqrt(variance + epsilon)
        a, b = expansion.constant(factor), expansion.constant(bias - mean * factor)
        return _scaled(expansion, x, expansion.along(a, 1, rank), expansion.along(b, 1, rank))
    scale_, bias_, mean_, variance_ = (expansion.along(value, 1, rank) for value in parameters)
    factor_ = expansion("Div", scale_, expansion("Sqrt", expansion("Add", variance_, epsilon)))
    return _scaled(expansion, expansion("Sub", x, mean_), factor_, bias_)


def _mean_variance_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    x = op.xs[0]
    axes = sorted(axis % len(x.type.shape) for axis in op.attributes.get("axes", [0, 2, 3]))
    less = expansion("Sub", x, expansion.reduce("ReduceMean", x, axes))
    deviation = expansion("Sqrt", _mean_of_squares(expansion, less, axes))
    return expansion("Div", less, expansion("Add", deviation, 1e-9))


def _lp_normalization(expansion: Expansion, op: OnnxOp) -> Value:
    norm = "ReduceL1" if op.attributes.get("p", 2) == 1 else "ReduceL2"
    size = expansion.reduce(norm, op.xs[0], [_axis(op)])
    return expansion("Div", op.xs[0], expansion("Where", expansion("Equal", size, 0.0), 1.0, size))


def _local_response(expansion: Expansion, op: OnnxOp) -> Value:
    """LRN: the mean of squares over neighbouring channels is an average pool along them."""
    x, size = op.xs[0], int(op.attributes["size"])
    batch, channels, *rest = x.type.shape
    plane = (batch, 1, channels, math.prod(rest))
    squares = expansion.reshape(expansion("Mul", x, x), plane)
    pads = [(size - 1) // 2, 0, size // 2, 0]
    mean = expansion.node(
        "AveragePool", plane, squares, kernel_shape=[size, 1], pads=pads, count_include_pad=1
    )
    sums = expansion("Mul", expansion.reshape(mean, x.type.shape), float(op.attributes.get("alpha", 1e-4)))
    base = expansion("Add", sums, float(op.attributes.get("bias", 1.0)))
    return expansion("Div", x, expansion("Pow", base, float(op.attributes.get("beta", 0.75))))


def _first_index(expansion: Expansion, op: OnnxOp, x: Value, most: str, axis: int) -> Value:
    """Where along an axis of x the extreme is, as f32, the axis kept."""
    held = expansion("Equal", x, expansion.reduce(most, x, [axis]))
    size, rank = x.type.shape[axis], len(x.type.shape)
    index = expansion.along(expansion.constant(np.arange(size)), axis, rank)
    if op.attributes.get("select_last_index", 0):
        return expansion.reduce("ReduceMax", expansion("Where", held, index, -1.0), [axis])
    return expansion.reduce("ReduceMin", expansion("Where", held, index, float(size)), [axis])


def _arg_extreme(expansion: Expansion, op: OnnxOp) -> Value:
    most = "ReduceMax" if op.op_type == "ArgMax" else "ReduceMin"
    index = _first_index(expansion, op, op.xs[0], most, _axis(op, 0))
    return expansion("Cast", expansion.reshape(index, op.result.type.shape), dtype="i64")


def _hardmax(expansion: Expansion, op: OnnxOp) -> Value:
    axes, shape = _softmax_axes(expansion, op), op.xs[0].type.shape
    axis, length = axes[0], math.prod(shape[n] for n in axes)
    rows = (*shape[:axis], length, *shape[axis + len(axes) :])
    x = op.xs[0] if rows == shape else expansion.reshape(op.xs[0], rows)
    at = _first_index(expansion, op, x, "ReduceMax", axis)
    index = expansion.along(expansion.constant(np.arange(length)), axis, len(rows))
    first = expansion("Equal", index, at)
    return expansion("Cast", first if rows == shape else expansion.reshape(first, shape), dtype="f32")


@dataclass(eq=False)
class Interpolation(FloatOp):
    """A linear map along one axis, as the Einsum of the operand with a constant matrix."""

    axis: int = 0

    def schedule(self, scheduler: Scheduler) -> None:
        schedule_reduction(self, interpolation(self, self.axis), scheduler)


def _resize(expansion: Expansion, op: OnnxOp) -> Value:
    """Linear and cubic: one axis after another."""
    x, shape = op.xs[0], op.result.type.shape
    letters = "abcdefgh"[: len(shape)]
    for axis, size in enumerate(shape):
        matrix = interpolation_matrix(op, axis, expansion.opset)
        if np.array_equal(matrix, np.eye(size, dtype=np.float32)):
            continue
        type_ = TensorType("f32", (*shape[: axis + 1], *x.type.shape[axis + 1 :]))
        result = Value(expansion.name(), type_)
        made = letters.replace(letters[axis], "z")
        equation = f"{letters},z{letters[axis]}->{made}"
        held = Value.constant(f"{result.name}.matrix", matrix)
        expansion.ops.append(Interpolation(result, (x, held), "Einsum", {"equation": equation}, axis))
        x = result
    return expansion("Identity", x) if not expansion.ops else x


def interpolation_matrix(op: OnnxOp, axis: int, opset: int) -> Array:
    """What a Resize does along one axis, f32 [result, source]: onnxruntime's on unit vectors."""
    shape, rank = op.xs[0].type.shape, len(op.xs[0].type.shape)
    attributes = {name: v for name, v in op.attributes.items() if name != "axes"}
    axes = [n % rank for n in op.attributes.get("axes", range(rank))]
    scales, sizes = np.zeros(0, np.float32), np.zeros(0, np.int64)
    batch = 0 if axis else rank - 1
    source = np.ones(rank, np.int64)
    source[axis] = source[batch] = shape[axis]
    if _operand(op, 3) is not None:
        sizes = source.copy()
        sizes[axis] = op.result.type.shape[axis]
    else:
        scales = np.ones(rank, np.float32)
        if axis in axes:
            scales[axis] = op.xs[1 if opset < 11 else 2].array[axes.index(axis)]
    basis = np.eye(shape[axis], dtype=np.float32)
    absent = np.zeros(0, np.float32)
    settings = [scales] if opset < 11 else [absent, scales, sizes]

    def run(x: Array) -> Array:
        return run_node("Resize", attributes, [x, *settings], opset)

    if rank == 1:
        return np.stack([run(row) for row in basis], 1)
    made = run(basis.reshape(source)).reshape(shape[axis], -1)
    return made.T if axis else made.reshape(-1, shape[axis])


EXPANSIONS: dict[str, Callable[[Expansion, OnnxOp], Value]] = {
    "ArgMax": _arg_extreme,
    "ArgMin": _arg_extreme,
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _group_normalization,
    "Hardmax": _hardmax,
    "InstanceNormalization": _instance_normalization,
    "LRN": _local_response,
    "LayerNormalization": _layer_normalization,
    "LogSoftmax": _log_softmax,
    "LpNormalization": _lp_normalization,
    "MeanVarianceNormalization": _mean_variance_normalization,
    "RMSNormalization": _rms_normalization,
    "ReduceLogSumExp": _log_sum_exp,
    "Resize": _resize,
    "Softmax": _softmax,
}


def schedule_expansion(node: OnnxOp, scheduler: Scheduler) -> None:
    """The kernels of the nodes in the place of one."""
    parts = expand(node, scheduler.graph.opset)
    for part in parts:
        scheduler.origins[part.result] = node
        for value in dict.fromkeys(part.operands):
            if value.data is None and value not in node.xs:
                scheduler.users[value].append(part)
    for part in parts:
        scheduler.schedule(part)


def _refuse_expansion(op: OnnxOp) -> str | None:
    """What an operator asks of its operands and attributes here."""
    given = op.attributes
    if op.op_type in ("Resize", "ReduceLogSumExp"):
        for value in op.xs[1:]:
            if value.data is None:
                return f"its operand %{value.name} must be constant"
    if op.op_type == "LpNormalization" and given.get("p", 2) not in (1, 2):
        return f"p = {given['p']}; 1 and 2 are taken"
    if op.op_type == "Resize":
        return _refuse_resize(given)
    if op.op_type == "BatchNormalization" and given.get("training_mode", 0):
        return "training_mode is not taken"
    return None


def _refuse_resize(attributes: dict[str, Any]) -> str | None:
    if attributes.get("mode", "nearest") not in ("linear", "cubic"):
        return f"mode {attributes.get('mode', 'nearest')!r} is not taken in float"
    if attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        return "coordinate_transformation_mode 'tf_crop_and_resize' is not taken"
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return "keep_aspect_ratio_policy other than stretch is not taken"
    return None


KERNELS.update(dict.fromkeys(EXPANSIONS, FloatKernel(schedule_expansion, _refuse_expansion)))
