"""Writes the artifact: model.json, weights.bin, shaders/, the JS runtime. Its form is
docs/artifact.md.

The same program gives the same bytes. The folder appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np

from ..arithmetic import F32, dequantize_linear, requantize
from ..errors import CompileError
from ..files import cannot_write
from ..ir.program import BufferStore, Kernel, OutputStore, Program, float_kernels
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..lowering.shader import Json
from ..operators.convolution.kernel import ConvKernel
from ..operators.quantize import QuantizeKernel
from ..verify.simulator import run_program
from .codegen import PROBE_SHADER, SNIPPETS, Picture, generate

FORMAT_VERSION = 1
SEED = 1
PROBE_CASES = 96
CHECKSUM_DIGITS = 16


def write_artifact(
    program: Program,
    folder: Path,
    *,
    source: Path,
    pictures: Mapping[str, Picture] | None = None,
) -> Json:
    """Writes `program` to `folder` and returns the content of model.json.

    `source` is the model's file, recorded by name and SHA-256; `pictures` overrides the
    normalisation of picture inputs.
    """
    normalisations = picture_inputs(program) | dict(pictures or {})
    code = generate(program, normalisations)
    weights = code.weights.astype("<u4").tobytes()
    assert program.arena_words is not None
    assert program.lower_bound_words is not None
    model: Json = {
        "format": "onnx2wgsl",
        "version": FORMAT_VERSION,
        "name": program.name,
        "generator": f"onnx2wgsl {metadata.version('onnx2wgsl')}",
        "reference": {
            "runtime": f"onnxruntime {metadata.version('onnxruntime')}",
            "qdqisint8allowed": program.signed,
        },
        "source": {
            "file": source.name,
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        },
        "arena": {"bytes": program.arena_words * 4, "lower_bound": program.lower_bound_words * 4},
        "weights": {
            "file": "weights.bin",
            "bytes": len(weights),
            "sha256": hashlib.sha256(weights).hexdigest(),
        },
        "inputs": [
            _tensor(name, type_) | ({"image": code.pictures[name]} if name in code.pictures else {})
            for name, type_ in program.inputs.items()
        ],
        "outputs": [
            _tensor(name, type_) | _picture_output(program, name) for name, type_ in program.outputs.items()
        ],
        "kernels": code.kernels,
        "snippets": SNIPPETS,
        "probe": {"shader": PROBE_SHADER, **probe_cases(program)},
        "self_test": self_test(program, normalisations),
    }
    files = {f"shaders/{name}": text.encode() for name, text in code.shaders.items()}
    files["model.json"] = format_json(model).encode()
    files["weights.bin"] = weights
    _write_folder(folder, files | runtime_files())
    return model


def format_json(model: Json) -> str:
    """model.json with one kernel a line: compact, and still readable as a diff."""
    lines = []
    for key, value in model.items():
        if key == "kernels":
            body = ",\n".join(f"  {_compact(kernel)}" for kernel in value)
            lines.append(f' "{key}": [\n{body}\n ]')
        else:
            lines.append(f' "{key}": {_compact(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def runtime_files() -> dict[str, bytes]:
    """The JS runtime and the page, by file name."""
    return {
        entry.name: _without_docs(entry.name, entry.read_bytes())
        for entry in sorted(resources.files("onnx2wgsl.runtime_js").iterdir(), key=lambda e: e.name)
        if entry.name.endswith((".js", ".html"))
    }


def _without_docs(name: str, content: bytes) -> bytes:
    """A script without its comments, which its source keeps; the page as it is."""
    if name.endswith(".html"):
        return content
    plain = re.sub(rb"^[ \t]*/\*\*(?:(?!\*/).)*\*/\n", b"", content, flags=re.DOTALL | re.MULTILINE)
    return re.sub(rb"^[ \t]*//[^\n]*\n", b"", plain, flags=re.MULTILINE)


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """All files, or none: into a temporary folder beside the target, which then takes its place."""
    try:
        _check_replaceable(folder, files)
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fresh = scratch / "new"
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rename(scratch / "old")
        fresh.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:  # also when interrupted between the two renames
        if (scratch / "old").exists() and not folder.exists():
            (scratch / "old").rename(folder)
        shutil.rmtree(scratch, ignore_errors=True)


def _check_replaceable(folder: Path, files: Iterable[str]) -> None:
    """Refuses to replace what is no folder, or what holds anything but an artifact."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CompileError(f"{folder} is a file; give a folder to write to")
    if Path.cwd().is_relative_to(folder.resolve()):
        raise CompileError(
            f"{folder} is the current folder or holds it; give another one, for example build/NAME"
        )
    known = {*files, "shaders", ".DS_Store"}
    known |= {f"shaders/{path.name}" for path in folder.glob("shaders/*.wgsl")}
    known |= {name.replace(".js", ".d.ts") for name in files}  # as earlier versions wrote
    held = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")))
    foreign = [name for name in held if name not in known or not _is_artifact(folder)]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise CompileError(
            f"{folder} holds {foreign[0]}{more}, which compile did not write; it is left as it is: "
            "give another folder"
        )


def _is_artifact(folder: Path) -> bool:
    """Whether an artifact is there, of any version, perhaps damaged: then it may be made anew."""
    description = folder / "model.json"
    return (folder / "weights.bin").is_file() or (
        description.is_file() and b"onnx2wgsl" in description.read_bytes()
    )


def _tensor(name: str, type_: TensorType) -> Json:
    return {"name": name, "dtype": NUMPY_DTYPES[type_.dtype].name, "shape": list(type_.shape)}


# ---------------------------------------------------------------------------------- pictures

RANGES = {(-1.0, 1.0): Picture(1 / 127.5, -1.0), (0.0, 1.0): Picture(1 / 255, 0.0)}
"""Normalisations of pictures by the range of real values they are stored for."""
RAW_BYTES = Picture(1.0, 0.0)


def picture_inputs(program: Program) -> dict[str, Picture]:
    """The normalisation of every float input [1, 1|3|4, H, W], by the range that its quantization
    covers.
    """
    found = {}
    for name, type_ in program.inputs.items():
        readers = [k for k in program.kernels if isinstance(k, QuantizeKernel) and k.input == name]
        if len(readers) == 1 and type_.dtype == "f32" and _is_picture(type_):
            low, high = _stored_range(readers[0].scale, readers[0].zero_point)
            found[name] = _nearest_range(low, high)
    return found


def _is_picture(type_: TensorType) -> bool:
    return len(type_.shape) == 4 and type_.shape[0] == 1 and type_.shape[1] in (1, 3, 4)


def _stored_range(scale: float, zero_point: int) -> tuple[float, float]:
    ends = dequantize_linear(np.array([-128, 127]), scale, zero_point)
    return float(ends[0]), float(ends[1])


def _nearest_range(low: float, high: float) -> Picture:
    """The convention whose range is meant: 0..255, 0..1 or -1..1."""
    if high > 8:
        return RAW_BYTES
    return RANGES[(-1.0, 1.0) if low < -0.25 * high else (0.0, 1.0)]


def _picture_output(program: Program, name: str) -> Json:
    """How a float output becomes bytes: the inverse of the normalisation that its table's values
    suggest.
    """
    if program.outputs[name].dtype != "f32" or not _is_picture(program.outputs[name]):
        return {}
    tables = [
        store.table
        for kernel in program.kernels
        for store in kernel.stores
        if isinstance(store, OutputStore) and store.output == name
    ]
    if not tables:  # computed in float: nothing says what its values mean
        return {}
    values = np.concatenate(tables)
    picture = _nearest_range(float(values.min()), float(values.max()))
    return {"image": {"scale": round(1 / picture.scale, 6), "offset": -picture.offset / picture.scale}}


# ------------------------------------------------------------------------------ probe, self-test


def probe_cases(program: Program) -> Json:
    """Requantizations at and beside rounding ties with the model's own multipliers, and extreme
    accumulators.
    """
    convs = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)]
    pool = [np.unique(kernel.multiplier[: kernel.out_channels]) for kernel in convs]
    scales = np.unique(np.concatenate([*pool, np.array([0.5, 2.0**-20], F32)]).astype(F32))
    random = np.random.Generator(np.random.PCG64(SEED))
    scale = random.choice(scales, PROBE_CASES)
    zero_point = random.integers(-128, 128, PROBE_CASES)
    levels = random.integers(-128, 128, PROBE_CASES) - zero_point + 0.5
    exact = levels / scale.astype(np.float64) + random.integers(-1, 2, PROBE_CASES)
    limit = 2.0**31 - 256
    accumulators = np.clip(np.rint(exact), -limit, limit).astype(np.int64)
    accumulators[:8] = [0, 1, -1, 2**24 + 1, -(2**24) - 3, 2**31 - 1, -(2**31), 2**24 - 1]
    accumulators = accumulators.astype(np.int32)
    expected = [
        int(requantize(acc, s, int(z), (-128, 127)))
        for acc, s, z in zip(accumulators, scale, zero_point, strict=True)
    ]
    return {
        "accumulators": accumulators.tolist(),
        "scales": scale.astype(F32).view(np.uint32).tolist(),
        "zero_points": zero_point.tolist(),
        "expected": expected,
    }


def self_test(program: Program, pictures: Mapping[str, Picture]) -> Json:
    """The seeded input's ranges, and the checksums of what every kernel and output then holds.

    For an input that may be a picture, also the checksum of what its first kernel makes of one.
    """
    ranges = {}
    inputs = {}
    for number, (name, type_) in enumerate(program.inputs.items()):
        low, high = _input_range(program, name)
        if type_.dtype == "f32":
            ranges[name] = {"low": low, "high": high}
        inputs[name] = seeded_input(type_, number, low, high)
    outputs, kernels = _checksums(program, inputs)
    floats = float_kernels(program)
    uncertain = {output for kernel in floats for output in _outputs_of(kernel)}
    from_pictures = {}
    for name, picture in pictures.items():
        number = list(program.inputs).index(name)
        shown = inputs | {name: seeded_picture(program.inputs[name], number, picture)}
        first = next(k for k in program.kernels if getattr(k, "input", None) == name)
        from_pictures[name] = _checksums(program, shown)[1][first]
    return {
        "seed": SEED,
        "inputs": ranges,
        "kernels": ["float" if k in floats else kernels[k] for k in program.kernels],
        "pictures": from_pictures,
        "outputs": {
            name: "float" if name in uncertain else checksum(data.tobytes()) for name, data in outputs.items()
        },
    }


def _checksums(program: Program, inputs: dict[str, Array]) -> tuple[dict[str, Array], dict[Kernel, str]]:
    """The outputs, and the checksum of what each kernel wrote."""
    kernels: dict[Kernel, str] = {}

    def observe(kernel: Kernel, written: list[Array]) -> None:
        kernels[kernel] = checksum(b"".join(words.astype("<u4").tobytes() for words in written))

    return run_program(program, inputs, observe), kernels


def _outputs_of(kernel: Kernel) -> set[str]:
    stores = {store.output for store in kernel.stores if not isinstance(store, BufferStore)}
    return stores | {getattr(kernel, "output", "")}


def seeded_picture(type_: TensorType, number: int, picture: Picture) -> Array:
    """The values of the self-test's picture for an input [1, C, H, W]: seeded RGBA bytes."""
    _, channels, height, width = type_.shape
    pixels = seeded_input(TensorType("u8", (height, width, 4)), number, 0, 0)
    values: Array = picture.values()[np.moveaxis(pixels, -1, 0)[:channels]]
    return values[None]


def _input_range(program: Program, name: str) -> tuple[float, float]:
    """A little more than the real values that the input's quantization covers, to saturate too."""
    for kernel in program.kernels:
        if isinstance(kernel, QuantizeKernel) and kernel.input == name:
            low, high = _stored_range(kernel.scale, kernel.zero_point)
            margin = (high - low) / 16
            return float(np.float32(low - margin)), float(np.float32(high + margin))
    return -1.0, 1.0


def seeded_input(type_: TensorType, number: int, low: float, high: float) -> Array:
    """Input `number` of the self-test, as docs/artifact.md defines it."""
    count = int(np.prod(type_.shape))
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)
    h += np.uint32((SEED + number) * 0x85EBCA77 & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    h = (h ^ (h >> np.uint32(15))) >> np.uint32(8)
    if type_.dtype == "f32":
        values = (low + ((high - low) * h.astype(np.float64)) / 16777216).astype(np.float32)
    else:
        whole = h.astype(np.uint8) & np.uint8(1 if type_.dtype == "bool" else 255)
        values = whole.astype(NUMPY_DTYPES[type_.dtype])
    return values.reshape(type_.shape)


def checksum(data: bytes) -> str:
    """The first 16 hex digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:CHECKSUM_DIGITS]
