"""What ONNX Runtime makes of a sample, also inside of a model where floats are quantized again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import CompileError
from ..ir.graph import Tensors, Value
from ..ir.types import Array
from ..reference.oracle import Oracle
from .compare import Feed, Steps
from .compiled import Compiled
from .interpreter import run_graph
from .origins import as_values, quantized_floats, transposed_results
from .regions import float_regions, outputs_after_floats


@dataclass(frozen=True)
class Expected:
    """What ONNX Runtime makes of a sample: the outputs, and what QuantizeLinear makes of floats
    that float ops computed, which is `inside` of the model. `own`: the outputs with this compiler's
    ConvTranspose in its place.
    """

    sample: Feed
    outputs: Feed
    inside: Feed
    own: Feed

    @classmethod
    def of_outputs(cls, sample: Feed, outputs: Feed) -> Expected:
        """Of a model without float regions: nothing inside of it is needed."""
        return cls(sample, outputs, {}, outputs)


class Expectation:
    """What ONNX Runtime makes of samples of a compiled model.

    `after_floats`: outputs that depend on a float region; `float_outputs`: those of them with no
    QuantizeLinear in between. `transposed`: what makes the results of ConvTranspose, by their
    names. `names`: the tensors inside of the model that are asked for; `note` says why they could
    not be had, where that is so: then only kernels are compared.
    """

    def __init__(self, oracle: Oracle, compiled: Compiled) -> None:
        self.oracle = oracle
        self.packed = compiled.packed
        self.regions = float_regions(compiled.program)
        self.after_floats, self.float_outputs = outputs_after_floats(compiled.program)
        self.transposed = transposed_results(compiled.packed)
        behind = quantized_floats(compiled.packed) if self.regions else []
        self.names = list(dict.fromkeys([*behind, *self.transposed]))
        self.note = ""

    @property
    def tolerated(self) -> set[str]:
        """The outputs that a stage is held to the tolerance in."""
        return self.after_floats if self.note else self.float_outputs

    def of(self, sample: Feed) -> Expected:
        """Raises CompileError where ONNX Runtime does not take the sample."""
        expected = Expected.of_outputs(sample, self.oracle.run(sample))
        expected = replace(expected, inside=self._inside(sample))
        if not self.transposed:
            return expected
        inside = as_values(self.packed, expected.inside, without=self.transposed)
        return replace(expected, own=run_graph(self.packed, sample, given=inside))

    def _inside(self, sample: Feed) -> Feed:
        if not self.names or self.note:
            return {}
        try:
            return self.oracle.intermediate(sample, self.names)
        except CompileError as error:
            self.note = str(error)
            return {}

    def steps(self, expected: Expected) -> Steps:
        """How the ConvTranspose here differ from ONNX Runtime's, given the same inputs."""
        total = Steps()
        tensors: dict[Value, Array] = {}
        inside = as_values(self.packed, expected.inside)
        run_graph(self.packed, expected.sample, tensors.__setitem__, inside)
        for op in self.transposed.values():
            if op.result.name in inside:
                own = op.evaluate(Tensors(tensors))
                total.add(Steps.between(inside[op.result.name], own))
        return total
