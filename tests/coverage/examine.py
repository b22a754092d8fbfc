"""Compiles one model, runs it on the default adapter, and judges it against onnxruntime."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnx
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.pipeline import import_or_refuse
from onnx2wgsl.compiler.reference.integer_groups import Groups
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.verify.compare import Difference, Feed
from onnx2wgsl.compiler.verify.compiled import Compiled
from onnx2wgsl.compiler.verify.report import Report
from onnx2wgsl.compiler.verify.verification import Verification

from .cases import Case

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
    op_types: tuple[str, ...]
    groups: Groups
    verdict: Verdict


def examine(case: Case) -> Examination:
    """Everything the report says about a case."""
    path = case.path()
    model = onnx.load(path)
    oracle = reference_of(model)
    return Examination(
        case,
        parameters=parameters(model.graph),
        nodes=len(model.graph.node),
        op_types=tuple(sorted({node.op_type for node in model.graph.node})),
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
    try:
        compiled = Compiled.of(import_or_refuse(path))
    except CompileError as error:
        return Verdict(REFUSED, reason(error))
    except Exception as error:  # a mistake of the compiler is a line of the report
        return Verdict(FAILS, f"compiling: {_one_line(error)}")
    try:
        return conclude(*measure(path, oracle, compiled))
    except Exception as error:
        return Verdict(FAILS, f"running: {_one_line(error)}")


def measure(path: Path, oracle: Oracle, compiled: Compiled) -> tuple[Report, bool]:
    """Runs the samples on the default adapter and, where floats are in the way, the stages; also
    whether the self-test passes.
    """
    check = Verification(oracle, compiled, [sample(oracle, seed) for seed in range(SAMPLES)])
    if check.report.regions or check.report.transposed:
        check.stage("packed", compiled.packed)
    if check.report.regions:
        check.stage("simulated", compiled.program)
    with open_program(compiled.program, path) as device:
        check.on_device(device)
        return check.report, device.session.self_test().ok


def conclude(report: Report, self_test: bool = True) -> Verdict:
    """The class of a model, by what was measured."""
    if wrong := _wrong(report, self_test):
        return Verdict(DIFFERS, wrong)
    if report.regions:
        kinds = Counter(node.partition(" ")[0] for r in report.regions for node in r.nodes)
        text = ", ".join(f"{count} {op_type}" for op_type, count in sorted(kinds.items()))
        besides = f"; {_transposed(report)}" if report.transposed else ""
        return Verdict(FLOAT_REGIONS, f"{text} (error {_bound(report.replay.error)}){besides}")
    if report.transposed:
        return Verdict(TRANSPOSED, _transposed(report))
    return Verdict(EXACT)


def _wrong(report: Report, self_test: bool) -> str:
    bits = Difference()
    for stage in report.stages:
        bits.add(stage.difference)
    if bits.differing:
        return f"{bits.differing} of {bits.values} values"
    if report.replay.wrong:
        return f"the integer kernels {', '.join(sorted(report.replay.wrong))}"
    if not (bits.ok and report.replay.ok):
        return f"a float region by {_bound(max(bits.error, report.replay.error))}"
    if report.wrong_regions:
        return "; ".join(f"{stage.name}{stage.detail}" for stage in report.wrong_regions)
    if not report.steps.ok:
        return f"a ConvTranspose by {report.steps.most} steps"
    return "" if self_test else "the self-test of the kernels"


def _transposed(report: Report) -> str:
    apart = "some" if report.steps.differing else "no"
    return f"{len(report.transposed)} ConvTranspose, {apart} values one step apart"


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
    lines = [first[kind] + (f" ({count}x)" if count > 1 else "") for kind, count in kinds.items()]
    rest = f"; and {len(lines) - MOST_REASONS} more reasons" if len(lines) > MOST_REASONS else ""
    return "; ".join(lines[:MOST_REASONS]) + rest


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
