"""Loads an artifact: the folder that `onnx2wgsl compile` writes, as docs/artifact.md specifies it.

Everything is checked before it is used: model.json against model.schema.json, what a schema can't
say (names, ranges, counts) in `_check_references`, weights.bin by length and SHA-256.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

from .errors import ArtifactError

VERSION = 1
WORD = 4  # bytes in a u32
_ITEM_BYTES = {"float32": 4, "int32": 4, "int64": 8, "uint8": 1, "int8": 1, "bool": 1}


@dataclass(frozen=True)
class Binding:
    """One buffer of a kernel's bind group 0; `access` is read or read_write."""

    binding: int
    buffer: str
    access: str


@dataclass(frozen=True)
class Store:
    """Words that a kernel writes: `rows` runs of `width` words, `pitch` words apart."""

    buffer: str
    offset: int
    rows: int
    pitch: int
    width: int

    @property
    def extent(self) -> int:
        """Words from the first one written to the last one, both included."""
        return (self.rows - 1) * self.pitch + self.width


@dataclass(frozen=True)
class Kernel:
    """One dispatch."""

    name: str
    op: str
    shader: str
    constants: dict[str, float]
    uses: tuple[str, ...]
    workgroups: tuple[int, int, int]
    bindings: tuple[Binding, ...]
    stores: tuple[Store, ...]
    macs: int


@dataclass(frozen=True)
class ImageInput:
    """How an input is fed as a picture: `kernel` runs in the place of kernel number `replaces`."""

    scale: float
    offset: float
    replaces: int
    kernel: Kernel


@dataclass(frozen=True)
class ImageOutput:
    """byte = value * scale + offset, rounded."""

    scale: float
    offset: float


@dataclass(frozen=True)
class Tensor:
    """An input or output; `dtype` is float32, int32, int64, uint8, int8 or bool."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    image: ImageInput | ImageOutput | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor itself."""
        return self.size * _ITEM_BYTES[self.dtype]

    @property
    def buffer_bytes(self) -> int:
        """Bytes of its buffer: whole words."""
        return -(-self.nbytes // WORD) * WORD


@dataclass(frozen=True)
class Artifact:
    """A checked artifact; `description` is the content of model.json."""

    folder: Path
    description: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    kernels: tuple[Kernel, ...]
    weights: bytes

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.description["name"])

    @cached_property
    def image_kernels(self) -> dict[str, ImageInput]:
        """Input name -> how it is fed as a picture, for the inputs that can be."""
        return {t.name: t.image for t in self.inputs if isinstance(t.image, ImageInput)}

    @cached_property
    def buffers(self) -> dict[str, int]:
        """Buffer name -> bytes, for every buffer that the kernels may bind."""
        sizes = {"arena": int(self.description["arena"]["bytes"]), "weights": len(self.weights)}
        for tensor in self.inputs:
            sizes[f"input:{tensor.name}"] = tensor.buffer_bytes
            if tensor.name in self.image_kernels:
                sizes[f"image:{tensor.name}"] = tensor.shape[2] * tensor.shape[3] * WORD
        for tensor in self.outputs:
            sizes[f"output:{tensor.name}"] = tensor.buffer_bytes
        return sizes

    def all_kernels(self) -> Iterator[Kernel]:
        """The kernels in order, then those that read pictures."""
        yield from self.kernels
        yield from (image.kernel for image in self.image_kernels.values())

    def shader(self, name: str) -> str:
        """The text of one file of shaders/."""
        path = self.folder / "shaders" / name
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(_unreadable(path, error)) from None


def load_artifact(folder: str | Path) -> Artifact:
    """Reads and checks `folder`; raises ArtifactError with the place and what to do."""
    folder = Path(folder)
    path = folder / "model.json"
    description = _read_json(path)
    _check_version(path, description)
    _check_schema(path, description)
    artifact = Artifact(
        folder=folder,
        description=description,
        inputs=tuple(_tensor(t) for t in description["inputs"]),
        outputs=tuple(_tensor(t) for t in description["outputs"]),
        kernels=tuple(_kernel(k) for k in description["kernels"]),
        weights=_read_weights(folder, description["weights"]),
    )
    problems = list(_check_tensors(artifact)) or list(_check_references(artifact))
    if problems:
        raise ArtifactError(_damaged(path, problems))
    return artifact


def words_of(data: bytes | bytearray | memoryview) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The bytes as little-endian u32 words (a view)."""
    return np.frombuffer(data, dtype="<u4")


def _unreadable(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: {reason}; compile the model again: onnx2wgsl compile MODEL -o DIR"


def _damaged(path: Path, problems: list[str]) -> str:
    lines = "\n".join(f"  {p}" for p in problems[:5])
    more = f"\n  and {len(problems) - 5} more" if len(problems) > 5 else ""
    return f"{path} is damaged; compile the model again:\n{lines}{more}"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}: {error.msg}"
        raise ArtifactError(_damaged(path, [place])) from None
    except UnicodeDecodeError as error:
        raise ArtifactError(_damaged(path, [f"byte {error.start} is not UTF-8"])) from None
    except RecursionError:
        raise ArtifactError(_damaged(path, ["nested too deeply"])) from None
    except FileNotFoundError:
        raise ArtifactError(
            f"{path.parent} holds no artifact ({path.name}: No such file); "
            f"make one with: onnx2wgsl compile MODEL -o {path.parent}"
        ) from None
    except OSError as error:
        raise ArtifactError(_unreadable(path, error)) from None
    if not isinstance(description, dict):
        raise ArtifactError(_damaged(path, ["$: not an object"]))
    return description


def _check_version(path: Path, description: dict[str, Any]) -> None:
    if description.get("format") != "onnx2wgsl":
        format_name = description.get("format", "nothing")
        raise ArtifactError(f"{path}: $.format is {format_name!r}, not 'onnx2wgsl': not an artifact")
    if description.get("version") != VERSION:
        raise ArtifactError(
            f"{path}: $.version is {description.get('version')!r}, this runtime reads {VERSION}; "
            "compile the model with the onnx2wgsl that is installed here"
        )


@cache
def _validator() -> jsonschema.Draft202012Validator:
    text = (Path(__file__).parent / "model.schema.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def _check_schema(path: Path, description: dict[str, Any]) -> None:
    errors = sorted(_validator().iter_errors(description), key=lambda e: e.json_path)
    if errors:
        problems = [f"{e.json_path}: {_shorten(e.message)}" for e in errors]
        raise ArtifactError(_damaged(path, problems))


def _shorten(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:60]} ... {text[-90:]}"


def _read_weights(folder: Path, record: dict[str, Any]) -> bytes:
    path = folder / str(record["file"])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError(_unreadable(path, error)) from None
    if len(data) != record["bytes"]:
        problem = f"{len(data)} bytes, model.json says {record['bytes']}"
        raise ArtifactError(_damaged(path, [problem]))
    digest = hashlib.sha256(data).hexdigest()
    if digest != record["sha256"]:
        problem = f"SHA-256 is {digest}, model.json says {record['sha256']}"
        raise ArtifactError(_damaged(path, [problem]))
    return data


def _tensor(record: dict[str, Any]) -> Tensor:
    image: ImageInput | ImageOutput | None = None
    if "image" in record:
        fields = dict(record["image"])
        if "kernel" in fields:
            image = ImageInput(**(fields | {"kernel": _kernel(fields["kernel"])}))
        else:
            image = ImageOutput(**fields)
    return Tensor(record["name"], record["dtype"], tuple(record["shape"]), image)


def _kernel(record: dict[str, Any]) -> Kernel:
    x, y, z = record["workgroups"]
    return Kernel(
        name=record["name"],
        op=record["op"],
        shader=record["shader"],
        constants={name: float(value) for name, value in record["constants"].items()},
        # `requires` directives must stand first in a module, and the dot snippet has one.
        uses=tuple(sorted(record["uses"])),
        workgroups=(x, y, z),
        bindings=tuple(Binding(**b) for b in record["bindings"]),
        stores=tuple(Store(**s) for s in record["stores"]),
        macs=record["macs"],
    )


def _check_references(artifact: Artifact) -> Iterator[str]:
    """What the schema can't say; yields 'path: problem'."""
    for index, kernel in enumerate(artifact.kernels):
        yield from _check_kernel(artifact, kernel, f"$.kernels[{index}]")
    for index, tensor in enumerate(artifact.inputs):
        if isinstance(tensor.image, ImageInput):
            yield from _check_kernel(artifact, tensor.image.kernel, f"$.inputs[{index}].image.kernel")
    names = [kernel.name for kernel in artifact.kernels]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"$.kernels: {names.count(name)} kernels are named {name!r}"
    yield from _check_vectors(artifact)


def _check_tensors(artifact: Artifact) -> Iterator[str]:
    for kind, tensors in (("inputs", artifact.inputs), ("outputs", artifact.outputs)):
        names = [tensor.name for tensor in tensors]
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield f"$.{kind}: {names.count(name)} tensors are named {name!r}"
        for index, tensor in enumerate(tensors):
            shape = tensor.shape
            if tensor.image and (len(shape) != 4 or shape[0] != 1 or shape[1] not in (1, 3, 4)):
                yield f"$.{kind}[{index}].image: a tensor of shape {list(shape)} is no picture"
            if isinstance(tensor.image, ImageInput):
                replaces, count = tensor.image.replaces, len(artifact.kernels)
                if replaces >= count:
                    yield f"$.{kind}[{index}].image.replaces: {replaces} of {count} kernels"


def _check_kernel(artifact: Artifact, kernel: Kernel, path: str) -> Iterator[str]:
    numbers = [b.binding for b in kernel.bindings]
    if len(set(numbers)) != len(numbers):
        yield f"{path}.bindings: binding numbers {numbers} are not all different"
    for index, binding in enumerate(kernel.bindings):
        if binding.buffer not in artifact.buffers:
            yield f"{path}.bindings[{index}].buffer: there is no buffer {binding.buffer!r}"
    writable = {b.buffer for b in kernel.bindings if b.access == "read_write"}
    for index, store in enumerate(kernel.stores):
        place = f"{path}.stores[{index}]"
        if store.buffer not in writable:
            yield f"{place}.buffer: {store.buffer!r} is not bound read_write"
            continue
        end, words = store.offset + store.extent, artifact.buffers.get(store.buffer, 0) // WORD
        if end > words:
            yield f"{place}: ends at word {end} of {store.buffer!r}, which has {words}"
        if store.rows > 1 and store.pitch < store.width:
            yield f"{place}: rows of {store.width} words overlap at a pitch of {store.pitch}"


def _check_vectors(artifact: Artifact) -> Iterator[str]:
    probe, test = artifact.description["probe"], artifact.description["self_test"]
    counts = {k: len(probe[k]) for k in ("accumulators", "scales", "zero_points", "expected")}
    if len(set(counts.values())) != 1:
        yield f"$.probe: lists of different lengths {counts}"
    if len(test["kernels"]) != len(artifact.kernels):
        count, kernels = len(test["kernels"]), len(artifact.kernels)
        yield f"$.self_test.kernels: {count} checksums for {kernels} kernels"
    outputs = {tensor.name for tensor in artifact.outputs}
    if set(test["outputs"]) != outputs:
        yield f"$.self_test.outputs: {sorted(test['outputs'])} instead of {sorted(outputs)}"
    floats = {tensor.name for tensor in artifact.inputs if tensor.dtype == "float32"}
    if missing := sorted(floats - set(test["inputs"])):
        yield f"$.self_test.inputs: no range for {missing}"
