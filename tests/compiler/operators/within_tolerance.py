"""Models with float nodes held to onnxruntime at every stage and on the device: integers bit for bit,
floats within the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.frontend.importer import import_model
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import compile_graph
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.verify.compare import (
    TOLERANCE,
    Difference,
    Replay,
    Verification,
    relative_error,
)
from onnx2wgsl.runtime_py import InferenceSession

from tests.builders.nodes import NodeBuilder

Array = NDArray[Any]


@dataclass(frozen=True)
class Checked:
    """What the comparison with onnxruntime gave: `errors` of the outputs on the device."""

    program: Program
    verification: Verification
    stages: Mapping[str, Difference]
    outputs: Difference
    replay: Replay
    errors: Mapping[str, float]

    def require(self) -> None:
        """AssertionError unless all is exact, or within the tolerance where it is float."""
        assert {name: error for name, error in self.errors.items() if error > TOLERANCE} == {}
        assert {name: stage for name, stage in self.stages.items() if not stage.ok} == {}
        assert self.outputs.ok, self.outputs
        assert self.replay.ok, self.replay


def check(model: onnx.ModelProto, feed: Mapping[str, Array], folder: Path) -> Checked:
    """Every stage and the device against onnxruntime."""
    path = folder / "model.onnx"
    onnx.save(model, path)
    oracle = Oracle(path, signed_integer_kernels=needs_signed_integer_kernels(model))
    graph = import_model(path)
    program = compile_graph(graph)
    verification = Verification(oracle, program, graph)
    expected = verification.expect(dict(feed))
    assert not verification.note, verification.note
    stages: dict[str, Difference] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        stages[name] = verification.stage(stage, expected)

    compile_graph(import_model(path), observe)
    write_artifact(program, folder / "compiled", source=path)
    with InferenceSession(folder / "compiled") as session:
        names: Sequence[str] = [tensor.name for tensor in session.get_outputs()]
        found = dict(zip(names, session.run(None, feed), strict=True))
        replay = verification.replay(session, expected)
        report = session.self_test()
        assert report.ok, str(report)
    outputs = verification.outputs(expected, found)
    errors = {
        name: relative_error(expected.outputs[name], found[name]) for name in verification.float_outputs
    }
    return Checked(program, verification, stages, outputs, replay, errors)


def require_within_tolerance(made: NodeBuilder, folder: Path) -> Program:
    """Every output of a model that is all float."""
    checked = check(made.build(), made.inputs, folder)
    assert checked.errors.keys() <= set(made.outputs)
    checked.require()
    return checked.program
