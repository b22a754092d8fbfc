"""Float regions: what a model leaves in float, as f32 kernels on row-major words.

Elementwise nodes become `float_map` kernels (map.py), what sums or compares several elements
becomes `float_reduce` ones (reduce.py, reductions.py), and normalizations a few of
both (expand.py). A node keeps ONNX Runtime's meaning in the Graph and in the simulator; a
device's sums and functions round otherwise, so that a float region is held to a tolerance
(verify/compare.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...ir.graph import Conv, Dequantize, FloatOp, Graph, OnnxOp, Op
from ...reference.node import convolution_attributes
from ..base import FamilyOp
from . import reductions as reduce
from .expand import EXPANSIONS, Interpolation, expand
from .expressions import ANY_DTYPE, MAP_OPS, WGSL_TYPES
from .map import schedule_map
from .reduce import Reduction, schedule_reduction
from .reductions import GLOBAL, REDUCTIONS

if TYPE_CHECKING:
    from ...passes.pack_int8 import Lowering
    from ...passes.schedule import Scheduler

REDUCING: dict[str, Callable[[OnnxOp], Reduction]] = {
    "AveragePool": reduce.pool,
    "Conv": reduce.convolution,
    "ConvTranspose": reduce.transposed_convolution,
    "Gemm": reduce.gemm,
    "LpPool": reduce.pool,
    "MatMul": reduce.matmul,
    "MaxPool": reduce.pool,
    **dict.fromkeys((*REDUCTIONS, *GLOBAL), reduce.rows),
}
FLOAT_OPS: frozenset[str] = frozenset({*MAP_OPS, *REDUCING, *EXPANSIONS})
"""Operators that are imported as `float` ops: fused into integer ones, or computed in f32."""


def refusals(graph: Graph) -> Iterator[str]:
    """Why ops that are left in float can't be computed in f32."""
    for op in graph.ops:
        reason = _refusal(op) if isinstance(op, Conv | OnnxOp | Dequantize) else None
        if reason is not None:
            what = op.op if isinstance(op, OnnxOp) else op.kind.capitalize()
            yield f"{what} %{op.result.name}: {reason}"


def _refusal(op: Conv | OnnxOp | Dequantize) -> str | None:
    if isinstance(op, Dequantize):
        if op.x.data is not None:
            return "a dequantized constant is left over"
        return "it has a scale for each slice of a computed tensor; one scale is taken"
    name = op.op if isinstance(op, OnnxOp) else "Conv"
    if name not in FLOAT_OPS:
        return "it stays in float, and no kernel computes it"
    variables = [x for x in op.operands if x.data is None]
    for value in (*variables, op.result):
        if value.type.dtype not in WGSL_TYPES:
            return (
                f"%{value.name} is {value.type.dtype}; left out of an integer group it is computed "
                "on floats, 32-bit integers and booleans"
            )
        if value.type.dtype != "f32" and name not in ANY_DTYPE and value is not op.result:
            return f"%{value.name} is {value.type.dtype}; float32 is taken"
    if isinstance(op, OnnxOp) and not all(x.type.size or x.data is not None for x in op.xs):
        return "an operand has no elements"
    return _operand_refusal(op) if isinstance(op, OnnxOp) else None


def _operand_refusal(op: OnnxOp) -> str | None:
    """What an operator asks of its operands and attributes here."""
    settings = op.xs[1:] if op.op in REDUCTIONS or op.op in ("Resize", "ReduceLogSumExp") else ()
    for value in settings:
        if value.data is None:
            return f"its operand %{value.name} must be constant"
    given = op.attributes
    if op.op in ("LpPool", "GlobalLpPool", "LpNormalization") and given.get("p", 2) not in (1, 2):
        return f"p = {given['p']}; 1 and 2 are taken"
    if op.op == "Resize":
        if given.get("mode", "nearest") not in ("linear", "cubic"):
            return f"mode {given.get('mode', 'nearest')!r} is not taken in float"
        if given.get("coordinate_transformation_mode") == "tf_crop_and_resize":
            return "coordinate_transformation_mode 'tf_crop_and_resize' is not taken"
        if given.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            return "keep_aspect_ratio_policy other than stretch is not taken"
    if op.op == "BatchNormalization" and given.get("training_mode", 0):
        return "training_mode is not taken"
    return None


def lower(op: Op, to: Lowering) -> None:
    """Row-major words are what float ops work on: an op stays as it is."""
    to.add(op)


def schedule(op: Conv | OnnxOp, to: Scheduler) -> None:
    """The kernels of a float op."""
    node = _as_node(op) if isinstance(op, Conv) else op
    if isinstance(node, Interpolation):
        schedule_reduction(node, reduce.interpolation(node, node.axis), to)
    elif node.op in MAP_OPS:
        schedule_map(node, to)
    elif node.op in REDUCING:
        schedule_reduction(node, REDUCING[node.op](node), to)
    else:
        _schedule_expansion(node, to)


def _schedule_expansion(node: OnnxOp, to: Scheduler) -> None:
    parts = expand(node, to.graph.opset)
    for part in parts:
        to.origins[part.result] = node
        for value in dict.fromkeys(part.operands):
            if value.data is None and value not in node.xs:
                to.users[value].append(part)
    for part in parts:
        if isinstance(part, FamilyOp):
            part.schedule(to)
        else:
            assert isinstance(part, OnnxOp)
            schedule(part, to)


def _as_node(op: Conv) -> OnnxOp:
    """The ONNX node of a convolution."""
    xs = tuple(x for x in (op.x, op.weight, op.bias) if x is not None)
    return FloatOp(op.result, xs, "Conv", convolution_attributes(op))
