"""One model of an outside suite: ONNX Runtime, the compiler, the device, and what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx2wgsl.compiler.cli.on_device import run_artifact, temporary_artifact, variants_used
from onnx2wgsl.compiler.errors import CompileError, UnsupportedError
from onnx2wgsl.compiler.oracle import Oracle, needs_signed_integer_kernels
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.program import Program

from tests.property.gpu import device

from .node_cases import QUANTIZED

Array = NDArray[Any]
Feed = Mapping[str, Array]

EXACT = "exact"
WITHIN = "within 1e-5"
DIFFERS = "differs"
CRASHED = "fails without a message"
REFUSED = "refused"
NO_REFERENCE = "ONNX Runtime itself refuses"
PASSES = (EXACT, WITHIN)
DEFECTS = (DIFFERS, CRASHED)

RELATIVE = 1e-5
"""Allowed difference of float results, relative to the largest magnitude of the tensor."""


@dataclass(frozen=True)
class Outcome:
    """What came of one model: `kind` is one of the words above, `reason` says why it is no pass.

    `as_expected` is whether ONNX Runtime's own result is the one that the suite expects.
    """

    kind: str
    reason: str = ""
    as_expected: bool = True

    @property
    def passes(self) -> bool:
        return self.kind in PASSES


def outcome(
    model: onnx.ModelProto,
    inputs: Feed,
    expected: Sequence[Array] | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-7,
) -> Outcome:
    """Compiles `model`, runs it on the device in all variants, compares it with ONNX Runtime.

    `expected`: the suite's own outputs in the model's order, held against ONNX Runtime's by `rtol`
    and `atol`. Never raises for what the model does: a crash of the compiler is an outcome.
    """
    try:
        oracle = Oracle(model, signed_integer_kernels=needs_signed_integer_kernels(model))
        reference = oracle.run(inputs)
    except CompileError as error:
        return Outcome(NO_REFERENCE, one_line(error))
    known = expected is None or agrees(list(reference.values()), expected, rtol, atol)
    try:
        program = compiled(model)
        results = on_device(model, program, inputs)
    except UnsupportedError as error:
        return Outcome(REFUSED, one_line(error.reasons[0]), known)
    except CompileError as error:
        return Outcome(REFUSED, one_line(error), known)
    except Exception as error:  # a defect; it is one case's, and the others are still to be run
        return Outcome(CRASHED, f"{type(error).__name__}: {one_line(error)}", known)
    integer = is_integer(model, oracle)
    kind, reason = EXACT, ""
    for variant, outputs in results:
        for name, want in reference.items():
            found, difference = compare(outputs[name], want, integer=integer)
            if found == DIFFERS:
                return Outcome(DIFFERS, f"output {name!r}, {variant}: {difference}", known)
            kind = WITHIN if found == WITHIN else kind
    return Outcome(kind, reason, known)


def compiled(model: onnx.ModelProto) -> Program:
    """The program of a model in memory."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        path = Path(folder) / "net.onnx"
        onnx.save(model, path)
        return compile_model(path)


def on_device(
    model: onnx.ModelProto, program: Program, inputs: Feed
) -> list[tuple[str, dict[str, Array]]]:
    """The outputs of every variant on the shared device, each with the variant's name."""
    with temporary_artifact(model, program) as artifact:
        return [
            (" + ".join(variant.values()), run_artifact(device(), artifact, dict(inputs), variant))
            for variant in variants_used(artifact)
        ]


def is_integer(model: onnx.ModelProto, oracle: Oracle) -> bool:
    """Whether no bit may differ: operators on quantized integers, none of them run in float."""
    quantized = any(node.op_type in QUANTIZED for node in model.graph.node)
    return quantized and oracle.integer_groups().exact


def compare(have: Array, want: Array, *, integer: bool) -> tuple[str, str]:
    """EXACT, WITHIN or DIFFERS, and what differs.

    Integers, and floats of an integer model, must have the same bits (any two NaN are the same);
    other floats may differ by `RELATIVE` times the largest finite magnitude of `want`.
    """
    want = np.asarray(want)
    if have.shape != want.shape or have.dtype != want.dtype:
        made = f"{have.dtype}{list(have.shape)}"
        return DIFFERS, f"{made} was made, {want.dtype}{list(want.shape)} expected"
    if want.dtype.kind != "f":
        count = int((have != want).sum())
        return (DIFFERS, f"{count} of {want.size} values") if count else (EXACT, "")
    same = (_bits(have) == _bits(want)) | (np.isnan(have) & np.isnan(want))
    if same.all():
        return EXACT, ""
    if integer:
        return DIFFERS, f"{int((~same).sum())} of {want.size} values of a model of integers"
    if not (np.isfinite(have) | same).all() or not (np.isfinite(want) | same).all():
        return DIFFERS, "infinities or NaN are elsewhere"
    finite = np.isfinite(want)
    largest = float(np.abs(want[finite]).max(initial=0))
    worst = float(np.abs(have[finite].astype(np.float64) - want[finite]).max(initial=0))
    if worst <= RELATIVE * largest:
        return WITHIN, ""
    return DIFFERS, f"by {worst:.3g}, where the largest magnitude is {largest:.3g}"


def _bits(array: Array) -> Array:
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}").reshape(array.shape)


def agrees(have: Sequence[Any], want: Sequence[Any], rtol: float, atol: float) -> bool:
    """Whether the tensors of two lists of outputs agree as onnx's own test runner asks it."""
    if len(have) != len(want):
        return False
    for a, b in zip(have, want, strict=True):
        if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray | np.generic):
            continue  # sequences and optionals, which no graph of this compiler has
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind in "fc":
            if not np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
                return False
        elif not np.array_equal(a, b):
            return False
    return True


def one_line(message: object) -> str:
    """A message on one line."""
    return " ".join(str(message).split())
