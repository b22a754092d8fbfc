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
from onnx2wgsl.compiler.artifact import write_artifact
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.integer_groups import Groups
from onnx2wgsl.compiler.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.runtime_py import InferenceSession

from tests.compiler.exactness import IMPURE_UNARY

from .cases import Case

Feed = dict[str, NDArray[Any]]
SAMPLES = 2
MOST_REASONS = 4
INEXACT = IMPURE_UNARY | {"BatchNormalization"}
EXACT, FLOAT_REGIONS, DIFFERS, REFUSED, FAILS = (
    "exact",
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
    try:
        program = compile_model(path)
    except CompileError as error:
        return Verdict(REFUSED, reason(error))
    except Exception as error:  # a mistake of the compiler is a line of the report
        return Verdict(FAILS, f"compiling: {_one_line(error)}")
    samples = [sample(oracle, seed) for seed in range(SAMPLES)]
    expected = [oracle.run(feed) for feed in samples]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            write_artifact(program, Path(scratch) / "net", source=path)
            with InferenceSession(Path(scratch) / "net") as session:
                names = [tensor.name for tensor in session.get_outputs()]
                results = [session.run(None, feed) for feed in samples]
                replayed = session.self_test()
    except Exception as error:
        return Verdict(FAILS, f"running: {_one_line(error)}")
    if not replayed.ok:
        return Verdict(DIFFERS, "the self-test of the kernels")
    found = [dict(zip(names, result, strict=True)) for result in results]
    return compare(expected, found, oracle.integer_groups())


def compare(expected: list[Feed], found: list[Feed], groups: Groups) -> Verdict:
    """Bit for bit; where onnxruntime itself ran sums in float, by how much outputs differ."""
    pairs = [
        (want, have[name])
        for wanted, have in zip(expected, found, strict=True)
        for name, want in wanted.items()
    ]
    total = sum(want.size for want, _ in pairs)
    differing = sum(int((_words(want) != _words(have)).sum()) for want, have in pairs)
    in_float = float_parts(groups)
    if not differing:
        return Verdict(EXACT, f"with {in_float} in float" if in_float else "")
    if not in_float:
        return Verdict(DIFFERS, f"{differing} of {total} values")
    error = max(_relative_error(want, have) for want, have in pairs)
    return Verdict(FLOAT_REGIONS, f"{in_float}; outputs {_bound(error)}")


def float_parts(groups: Groups) -> str:
    """What onnxruntime computed in float with an order or a rounding of its own."""
    inexact = [group.op for group in groups.left_in_float]
    inexact += [group.op for group in groups.elementwise if group.op in INEXACT]
    return ", ".join(f"{count} {op}" for op, count in sorted(Counter(inexact).items()))


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
    return " ".join(
        word for word in text.split() if not any(mark in word for mark in "%/'\"@_[0123456789")
    )


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    text = text if len(text) <= 240 else f"{text[:237]}..."
    return text if isinstance(error, CompileError) else f"{type(error).__name__}: {text}"


def _words(values: NDArray[Any]) -> NDArray[Any]:
    """Values by their bits, so that -0 and NaN compare too."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def _relative_error(want: NDArray[Any], have: NDArray[Any]) -> float:
    """The largest difference, relative to the largest value."""
    scale = float(np.abs(want.astype(np.float64)).max()) or 1.0
    return float(np.abs(want.astype(np.float64) - have.astype(np.float64)).max()) / scale


def _bound(error: float) -> str:
    """An error by the power of ten that bounds it: stable text for a report."""
    return f"within 1e{int(np.ceil(np.log10(error)))} of the largest"
