"""What ONNX Runtime makes of a sample, also inside of a model where floats are quantized again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CompileError
from ..ir.graph import Tensors, Value
from ..ir.types import Array
from ..operators.quantize import QuantizeByThresholds, levels_of
from ..reference.oracle import Oracle
from .compare import TOLERANCE, Feed, Steps, magnitude
from .compiled import Compiled
from .interpreter import run_graph
from .origins import as_values, quantized_floats, transposed_results
from .regions import Region, float_regions, outputs_after_floats


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
    names; `quantized`: what quantizes the results of float regions. `integers`: what a float region
    makes and ONNX Runtime makes in integers, with its operator of each. `names`: the tensors inside
    of the model that are asked for; `note` says why they could not be had, where that is so: then
    only kernels are compared.
    """

    def __init__(self, oracle: Oracle, compiled: Compiled) -> None:
        self.oracle = oracle
        self.packed = compiled.packed
        self.regions = float_regions(compiled.program)
        self.after_floats, self.float_outputs = outputs_after_floats(compiled.program)
        self.transposed = transposed_results(compiled.packed)
        self.quantized = quantized_floats(compiled.packed) if self.regions else {}
        self.integers = integers_in_float(oracle, self.regions, self.quantized)
        self.names = list(dict.fromkeys([*self.quantized, *self.transposed]))
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
        return replace(expected, own=run_graph(self.packed, sample, substitutes=inside))

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
        operands, inside = self._given_the_same(expected)
        for op in self.transposed.values():
            if op.result.name in inside:
                total.add(Steps.between(inside[op.result.name], op.evaluate(operands)))
        return total

    def region_steps(self, expected: Expected) -> dict[str, Steps]:
        """How what is quantized behind float regions differs from ONNX Runtime's, given the same inputs,
        by the model's names of the tensors; with no values where ONNX Runtime's could not be had.
        """
        operands, inside = self._given_the_same(expected)
        steps = dict.fromkeys(self.integers, Steps())
        for name, op in self.quantized.items():
            if op.result.name in inside:
                steps[name] = _region_steps(op, inside[op.result.name], operands)
        return steps

    def _given_the_same(self, expected: Expected) -> tuple[Tensors, Feed]:
        """All tensors here, where those that are compared are ONNX Runtime's; and those."""
        tensors: dict[Value, Array] = {}
        inside = as_values(self.packed, expected.inside)
        run_graph(self.packed, expected.sample, tensors.__setitem__, inside)
        return Tensors(tensors), inside


def _region_steps(quantize: QuantizeByThresholds, want: Array, operands: Tensors) -> Steps:
    """ONNX Runtime's bytes may be those of any floats within TOLERANCE of the ones here."""
    x = operands[quantize.x]
    reach = np.float32(TOLERANCE * magnitude(x))
    have, low, high = (
        levels_of(values, quantize.thresholds.array).astype(np.int64) for values in (x, x - reach, x + reach)
    )
    return Steps.within(want, have, (low, high))


def integers_in_float(
    oracle: Oracle, regions: Sequence[Region], quantized: Collection[str]
) -> dict[str, str]:
    """What float `regions` make, also `quantized` behind them, and ONNX Runtime makes in integers: the
    names of the tensors, with its operator of each.
    """
    if not regions:
        return {}
    floats = {node.partition(" ")[2] for region in regions for node in region.nodes}
    integers = oracle.results_in_integers()
    return {name: op_type for name, op_type in integers.items() if name in floats or name in quantized}
