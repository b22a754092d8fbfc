"""Random nets shrink: a planted bug is reported as the smallest net that shows it."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import settings
from onnx2wgsl.compiler.fuzzing.kinds.conv import ConvNode
from onnx2wgsl.compiler.fuzzing.models import Net, build, feed
from onnx2wgsl.compiler.fuzzing.nets import nets
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.operators.convolution import kernel as convolution_kernel
from onnx2wgsl.compiler.verify.compare import Feed, same_bits
from onnx2wgsl.compiler.verify.stages import run_stage

from .checks import compile_net, truncating
from .profiles import PHASES


def shows_the_bug(net: Net) -> bool:
    """Whether the simulator's outputs differ from the imported graph's."""
    inputs = feed(net)
    stages: dict[str, Feed] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        if name in ("import", "allocate_buffers"):
            stages[name] = run_stage(stage, inputs)

    compile_net(net, observe)
    return not same_bits(stages["import"], stages["allocate_buffers"])


def test_a_planted_rounding_bug_shrinks_to_one_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution_kernel, "requantize", truncating)
    quick = settings(max_examples=200, phases=PHASES, derandomize=True, database=None)
    smallest = hypothesis.find(nets(), shows_the_bug, settings=quick)
    assert [type(node) for node in smallest.nodes] == [ConvNode]
    ops = [node.op_type for node in build(smallest).graph.node]
    assert [op for op in ops if op not in ("QuantizeLinear", "DequantizeLinear")] == ["Conv"]
    assert sum(np.prod(x.shape) for x in feed(smallest).values()) <= 8
    monkeypatch.undo()
    assert not shows_the_bug(smallest)
