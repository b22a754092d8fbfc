"""What depends on the layout that onnxruntime runs an op in, channels-first or channels-last.

Its transpose optimizer decides that, so it is read off the graph that it made, and only where it
matters: whether QLinearAdd takes A and B in each other's roles (where an operand is broadcast, the
two sums of `qlinear_add` are rounded in another order, and differ in up to one per cent of values;
the roles follow from the shapes, `add_swaps_roles`), and in which arithmetic a linear Resize of
bytes runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from ..arithmetic import add_swaps_roles
from ..errors import CompileError
from ..ir.graph import Op
from ..operators.binary import QAdd
from ..operators.interpolation import ResizeBytes
from ..operators.onnx_op import Elementwise
from ..reference.oracle import Oracle, needs_signed_integer_kernels

_LAST = (0, 2, 3, 1)


def roles_depend_on_layout(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> bool:
    """Whether the roles of an Add of these 4-D (channels-first) shapes change in channels-last."""
    if not len(a_shape) == len(b_shape) == 4:
        return False  # only operands of rank 4 are moved
    last = [tuple(shape[axis] for axis in _LAST) for shape in (a_shape, b_shape)]
    return add_swaps_roles(*last) != add_swaps_roles(a_shape, b_shape)


def settle_by_layout(ops: Sequence[Op], model: onnx.ModelProto) -> None:
    """Sets `swapped` of the additions among the ops imported from `model` whose shapes don't tell,
    and `last` of the linear Resizes of bytes; only where there are such ops ONNX Runtime is asked
    for its optimized graph.
    """
    unsettled: dict[str, Elementwise | QAdd | ResizeBytes] = {}
    for op in ops:
        if isinstance(op, Elementwise) and op.op == "Add" and len(op.xs) == 2:
            operands = op.xs
        elif isinstance(op, QAdd):
            operands = (op.a, op.b)
        elif isinstance(op, ResizeBytes):
            unsettled[op.result.name] = op
            continue
        else:
            continue
        if roles_depend_on_layout(operands[0].type.shape, operands[1].type.shape):
            unsettled[op.result.name] = op
    if not unsettled:
        return
    named = onnx.ModelProto()
    named.CopyFrom(model)
    for node in named.graph.node:
        if node.output and node.output[0] in unsettled:
            node.name = node.output[0]
    oracle = Oracle(named, signed_integer_kernels=needs_signed_integer_kernels(named))
    for name, swapped in swapped_adds(oracle.optimized).items():
        settled = unsettled.get(name)
        if isinstance(settled, Elementwise | QAdd):
            settled.swapped = swapped
    settle_layouts([op for op in unsettled.values() if isinstance(op, ResizeBytes)], oracle)


def settle_layouts(ops: Sequence[ResizeBytes], oracle: Oracle) -> None:
    """Sets `last` of linear Resizes of bytes by the axes that they scale in the optimized graph."""
    constants = {t.name: numpy_helper.to_array(t) for t in oracle.optimized.graph.initializer}
    nodes = {node.name: node for node in oracle.optimized.graph.node}
    for op in ops:
        node, after = nodes.get(op.result.name), op.result.type.shape
        held = [constants[name] for name in (node.input[2:] if node else ()) if name in constants]
        moved = tuple(after[axis] for axis in _LAST) if op.first == 2 else after
        if held and held[-1].dtype == np.float32:
            op.last = bool(held[-1][3] == 1)
        elif held and (moved != after or op.first == 1):
            op.last = tuple(held[-1]) == moved
        else:
            raise CompileError(
                f"Resize %{op.result.name}: the layout that ONNX Runtime computes it in can't be "
                "told; put it between DequantizeLinear and QuantizeLinear"
            )


def swapped_adds(optimized: onnx.ModelProto) -> dict[str, bool]:
    """For each QLinearAdd of an optimized graph (`Oracle.optimized`), by node name: are A and B in
    each other's roles? The name is that of the Add in the model.

    Runs the graph once on zeros, to learn the shapes; its inputs need static shapes.
    """
    adds = [node for node in optimized.graph.node if node.op_type == "QLinearAdd"]
    shapes = {held.name: tuple(held.dims) for held in optimized.graph.initializer}
    wanted = {node.input[i] for node in adds for i in (0, 3)} - shapes.keys()
    shapes |= _shapes(optimized, sorted(wanted))
    return {node.name: add_swaps_roles(shapes[node.input[0]], shapes[node.input[3]]) for node in adds}


def _shapes(optimized: onnx.ModelProto, names: list[str]) -> dict[str, tuple[int, ...]]:
    if not names:
        return {}
    model = onnx.ModelProto()
    model.CopyFrom(optimized)
    given = {value.name: value.type.tensor_type for value in model.graph.input}
    shapes = {name: tuple(dim.dim_value for dim in kind.shape.dim) for name, kind in given.items()}
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {
        name: np.zeros(shapes[name], helper.tensor_dtype_to_np_dtype(given[name].elem_type))
        for name in (value.name for value in session.get_inputs())
    }
    results = session.run(names, feeds)
    return {name: result.shape for name, result in zip(names, results, strict=True)}
