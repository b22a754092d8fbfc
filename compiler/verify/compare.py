"""Decides how exact a compiled model is: bit for bit where it computes in integers, within
TOLERANCE where it computes in float.

Sums and functions of floats are rounded otherwise by every machine, so what comes behind a float
region is compared *given the same inputs*:

1. The interpreter and the simulator are given ONNX Runtime's own QuantizeLinear results behind
   float regions (`Expected.given`); every bit that integer groups make of them must be right.
2. On the device every kernel is replayed: the simulator gets the words that the kernels before it
   wrote on the device. Integer kernels must write the same words; at the end of a region the floats
   may differ by TOLERANCE of the largest magnitude in the tensor.

A ConvTranspose is a sum of integers here and one of floats in ONNX Runtime, so that now and then a
value is one step apart. Graphs are given ONNX Runtime's; programs and the device are held, bit for
bit, to what the packed graph makes with its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import CompileError
from ..ir.graph import Graph, Op, Tensors, Value
from ..ir.program import Kernel, Program, fills, outputs_filled
from ..ir.types import Array
from ..operators.convolution.packed import PackedConv
from ..operators.quantize import QuantizeByThresholds
from ..reference.oracle import Oracle
from .interpreter import run_graph
from .regions import Region, float_regions, outputs_after_floats, word_dtypes
from .simulator import run_program

TOLERANCE = 1e-5
"""Of the largest magnitude of a tensor that a float region makes."""
DISCRETE_TOLERANCE = 0.01
"""Part of the elements of a tensor of integers or booleans that comparisons of floats make."""

Feed = dict[str, Array]


# ---------------------------------------------------------------------------------- reference


@dataclass(frozen=True)
class Expected:
    """What ONNX Runtime makes of a sample: the outputs, and what QuantizeLinear makes of floats
    that float ops computed. `own`: the outputs with this compiler's ConvTranspose in its place.
    """

    sample: Feed
    outputs: Feed
    given: Feed
    own: Feed


def quantized_floats(graph: Graph) -> list[str]:
    """Names of the QuantizeLinear results behind float ops, in a packed graph."""
    return [
        op.result.name.removesuffix(".packed")
        for op in graph.ops
        if isinstance(op, QuantizeByThresholds) and op.x not in graph.inputs
    ]


def transposed_results(graph: Graph) -> dict[str, Op]:
    """The ops of a packed graph that make what ONNX Runtime's ConvTranspose makes, by its name."""
    makers = {op.result.name.removesuffix(".packed"): op for op in graph.ops}
    phases = (
        op.result.name.removesuffix(".packed").removesuffix(".phases")
        for op in graph.ops
        if isinstance(op, PackedConv) and op.float_reference
    )
    return {name: makers[name] for name in phases if name in makers}


def expect(oracle: Oracle, sample: Feed, names: Sequence[str]) -> Expected:
    """Runs a sample; `names` are those of `quantized_floats` and `transposed_results`."""
    outputs = oracle.run(sample)
    given = oracle.intermediate(sample, names) if names else {}
    return Expected(sample, outputs, given, outputs)


def run_stage(stage: Graph | Program, expected: Expected) -> Feed:
    """Outputs of either IR, given what ONNX Runtime quantized behind float regions."""
    if isinstance(stage, Program):
        return run_program(stage, expected.sample, given=expected.given)
    return run_graph(stage, expected.sample, given=given_names(expected))


def given_names(expected: Expected, without: Collection[str] = ()) -> Feed:
    """The given tensors by the names that they have before and after packing."""
    given = {name: values for name, values in expected.given.items() if name not in without}
    packed = {
        f"{name}.packed": (values.view(np.uint8) ^ np.uint8(0x80)).view(np.int8)
        if values.dtype == np.uint8
        else values
        for name, values in given.items()
    }
    return given | packed


# ---------------------------------------------------------------------------------- comparison


@dataclass
class Difference:
    """How two sets of outputs differ: exact values by their bits, floats by the largest error."""

    values: int = 0
    differing: int = 0
    floats: int = 0
    error: float = 0.0
    first: str = ""

    @property
    def ok(self) -> bool:
        return not self.differing and self.error <= TOLERANCE

    def add(self, other: Difference) -> None:
        self.values += other.values
        self.differing += other.differing
        self.floats += other.floats
        self.error = max(self.error, other.error)
        self.first = self.first or other.first


def compare(expected: Feed, found: Feed, floats: set[str]) -> Difference:
    """All outputs; those named in `floats` are held to the tolerance."""
    total = Difference()
    for name, want in expected.items():
        have = found[name]
        if (have.dtype, have.shape) != (want.dtype, want.shape):
            forms = [f"{array.dtype}{list(array.shape)}" for array in (have, want)]
            first = f"output {name!r} is {forms[0]}, expected {forms[1]}"
            total.add(Difference(want.size, want.size, first=first))
        elif name in floats:
            total.add(Difference(floats=want.size, error=relative_error(want, have)))
        else:
            total.add(_exactly(name, want, have))
    return total


def _exactly(name: str, want: Array, have: Array) -> Difference:
    places = np.argwhere(bits(want) != bits(have))
    first = ""
    if len(places):
        at = tuple(int(index) for index in places[0])
        first = f"output {name!r} {list(at)} is {have[at]}, expected {want[at]}"
    return Difference(want.size, len(places), first=first)


def bits(values: Array) -> Array:
    """Values by their bits, so that -0 and NaN compare too."""
    words = np.ascontiguousarray(values)
    return words.view(f"u{values.dtype.itemsize}").reshape(values.shape)


def relative_error(want: Array, have: Array) -> float:
    """The largest difference, relative to the largest finite magnitude; of integers and booleans
    the part that differs, so scaled that DISCRETE_TOLERANCE counts as TOLERANCE.
    """
    if not want.size:
        return 0.0
    if want.dtype.kind != "f":
        return float((want != have).mean()) * TOLERANCE / DISCRETE_TOLERANCE
    same = (want == have) | (np.isnan(want) & np.isnan(have))
    if same.all():
        return 0.0
    finite = np.abs(want[np.isfinite(want)].astype(np.float64))
    scale = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(want.astype(np.float64) - have.astype(np.float64))
    worst = np.where(same, 0, difference).max()
    return float("inf") if np.isnan(worst) else float(worst) / scale


@dataclass
class Steps:
    """Values of ConvTranspose: how many there are, how many differ, and by how many steps."""

    values: int = 0
    differing: int = 0
    most: int = 0

    @property
    def ok(self) -> bool:
        return self.most <= 1

    def add(self, other: Steps) -> None:
        self.values += other.values
        self.differing += other.differing
        self.most = max(self.most, other.most)


# ---------------------------------------------------------------------------------- device


@dataclass
class Replay:
    """What a trace of the device showed: words that differ by integer kernel, the largest error of
    each region.
    """

    wrong: dict[str, int] = field(default_factory=dict)
    words: int = 0
    errors: dict[int, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.wrong and all(error <= TOLERANCE for error in self.errors.values())

    def add(self, other: Replay) -> None:
        for name, count in other.wrong.items():
            self.wrong[name] = self.wrong.get(name, 0) + count
        self.words += other.words
        for number, error in other.errors.items():
            self.errors[number] = max(self.errors.get(number, 0.0), error)


def replay(
    program: Program, regions: Sequence[Region], sample: Feed, trace: Mapping[str, list[Array]]
) -> Replay:
    """Compares every kernel with what it wrote on the device (`InferenceSession.trace`), each fed
    with the device's own words.
    """
    found = Replay(errors={region.number: 0.0 for region in regions})
    inside = {kernel: region for region in regions for kernel in region.kernels}
    kinds = word_dtypes(program)

    def look(kernel: Kernel, mine: list[Array]) -> list[Array] | None:
        theirs = [words.reshape(m.shape) for m, words in zip(mine, trace[kernel.name], strict=True)]
        region = inside.get(kernel)
        if region is None:
            differing = sum(int((a != b).sum()) for a, b in zip(mine, theirs, strict=True))
            found.words += sum(words.size for words in mine)
            if differing:
                found.wrong[kernel.name] = differing
            return theirs
        if kernel not in region.ends:
            return None
        for a, b in zip(mine, theirs, strict=True):
            error = relative_error(*(_typed(words, kinds.get(kernel, "f32")) for words in (a, b)))
            found.errors[region.number] = max(found.errors[region.number], error)
        return theirs

    run_program(program, sample, replace=look)
    return found


def _typed(words: Array, dtype: str) -> Array:
    return np.ascontiguousarray(words).view(np.float32 if dtype == "f32" else np.int32)


# ---------------------------------------------------------------------------------- all of it


class Verification:
    """A model's compilation against ONNX Runtime, over any number of samples.

    `graph`: what `compile_graph` left of the graph, packed. `note` says why ONNX Runtime's results
    behind float regions could not be had, where that is so: then only kernels are compared.
    """

    def __init__(self, oracle: Oracle, program: Program, graph: Graph) -> None:
        self.oracle = oracle
        self.program = program
        self.graph = graph
        self.regions = float_regions(program)
        self.after_floats, self.float_outputs = outputs_after_floats(program)
        self.transposed = transposed_results(graph)
        self.names = quantized_floats(graph) if self.regions else []
        self.names += [name for name in self.transposed if name not in self.names]
        self.note = ""

    def expect(self, sample: Feed) -> Expected:
        """What ONNX Runtime makes of a sample."""
        try:
            expected = expect(self.oracle, sample, self.names)
        except CompileError as error:
            self.names, self.note = [], str(error)
            expected = expect(self.oracle, sample, [])
        if not self.transposed:
            return expected
        given = given_names(expected, without=self.transposed)
        return replace(expected, own=run_graph(self.graph, sample, given=given))

    def stage(self, stage: Graph | Program, expected: Expected) -> Difference:
        """One IR after one pass, given what ONNX Runtime quantized behind float regions."""
        tolerated = self.after_floats if self.note else self.float_outputs
        wanted = expected.outputs if isinstance(stage, Graph) else expected.own
        return compare(wanted, run_stage(stage, expected), tolerated)

    def outputs(self, expected: Expected, found: Feed) -> Difference:
        """Outputs of the device; those behind float regions are left to `replay`."""
        exact = {n: v for n, v in expected.own.items() if n not in self.after_floats}
        return compare(exact, found, set())

    def steps(self, expected: Expected) -> Steps:
        """How the ConvTranspose here differ from ONNX Runtime's, given the same inputs."""
        found = Steps()
        tensors: dict[Value, Array] = {}
        wanted = given_names(expected)
        run_graph(self.graph, expected.sample, tensors.__setitem__, wanted)
        for op in self.transposed.values():
            if op.result.name not in wanted:
                continue
            have = op.evaluate(Tensors(tensors))
            apart = np.abs(have.astype(np.int64) - wanted[op.result.name])
            found.add(Steps(apart.size, int((apart > 0).sum()), int(apart.max(initial=0))))
        return found

    def replay(self, session: Any, expected: Expected) -> Replay:
        """Every kernel on the device; `session`: an InferenceSession of the program's artifact.

        A region's error is that of the device against the simulator, and that of the simulator
        against ONNX Runtime's own nodes, together.
        """
        trace = session.trace(expected.sample)
        found = replay(self.program, self.regions, expected.sample, trace)
        for number, error in self._decomposition_errors(expected).items():
            found.errors[number] += error
        return found

    def _decomposition_errors(self, expected: Expected) -> dict[int, float]:
        """How far the kernels of each region, as the simulator runs them, are from the nodes."""
        if not self.regions:
            return {}
        tensors: dict[str, Array] = {}

        def keep(value: Value, tensor: Array) -> None:
            if not value.type.is_byte:
                tensors[value.name] = tensor

        given = given_names(expected, without=self.transposed)
        outputs = run_graph(self.graph, expected.sample, keep, given)
        ends = {kernel: region for region in self.regions for kernel in region.ends}
        errors = dict.fromkeys((region.number for region in self.regions), 0.0)
        kinds = word_dtypes(self.program)

        def look(kernel: Kernel, written: list[Array]) -> None:
            if kernel not in ends:
                return
            named = [view.buffer.name for view in fills(kernel)]
            wanted = [tensors.get(name) for name in named]
            wanted += [outputs[name] for name in outputs_filled(kernel)]
            for want, words in zip(wanted, written, strict=True):
                if want is not None and want.size == words.size and want.dtype.itemsize == 4:
                    have = _typed(words, kinds[kernel]).reshape(want.shape)
                    number = ends[kernel].number
                    errors[number] = max(errors[number], relative_error(want, have))

        run_program(self.program, expected.sample, look, given=expected.given)
        return errors
