"""Models of many float nodes, each an output of its own, held to the tolerance on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.pipeline import compile_graph
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.verify.compare import TOLERANCE, Difference, Replay, Verification, relative_error
from onnx2wgsl.runtime_py import InferenceSession

Array = NDArray[Any]


@dataclass
class FloatModel:
    """Nodes in the making; every result of `node` is an output unless it is read by another."""

    opset: int = 21
    seed: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    inputs: dict[str, Array] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def draw(self, *shape: int) -> Array:
        return self.random.normal(0, 1, shape).astype(np.float32)

    def input(self, values: Array) -> str:
        name = f"x{len(self.inputs)}"
        self.inputs[name] = values
        return name

    def constant(self, values: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values)
        return name

    def node(self, op: str, *xs: str, name: str = "", **attributes: Any) -> str:
        """The result's name, which tells a failing test what it was."""
        result = name or f"{op}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, xs, [result], **attributes))
        self.outputs = [output for output in self.outputs if output not in xs] + [result]
        return result

    def build(self) -> onnx.ModelProto:
        values = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in self.inputs.items()
        ]
        held = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        outputs = [onnx.ValueInfoProto(name=name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "floats", values, outputs, held)
        imports = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        return onnx.shape_inference.infer_shapes(model)


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


def require_within_tolerance(made: FloatModel, folder: Path) -> Program:
    """Every output of a model that is all float."""
    checked = check(made.build(), made.inputs, folder)
    assert checked.errors.keys() <= set(made.outputs)
    checked.require()
    return checked.program
