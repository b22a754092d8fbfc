"""Compiles one model, runs it on the default adapter, and judges it against onnxruntime."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.passes.pack_int8 import PackInt8
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.integer_groups import Groups
from onnx2wgsl.compiler.reference.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.verify.compare import Difference, Replay, Steps, Verification
from onnx2wgsl.compiler.verify.regions import Region
from onnx2wgsl.runtime_py import InferenceSession

from .cases import Case

Feed = dict[str, NDArray[Any]]
SAMPLES = 2
MOST_REASONS = 4
EXACT, TRANSPOSED, FLOAT_REGIONS, DIFFERS, REFUSED, FAILS = (
    "exact",
    "integer ConvTranspose",
    "float regions",
    "DIFFERS",
    "refused",
    "FAILS",
)


@dataclass(frozen=True)
class Verdict:
    """The result class, and in one line what there is to say about it."""

    result: str
    detail: str = ""


@dataclass(frozen=True)
class Examination:
    """One case as it stands in the report."""

    case: Case
    parameters: int
    nodes: int
    ops: tuple[str, ...]
    groups: Groups
    verdict: Verdict


def examine(case: Case) -> Examination:
    """Everything the report says about a case."""
    path = case.path()
    model = onnx.load(path)
    oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
    return Examination(
        case,
        parameters=parameters(model.graph),
        nodes=len(model.graph.node),
        ops=tuple(sorted({node.op_type for node in model.graph.node})),
        groups=oracle.integer_groups(),
        verdict=judge(path, oracle),
    )


def parameters(graph: onnx.GraphProto) -> int:
    """How many weights and biases there are; scales, zero points and shapes are none."""
    pairs = ("QuantizeLinear", "DequantizeLinear")
    others = {name for node in graph.node if node.op_type in pairs for name in node.input[1:]}
    integers = (onnx.TensorProto.INT64, onnx.TensorProto.BOOL)
    return sum(
        prod(tensor.dims)
        for tensor in graph.initializer
        if tensor.name not in others and tensor.data_type not in integers
    )


def judge(path: Path, oracle: Oracle) -> Verdict:
    """The one place that decides how exact a model is."""
    packed: list[Graph] = []

    def observe(name: str, stage: Graph | Program) -> None:
        if name == PackInt8.name and isinstance(stage, Graph):
            packed.append(stage)

    try:
        program = compile_model(path, None, observe)
    except CompileError as error:
        return Verdict(REFUSED, reason(error))
    except Exception as error:  # a mistake of the compiler is a line of the report
        return Verdict(FAILS, f"compiling: {_one_line(error)}")
    try:
        return conclude(measure(path, program, Verification(oracle, program, packed[0])))
    except Exception as error:
        return Verdict(FAILS, f"running: {_one_line(error)}")


@dataclass
class Findings:
    """What all samples showed: of integers, of ConvTranspose, and of float regions (each as its
    operators, and its largest error by its number).
    """

    bits: Difference
    steps: Steps
    replayed: Replay
    transposed: int = 0
    regions: tuple[Region, ...] = ()
    self_test: bool = True


def measure(path: Path, program: Program, verification: Verification) -> Findings:
    """Runs the samples on the default adapter and, where floats are in the way, the stages."""
    found = Findings(Difference(), Steps(), Replay(), len(verification.transposed))
    found.regions = tuple(verification.regions)
    with tempfile.TemporaryDirectory() as scratch:
        write_artifact(program, Path(scratch) / "net", source=path)
        with InferenceSession(Path(scratch) / "net") as session:
            names = [tensor.name for tensor in session.get_outputs()]
            for seed in range(SAMPLES):
                expected = verification.expect(sample(verification.oracle, seed))
                results = dict(zip(names, session.run(None, expected.sample), strict=True))
                found.bits.add(verification.outputs(expected, results))
                if found.regions or found.transposed:
                    found.bits.add(verification.stage(verification.graph, expected))
                    found.steps.add(verification.steps(expected))
                if found.regions:
                    found.bits.add(verification.stage(program, expected))
                    found.replayed.add(verification.replay(session, expected))
            found.self_test = session.self_test().ok
    return found


def conclude(found: Findings) -> Verdict:
    """The class of a model, by what was measured."""
    if wrong := _wrong(found):
        return Verdict(DIFFERS, wrong)
    if found.regions:
        kinds = Counter(node.partition(" ")[0] for r in found.regions for node in r.nodes)
        told = ", ".join(f"{count} {op}" for op, count in sorted(kinds.items()))
        error = max(found.replayed.errors.values())
        besides = f"; {_transposed(found)}" if found.transposed else ""
        return Verdict(FLOAT_REGIONS, f"{told} (error {_bound(error)}){besides}")
    if found.transposed:
        return Verdict(TRANSPOSED, _transposed(found))
    return Verdict(EXACT)


def _wrong(found: Findings) -> str:
    if found.bits.differing:
        return f"{found.bits.differing} of {found.bits.values} values"
    if found.replayed.wrong:
        return f"the integer kernels {', '.join(sorted(found.replayed.wrong))}"
    if not (found.bits.ok and found.replayed.ok):
        error = max(found.bits.error, *found.replayed.errors.values())
        return f"a float region by {_bound(error)}"
    if not found.steps.ok:
        return f"a ConvTranspose by {found.steps.most} steps"
    return "" if found.self_test else "the self-test of the kernels"


def _transposed(found: Findings) -> str:
    apart = "some" if found.steps.differing else "no"
    return f"{found.transposed} ConvTranspose, {apart} values one step apart"


def sample(oracle: Oracle, seed: int) -> Feed:
    """A seeded input: smooth noise a little beyond [-1, 1], or all bytes."""
    random = np.random.default_rng(seed)
    feed: Feed = {}
    for name, (dtype, shape) in oracle.inputs.items():
        size = tuple(length if isinstance(length, int) else 1 for length in shape)
        if dtype.kind == "f":
            wave = np.sin(np.linspace(0, random.uniform(3, 20), size[-1]))
            feed[name] = (random.uniform(-0.7, 0.7, size) + 0.4 * wave).astype(dtype)
        else:
            feed[name] = random.integers(0, 256, size).astype(np.uint8).view(dtype)
    return feed


def reason(error: CompileError) -> str:
    """Why a model is refused, in one line: each different reason once, with its count."""
    if not isinstance(error, UnsupportedError):
        return _one_line(error)
    texts = [" ".join(text.partition(";")[0].split()) for text in error.reasons]
    kinds = Counter(map(_without_names, texts))
    first = {_without_names(text): text for text in reversed(texts)}
    told = [first[kind] + (f" ({count}x)" if count > 1 else "") for kind, count in kinds.items()]
    rest = f"; and {len(told) - MOST_REASONS} more reasons" if len(told) > MOST_REASONS else ""
    return "; ".join(told[:MOST_REASONS]) + rest


def _without_names(text: str) -> str:
    """Reasons of the same wording are one reason, whatever they name."""
    return " ".join(word for word in text.split() if not any(mark in word for mark in "%/'\"@_[0123456789"))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    text = text if len(text) <= 240 else f"{text[:237]}..."
    return text if isinstance(error, CompileError) else f"{type(error).__name__}: {text}"


def _bound(error: float) -> str:
    """An error by the power of ten that bounds it: stable text for a report."""
    return f"below 1e{int(np.floor(np.log10(error))) + 1}" if error else "0"
