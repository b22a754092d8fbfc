"""Settles what of an imported op depends on the layout that ONNX Runtime runs it in.

ONNX Runtime is asked for its optimized graph (`reference/layout.py`) only where it matters: whether
QLinearAdd takes A and B in each other's roles (where an operand is broadcast, the two sums of
`qlinear_add` are rounded in another order, and differ in up to one per cent of values; the roles follow
from the shapes, `add_swaps_roles`), and in which arithmetic a linear Resize of bytes runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from ..errors import CompileError
from ..ir.graph import Op
from ..ir.types import Array
from ..operators.binary import QAdd
from ..operators.interpolation import ResizeBytes
from ..operators.onnx_op import Elementwise
from ..reference.layout import channels_last, resize_extents, roles_depend_on_layout, swapped_adds
from ..reference.oracle import Oracle, needs_signed_integer_kernels


def settle_by_layout(ops: Sequence[Op], model: onnx.ModelProto) -> None:
    """Sets `swapped` of the additions among the ops imported from `model` whose shapes don't tell,
    and `last` of the linear Resizes of bytes.
    """
    adds = {op.result.name: op for op in ops if isinstance(op, Elementwise | QAdd) and _is_unsettled(op)}
    resizes = [op for op in ops if isinstance(op, ResizeBytes)]
    if not adds and not resizes:
        return
    optimized = _optimized(model, {*adds, *(op.result.name for op in resizes)})
    for name, swapped in swapped_adds(optimized).items():
        if name in adds:
            adds[name].swapped = swapped
    extents = resize_extents(optimized)
    for op in resizes:
        op.last = _is_last(op, extents.get(op.result.name))


def _is_unsettled(op: Elementwise | QAdd) -> bool:
    """Whether the roles of an addition's operands depend on the layout."""
    if isinstance(op, QAdd):
        return roles_depend_on_layout(op.a.type.shape, op.b.type.shape)
    if op.op != "Add" or len(op.xs) != 2:
        return False
    return roles_depend_on_layout(*(x.type.shape for x in op.xs))


def _optimized(model: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    """The optimized graph, in which the nodes that make the tensors `names` are named after them."""
    named = onnx.ModelProto()
    named.CopyFrom(model)
    for node in named.graph.node:
        if node.output and node.output[0] in names:
            node.name = node.output[0]
    return Oracle(named, signed_integer_kernels=needs_signed_integer_kernels(named)).optimized


def _is_last(op: ResizeBytes, extent: Array | None) -> bool:
    """Whether a linear Resize of bytes runs in channels-last, by the axes that it scales there."""
    after = op.result.type.shape
    last = channels_last(after) if op.first == 2 else after
    if extent is not None and extent.dtype == np.float32:
        return bool(extent[3] == 1)
    if extent is not None and (last != after or op.first == 1):
        return tuple(extent) == last
    raise CompileError(
        f"Resize %{op.result.name}: the layout that ONNX Runtime computes it in can't be "
        "told; put it between DequantizeLinear and QuantizeLinear"
    )
