"""Puts integer ops in the place of the groups that ONNX Runtime runs in integers.

Rule: a group of dequantize .. op .. quantize that `fusion.groups` finds becomes one integer op;
what only fed the group goes. The graph is of the stage `integer` then: what is still float is float.

Refusals: those of each operator's rule (operators/*.py, `fuse`); such an op stays in float.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..ir.graph import Graph, Stage
from ..operators.catalogue import groups


@dataclass(frozen=True)
class FuseGroups:
    """dequantize .. op .. quantize to integer ops."""

    name: ClassVar[str] = "fuse_groups"

    def apply(self, graph: Graph) -> bool:
        if graph.stage is not Stage.IMPORTED:
            return False
        fused = groups(graph)
        graph.ops = [fused.get(op, op) for op in graph.ops]
        graph.remove_dead_ops()
        graph.stage = Stage.INTEGER
        return True
