"""Settles what depends on the layout that onnxruntime runs an op in, channels-first or channels-last.

Each family says which of its ops wait for that, and what they ask of the optimized graph
(`by_layout` in its file). Only where there are such ops is onnxruntime asked for that graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from ..ir.graph import Op
from ..operators.base import Settlement
from ..operators.catalogue import LAYOUT_RULES
from ..reference.layout import OptimizedGraph
from ..reference.oracle import Oracle, needs_signed_integer_kernels


def settle_by_layout(ops: Sequence[Op], model: onnx.ModelProto) -> None:
    """Tells the ops imported from `model` that wait for it in which layout they run."""
    waiting = {op.result.name: settle for op in ops if (settle := _settlement(op)) is not None}
    if not waiting:
        return
    named = onnx.ModelProto()
    named.CopyFrom(model)
    for node in named.graph.node:  # an op is known by its result, which the optimizer renames
        if node.output and node.output[0] in waiting:
            node.name = node.output[0]
    oracle = Oracle(named, signed_integer_kernels=needs_signed_integer_kernels(named))
    optimized = OptimizedGraph(oracle.optimized, waiting)
    for settle in waiting.values():
        settle(optimized)


def _settlement(op: Op) -> Settlement | None:
    """What settles `op`; None where it computes alike in both layouts."""
    found = (rule(op) for rule in LAYOUT_RULES)
    return next((settle for settle in found if settle is not None), None)
