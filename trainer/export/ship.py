"""From a trained student to the int8 ONNX file that ships, through every gate.

    fold -> (quantization-aware fine-tune) -> float ONNX, the reference
         -> equalize channels, correct biases -> int8 ONNX -> gate against the reference
         -> metadata -> strip zero points -> the same bits still? -> compile -> verify
         -> the file appears

Everything happens in a scratch folder: what is at the target stays as it was until all holds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from ..data import held_out
from ..data.held_out import Pictures
from ..errors import TrainerError
from ..files import require_own, write_whole
from ..models import MobileUNet, PhaseStudents, fold_batch_norm, load_generator
from ..models.onnx_generator import OnnxGenerator, to_range
from . import compiler, qat
from .bias import correct_biases
from .equalize import equalize
from .gate import Gate, check
from .graph import write_onnx
from .provenance import provenance
from .quantize import METHODS, Method, quantize
from .runtime import floats_in, operators, optimized

Say = Callable[[str], None]

VALIDATION = 100
"""Pictures of val that the gate looks at."""


def _say_nothing(line: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True)
class Export:
    """How to ship. Counts are of pictures; `qat` is iterations."""

    calibration: int = 200
    """The first pictures of train, which pass all poses and mouths."""
    samples: int = 4
    """Samples that every bit is compared on."""
    qat: int = 0


@dataclass(frozen=True)
class ShippedModel:
    """A file that passed: what was measured, and what it is made of."""

    path: Path
    bytes: int
    parameters: int
    method: Method
    gate: Gate
    operators: Mapping[str, int]
    verdict: str

    def card(self) -> dict[str, Any]:
        """Figures for a model card, as JSON has them."""
        return {
            "file": self.path.name,
            "bytes": self.bytes,
            "parameters": self.parameters,
            "calibration": self.method,
            "gate": _rounded(self.gate),
            "operators in onnxruntime": dict(self.operators),
            "verify": self.verdict,
        }


def ship(
    source: Path,
    data: Path,
    target: Path,
    artifact: Path | None = None,
    how: Export = Export(),
    say: Say = _say_nothing,
) -> list[ShippedModel]:
    """Ships a run folder or .pt file: `target`, `target`'s .json with its figures, an artifact.

    Four files and artifacts of phase students, NAME_0 to NAME_3, in the order of PhaseStudents.

    Raises:
        TrainerError: no student, no data, or a gate that does not hold; `target` is as before.
    """
    model = load_generator(source)
    parts = list(_parts(model, source))
    for part in parts:
        file = target.parent / f"{target.stem}{part.suffix}.onnx"
        require_own(file, b"onnx2wgsl.gate")
        require_own(file.with_suffix(".json"), b'"gate"')
    about = provenance(source, data)
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-ship-") as scratch:
        results = []
        for part in parts:
            name = f"{target.stem}{part.suffix}"
            say(f"{name}: folding, exporting, calibrating")
            results.append(_make(part, name, data, Path(scratch), how, about, say))
        several = len(results) > 1
        return [
            _place(one, target.parent, artifact / one.path.stem if artifact and several else artifact)
            for one in results
        ]


@dataclass(frozen=True)
class _Part:
    """A net that becomes one file; `phase`: which pixel of 2x2 cells it makes, None for all."""

    net: MobileUNet
    size: int
    suffix: str = ""
    phase: tuple[int, int] | None = None

    def see(self, pictures: Pictures) -> Pictures:
        """Pictures as this net has them."""
        if self.phase is None:
            return pictures
        i, j = self.phase
        return Pictures(_halved(pictures.inputs), pictures.truths[:, i::2, j::2], pictures.mouths // 2)


def _halved(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = pictures.shape[1] // 2
    halves = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in pictures]
    return np.stack(halves).astype(np.uint8)


def _parts(model: nn.Module, source: Path) -> Iterator[_Part]:
    if isinstance(model, MobileUNet):
        yield _Part(_folded(model), model.size)
    elif isinstance(model, PhaseStudents):
        for number, net in enumerate(model.nets):
            i, j = divmod(number, 2)
            yield _Part(_folded(net), model.size // 2, f"_{number}", (i, j))
    else:
        raise TrainerError(
            f"{source} holds a teacher, which is not made for int8: "
            "distill a student from it (onnx2wgsl-train distill) and ship that"
        )


def _folded(net: nn.Module) -> MobileUNet:
    folded = fold_batch_norm(net)
    assert isinstance(folded, MobileUNet)
    return folded


def _make(
    part: _Part,
    name: str,
    data: Path,
    scratch: Path,
    how: Export,
    about: Mapping[str, str],
    say: Say,
) -> ShippedModel:
    """Everything up to the verdict, in the scratch folder."""
    size = part.size * (2 if part.phase else 1)
    if how.qat:
        say(f"{name}: {how.qat} iterations that know of int8")
        _tune(part, data, size, how)
    write_onnx(part.net, part.size, scratch / "float.onnx")
    calibration = to_range(part.see(held_out.read(data, "train", size, how.calibration)).inputs)
    equalize(part.net, calibration)
    correct_biases(part.net, calibration)
    write_onnx(part.net, part.size, scratch / "prepared.onnx")
    validation = part.see(held_out.read(data, "val", size, VALIDATION))
    method, gate = _quantized(scratch, calibration, validation)
    say(f"{name}: int8 is {gate.fidelity:.1f} dB from float, ranges by {method}")
    _annotate(scratch / "int8.onnx", {**about, "onnx2wgsl.gate": json.dumps(_rounded(gate))})
    model = scratch / f"{name}.onnx"
    stripped = compiler.strip(scratch / "int8.onnx", model)
    say(f"{name}: {stripped} zero points stripped; compiling, comparing every bit")
    counts = _still_the_same(scratch / "int8.onnx", model, validation, scratch)
    compiler.compile_model(model, scratch / name)
    verdict = compiler.verify(scratch / name, model, how.samples)
    say(f"{name}: {verdict}")
    parameters = sum(parameter.numel() for parameter in part.net.parameters())
    return ShippedModel(model, model.stat().st_size, parameters, method, gate, counts, verdict)


def _tune(part: _Part, data: Path, size: int, how: Export) -> None:
    pictures = part.see(held_out.read(data, "train", size))
    qat.tune(part.net, pictures.inputs, pictures.truths, pictures.mouths, how.qat)


def _quantized(scratch: Path, calibration: NDArray[np.float32], validation: Pictures) -> tuple[Method, Gate]:
    """Makes int8.onnx of prepared.onnx by the first of METHODS that passes, against float.onnx.

    Raises:
        TrainerError: none does; what each of them fails.
    """
    reasons = []
    int8 = scratch / "int8.onnx"
    for method in METHODS:
        quantize(scratch / "prepared.onnx", int8, calibration, method)
        floats = floats_in(optimized(int8, scratch / "optimized.onnx"))
        gate = check(OnnxGenerator.load(scratch / "float.onnx"), OnnxGenerator.load(int8), validation, floats)
        if not gate.failures():
            return method, gate
        reasons.append(f"  ranges by {method}: {'; '.join(gate.failures())}")
    raise TrainerError(
        "int8 fails the gate, so nothing was written:\n"
        + "\n".join(reasons)
        + "\nTrain it further, calibrate on more pictures (--calibration), or fine-tune with "
        "rounding (--qat 500)"
    )


def _annotate(path: Path, about: Mapping[str, str]) -> None:
    """Puts what the file is into its metadata_props."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(sorted(about.items())))
    path.write_bytes(model.SerializeToString(deterministic=True))


def _still_the_same(before: Path, after: Path, validation: Pictures, scratch: Path) -> Mapping[str, int]:
    """The operators that onnxruntime runs of a stripped file.

    Raises:
        TrainerError: stripping changed a bit, or what is computed in integers.
    """
    graph = optimized(after, scratch / "optimized.onnx")
    floats = floats_in(graph, stripped=True)
    if floats:
        raise TrainerError(f"stripped of zero points, the net has floats in it: {floats}")
    few = to_range(validation.inputs[:4])
    if not np.array_equal(OnnxGenerator.load(before)(few), OnnxGenerator.load(after)(few)):
        raise TrainerError("stripping zero points changed values; this is a bug in onnx2wgsl")
    return operators(graph)


def _place(draft: ShippedModel, folder: Path, artifact: Path | None) -> ShippedModel:
    """Puts an artifact, a file and its figures where they belong."""
    model = replace(draft, path=folder / draft.path.name)
    if artifact is not None:
        compiler.compile_model(draft.path, artifact)
    write_whole(model.path, draft.path.read_bytes())
    card = json.dumps(model.card(), indent=2) + "\n"
    write_whole(model.path.with_suffix(".json"), card.encode())
    return model


def _rounded(gate: Gate) -> dict[str, Any]:
    """A gate's fields, decibels to hundredths."""
    return {
        name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(gate).items()
    }
