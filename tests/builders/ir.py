"""Pass tests in textual IR: `check` one rule, or that a pass leaves a graph `unchanged`."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from onnx2wgsl.compiler.ir.graph import Graph, Stage
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import external_data, format_graph, format_ir, parse_graph, parse_ir
from onnx2wgsl.compiler.ir.types import NUMPY_DTYPES, Array
from onnx2wgsl.compiler.ir.verifier import verify
from onnx2wgsl.compiler.passes import GraphPass
from onnx2wgsl.compiler.passes.fuse_groups import FuseGroups
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph

from tests.compiler.exactness import drawn


def check(step: GraphPass, before: str, after: str, *, evaluate: bool = True) -> Graph:
    """`step` makes `after` of `before`; both give the same bits on seeded inputs.

    `evaluate=False` where the input has no meaning in integers, so that it can't be run.
    """
    graph = parse_graph(before)
    verify(graph, "the text")
    if evaluate:
        feed = seeded(graph)
        expected = run_graph(parse_graph(before), feed)
    assert step.apply(graph), f"{step.name} says that nothing changed"
    verify(graph, step.name)
    assert format_graph(graph) == format_graph(parse_graph(after))
    if evaluate:
        assert same_bits(run_graph(graph, feed), expected)
    assert not step.apply(graph), f"{step.name} changes its own result again"
    return graph


def unchanged(step: GraphPass, text: str) -> None:
    """`step` leaves the graph of `text` as it is, and says so."""
    graph = parse_graph(text)
    verify(graph, "the text")
    before = format_graph(graph)
    assert not step.apply(graph), f"{step.name} says that it changed something"
    assert format_graph(graph) == before


def check_fused(before: str, after: str) -> Graph:
    """FuseGroups makes `after` of `before`, of the stage `integer`."""
    return check(FuseGroups(), before, after.replace(" {", " stage integer {", 1))


def check_left_in_float(text: str) -> None:
    """FuseGroups finds no group in the graph of `text`: nothing changes but the stage."""
    graph, original = parse_graph(text), parse_graph(text)
    FuseGroups().apply(graph)
    original.stage = Stage.INTEGER
    assert format_graph(graph) == format_graph(original)


Stages = TypeVar("Stages", Graph, Program)


def reparsed(stage: Stages) -> Stages:
    """What the text of a graph or program is, which prints the same."""
    text = format_ir(stage)
    parsed = parse_ir(text, external_data(stage))
    assert isinstance(parsed, type(stage))
    assert format_ir(parsed) == text
    return parsed


def seeded(graph: Graph) -> dict[str, Array]:
    """Inputs of a graph."""
    rng = np.random.default_rng(0)
    return {
        value.name: drawn(rng, NUMPY_DTYPES[value.type.dtype], value.type.shape) for value in graph.inputs
    }
