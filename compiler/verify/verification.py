"""Compares any compiled model with ONNX Runtime: its passes, its program, a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir.graph import Graph
from ..ir.program import Program
from ..pipeline import compile_graph
from ..reference.oracle import Oracle
from .compare import Difference, Feed, Steps, compare
from .compiled import Compiled
from .expectation import Expectation, Expected
from .replay import Device, decomposition_errors, first_wrong_kernel, replay
from .report import Report
from .stages import Stage, after, compare_stage

Tell = Callable[[], None]
"""Called after every step of a comparison."""


class Verification:
    """A compiled model over samples; every comparison adds to `report`.

    Raises CompileError where ONNX Runtime does not take the samples.
    """

    def __init__(self, oracle: Oracle, compiled: Compiled, samples: Sequence[Feed]) -> None:
        self.compiled = compiled
        self.expectation = Expectation(oracle, compiled)
        self.expected = [self.expectation.of(sample) for sample in samples]
        self.report = Report(
            oracle.reference,
            len(samples),
            self.expectation.regions,
            self.expectation.transposed,
            self.expectation.integers,
        )

    def stage(self, name: str, stage: Graph | Program) -> Stage:
        """One IR after one pass, given what ONNX Runtime quantized behind float regions."""
        return self._add(compare_stage(name, stage, self.expected, self.expectation.tolerated))

    def each_pass(self, imported: Graph, tell: Tell = lambda: None) -> None:
        """The import and every pass. `imported`: the model once more; it is compiled in place."""

        def observe(name: str, stage: Graph | Program) -> None:
            self.stage(after(name), stage)
            tell()

        compile_graph(imported, observe)

    def on_device(self, device: Device, tell: Tell = lambda: None) -> None:
        """The outputs, and where floats or their sums are in the way, what they were made of."""
        self.outputs(device, tell)
        if self.expectation.regions:
            self.replay(device)
        self.steps()

    def outputs(self, device: Device, tell: Tell = lambda: None) -> Stage:
        """Outputs of the device; those behind float regions are left to `replay`."""
        differences = []
        for expected in self.expected:
            differences.append(self.compare_outputs(expected, device.run(expected.sample)))
            tell()
        self.report.device = device.name
        stage = self._add(Stage.of(f"on {device.name}", differences))
        if stage.first_sample is not None:
            sample = self.expected[stage.first_sample].sample
            stage.detail = first_wrong_kernel(self.compiled.program, device, sample)
        return stage

    def compare_outputs(self, expected: Expected, outputs: Feed) -> Difference:
        """Those outputs of a device that no float region is before."""
        exact = {n: v for n, v in expected.own.items() if n not in self.expectation.after_floats}
        return compare(exact, outputs)

    def replay(self, device: Device) -> None:
        """Every kernel on the device.

        A region's error is that of the device against the simulator, and that of the simulator
        against ONNX Runtime's own nodes, together.
        """
        for expected in self.expected:
            trace = device.trace(expected.sample)
            regions, transposed = self.expectation.regions, self.expectation.transposed
            result = replay(self.compiled.program, regions, expected.sample, trace)
            errors = decomposition_errors(self.compiled, regions, expected, transposed)
            for number, error in errors.items():
                result.errors[number] += error
            self.report.replay.add(result)

    def steps(self) -> None:
        """How far what ConvTranspose and float regions make here is from ONNX Runtime's."""
        for expected in self.expected:
            if self.expectation.transposed:
                self.report.steps.add(self.expectation.steps(expected))
            if self.expectation.regions:
                for name, steps in self.expectation.region_steps(expected).items():
                    self.report.region_steps.setdefault(name, Steps()).add(steps)

    def _add(self, stage: Stage) -> Stage:
        self.report.stages.append(stage)
        return stage
