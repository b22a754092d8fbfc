"""Puts integer ops in the place of the groups that ONNX Runtime runs in integers.

Rule: a group of dequantize .. op .. quantize that `fusion.groups` finds becomes one integer op;
what only fed the group goes.

Refusals: those of each operator's rule (operators/*.py, `fuse`); such an op stays in float.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph
from ..operators.catalogue import groups


@dataclass(frozen=True)
class FuseGroups:
    """dequantize .. op .. quantize to integer ops."""

    name: ClassVar[str] = "fuse_groups"

    def apply(self, graph: Graph) -> bool:
        # Once fused, a float op between pairs is one that onnxruntime computes in float.
        found = {} if graph.fused else groups(graph)
        graph.fused = True
        for last, op in found.items():
            graph.ops[graph.ops.index(last)] = op
        graph.remove_dead_ops()
        return bool(found)
