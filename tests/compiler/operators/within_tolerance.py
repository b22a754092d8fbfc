"""Models with float nodes held to onnxruntime at every stage and on the device: integers bit for bit,
floats within the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.pipeline import import_or_refuse
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import TOLERANCE, relative_error
from onnx2wgsl.compiler.verify.compiled import Compiled
from onnx2wgsl.compiler.verify.replay import Replay
from onnx2wgsl.compiler.verify.verification import Verification

from tests.builders.nodes import NodeBuilder


@dataclass(frozen=True)
class Checked:
    """What the comparison with onnxruntime gave: `errors` of the outputs on the device."""

    verification: Verification
    errors: Mapping[str, float]

    @property
    def program(self) -> Program:
        return self.verification.compiled.program

    @property
    def replay(self) -> Replay:
        return self.verification.report.replay

    def require(self) -> None:
        """AssertionError unless all is exact, or within the tolerance where it is float."""
        assert {name: error for name, error in self.errors.items() if error > TOLERANCE} == {}
        report = self.verification.report
        assert report.wrong is None, report.verdict


def check(model: onnx.ModelProto, feed: Mapping[str, Array], folder: Path) -> Checked:
    """Every stage and the device against onnxruntime."""
    path = folder / "model.onnx"
    onnx.save(model, path)
    verification = Verification(reference_of(path), Compiled.of(import_or_refuse(path)), [dict(feed)])
    expectation, (expected,) = verification.expectation, verification.expected
    assert not expectation.note, expectation.note
    verification.each_pass(import_model(path))
    with open_program(verification.compiled.program, path) as device:
        verification.on_device(device)
        outputs = device.run(expected.sample)
        self_test = device.session.self_test()
        assert self_test.ok, str(self_test)
    return Checked(
        verification,
        {name: relative_error(expected.outputs[name], outputs[name]) for name in expectation.float_outputs},
    )


def require_within_tolerance(builder: NodeBuilder, folder: Path) -> Program:
    """Every output of a model that is all float."""
    checked = check(builder.build(), builder.inputs, folder)
    assert checked.errors.keys() <= set(builder.outputs)
    checked.require()
    return checked.program
