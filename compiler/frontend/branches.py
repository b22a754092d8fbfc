"""Puts the branch that an If of a constant condition takes in its place."""

from __future__ import annotations

from typing import Any

import onnx_graphsurgeon as gs


def inline_branches(graph: Any) -> bool:
    """Does so in a graph of onnx-graphsurgeon, without looking into branches; says whether there was one."""
    constant = [node for node in graph.nodes if node.op == "If" and isinstance(node.inputs[0], gs.Constant)]
    for node in constant:
        _inline(graph, node)
    return bool(constant)


def _inline(graph: Any, node: Any) -> None:
    branch = node.attrs["then_branch" if node.inputs[0].values.any() else "else_branch"]
    outside = {id(tensor) for tensor in graph.tensors().values()}
    for tensor in branch.tensors().values():
        if id(tensor) not in outside and tensor.name:
            tensor.name = f"{node.outputs[0].name}/{tensor.name}"
    results = list(node.outputs)
    node.outputs.clear()
    # What a branch gives may be a tensor from outside of it, or one tensor twice.
    ends = [
        gs.Node("Identity", result.name, inputs=[inner], outputs=[result])
        for result, inner in zip(results, branch.outputs, strict=True)
    ]
    at = graph.nodes.index(node)
    graph.nodes[at : at + 1] = [*branch.nodes, *ends]
