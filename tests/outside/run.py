"""One model of an outside suite: ONNX Runtime, the compiler, the device, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx2wgsl.compiler.cli.on_device import open_program
from onnx2wgsl.compiler.errors import CompileError, InternalError, UnsupportedError
from onnx2wgsl.compiler.ir.types import Array
from onnx2wgsl.compiler.pipeline import import_or_refuse
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.verify.compare import TOLERANCE, Feed, relative_error, same_values
from onnx2wgsl.compiler.verify.compiled import Compiled, saved
from onnx2wgsl.compiler.verify.verification import Verification

from tests.property.gpu import in_every_variant

EXACT = "exact"
WITHIN = "within 1e-5"
DIFFERS = "differs"
CRASHED = "fails without a message"
REFUSED = "refused"
NO_REFERENCE = "ONNX Runtime itself refuses"
PASSES = (EXACT, WITHIN)
DEFECTS = (DIFFERS, CRASHED)


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
        oracle = reference_of(model)
        reference = oracle.run(inputs)
    except CompileError as error:
        return Outcome(NO_REFERENCE, one_line(error))
    known = expected is None or agrees(list(reference.values()), expected, rtol, atol)
    try:
        compilation = compiled(model)
        verification = Verification(oracle, compilation, [inputs])
        if verification.expectation.names:
            kind, reason = replayed(model, verification)
        else:
            of_variants = in_every_variant(model, compilation.program, dict(inputs))
            kind, reason = compared(of_variants, reference, verification.expectation.after_floats)
    except UnsupportedError as error:
        return Outcome(REFUSED, one_line(error.reasons[0]), known)
    except InternalError as error:
        return Outcome(CRASHED, one_line(error), known)
    except CompileError as error:
        return Outcome(REFUSED, one_line(error), known)
    except Exception as error:  # a defect; it is one case's, and the others are still to be run
        return Outcome(CRASHED, f"{type(error).__name__}: {one_line(error)}", known)
    return Outcome(kind, reason, known)


def compiled(model: onnx.ModelProto) -> Compiled:
    """A model in memory, compiled."""
    with saved(model) as path:
        return Compiled.of(import_or_refuse(path))


def compared(of_variants: list[tuple[str, Feed]], reference: Feed, after_floats: set[str]) -> tuple[str, str]:
    """Kind and reason from the outputs of every variant; those in `after_floats` have been computed
    in float.
    """
    kind = EXACT
    for variant, outputs in of_variants:
        for name, want in reference.items():
            exact = name not in after_floats
            output_kind, difference = compare(outputs[name], want, integer=exact)
            if output_kind == DIFFERS:
                return DIFFERS, f"output {name!r}, {variant}: {difference}"
            kind = WITHIN if output_kind == WITHIN else kind
    return kind, ""


def replayed(model: onnx.ModelProto, verification: Verification) -> tuple[str, str]:
    """Kind and reason where floats are quantized again: every kernel by what was before it, as
    `onnx2wgsl verify` has it; every variant must make the same bits.
    """
    program, (expected,) = verification.compiled.program, verification.expected
    stage = verification.stage("simulated", program)
    if not stage.ok:
        return DIFFERS, f"simulator: {stage.difference}"
    with saved(model) as source, open_program(program, source) as session:
        verification.replay(session)
    verification.steps()
    for stage in verification.report.wrong_regions:
        return DIFFERS, f"{stage.name}{stage.detail}"
    (_, first), *others = in_every_variant(model, program, expected.sample)
    outputs, replay = verification.compare_outputs(expected, first), verification.report.replay
    if not (outputs.ok and replay.ok):
        return DIFFERS, f"{outputs} {replay}"
    verdict = compared(others, first, set())
    return verdict if verdict[0] == DIFFERS else (WITHIN, "")


def compare(have: Array, want: Array, *, integer: bool) -> tuple[str, str]:
    """EXACT, WITHIN or DIFFERS, and what differs.

    Integers, and floats of an integer model, must have the same bits (any two NaN are the same);
    other floats may differ by `TOLERANCE` times the largest finite magnitude of `want`.
    """
    want = np.asarray(want)
    if have.shape != want.shape or have.dtype != want.dtype:
        form = f"{have.dtype}{list(have.shape)}"
        return DIFFERS, f"{form} was made, {want.dtype}{list(want.shape)} expected"
    count = int((~same_values(want, have)).sum())
    if not count:
        return EXACT, ""
    if integer or want.dtype.kind != "f":
        return DIFFERS, f"{count} of {want.size} values"
    error = relative_error(want, have)
    if error > TOLERANCE * bool(want[np.isfinite(want)].any()):  # beside zeros nothing is small
        return DIFFERS, f"by {error:.3g} of the largest magnitude"
    return WITHIN, ""


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
