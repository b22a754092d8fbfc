"""Settles what depends on the layout that onnxruntime runs an op in, channels-first or channels-last.

Each family says which of its ops wait for that, and what they ask of the optimized graph
(`by_layout` in its file).
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from ..ir.graph import Op
from ..operators.base import Settlement
from ..operators.catalogue import LAYOUT_RULES
from ..reference.layout import OptimizedGraph
from ..reference.oracle import reference_of, require_loadable


def settle_by_layout(ops: Sequence[Op], model: onnx.ModelProto) -> None:
    """Tells the ops imported from `model` that wait for it in which layout they run.

    Raises CompileError where onnxruntime does not load the model.
    """
    settlements = {op.result.name: settle for op in ops if (settle := _settlement(op)) is not None}
    if not settlements:  # what the reference refuses shows all the same
        require_loadable(model)
        return
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:  # an op is known by its result, which the optimizer renames
        if node.output and node.output[0] in settlements:
            node.name = node.output[0]
    oracle = reference_of(copy)
    optimized = OptimizedGraph(oracle.optimized, settlements)
    for settle in settlements.values():
        settle(optimized)


def _settlement(op: Op) -> Settlement | None:
    """What settles `op`; None where it computes alike in both layouts."""
    settlements = (rule(op) for rule in LAYOUT_RULES)
    return next((settle for settle in settlements if settle is not None), None)
