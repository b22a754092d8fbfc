"""Loads an artifact: the folder or bundle that `onnx2wgsl compile` writes, as docs/artifact.md specifies it.

Everything is checked before it is used: model.json by its own hash, schema and rules (description.py), every
other file by the length and the SHA-256 that model.json records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .description import (
    WORD,
    buffer_sizes,
    damaged,
    read_description,
    read_self_test,
    size_limit,
    tensor_bytes,
)
from .errors import ArtifactError, MissingFileError
from .folder import MODEL, Bundle, Files, Folder, read_recorded
from .pictures import FitName
from .shaders import shader_problems

Json = dict[str, Any]
_HEADING = "\n//// "


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
    schedules: Mapping[str, Kernel] = field(default_factory=dict)
    """What computes the same in its place, by the variant of `dot`."""

    def scheduled(self, dot: str) -> Kernel:
        """The kernel as it runs with a variant of `dot`."""
        return self.schedules.get(dot, self)


@dataclass(frozen=True)
class ImageInput:
    """How an input is fed as a picture: `kernel` runs in the place of kernel number `replaces`, and the
    kernels `skips` do not run.

    `size`: width and height. `scale`, `offset`: of each channel of the tensor, whose order is `channels`.
    `fit`: how a picture of other proportions meets the input; `pad`: the colour beside it. `resize`: the
    shaders of that, for runtimes that resize on the device.
    """

    size: list[int]
    channels: str
    scale: list[float]
    offset: list[float]
    fit: FitName
    pad: list[int]
    resize: dict[str, str]
    replaces: int
    kernel: Kernel
    skips: Sequence[int] = ()


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
        return tensor_bytes(self.shape, self.dtype)

    @property
    def buffer_bytes(self) -> int:
        """Bytes of its buffer: whole words."""
        return -(-self.nbytes // WORD) * WORD


@dataclass(frozen=True)
class Artifact:
    """A checked artifact; `description` is the content of model.json, `self_test` the test vectors."""

    files: Files = field(repr=False)
    description: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    kernels: tuple[Kernel, ...]
    weights: bytes
    shaders: Mapping[str, str] = field(repr=False)
    self_test: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.description["name"])

    @property
    def labels(self) -> list[str]:
        """The names of its classes; empty where it has none."""
        return list(self.description.get("labels", ()))

    @cached_property
    def image_kernels(self) -> dict[str, ImageInput]:
        """Input name -> how it is fed as a picture, for the inputs that can be."""
        return {t.name: t.image for t in self.inputs if isinstance(t.image, ImageInput)}

    @cached_property
    def buffers(self) -> dict[str, int]:
        """Buffer name -> bytes, for every buffer that the kernels may bind."""
        return buffer_sizes(self.description)

    def all_kernels(self) -> Iterator[Kernel]:
        """The kernels in order, then those that read pictures, each with its schedules."""
        for kernel in (*self.kernels, *(image.kernel for image in self.image_kernels.values())):
            yield kernel
            yield from kernel.schedules.values()


def load_artifact(path: str | Path) -> Artifact:
    """Reads and checks a folder or a bundle; raises ArtifactError with the place and what to do."""
    path = Path(path)
    files: Files = Folder(path) if path.is_dir() or not path.exists() else Bundle(path)
    try:
        data = files.read(MODEL, size_limit())
    except MissingFileError:
        raise ArtifactError(
            f"{path} holds no artifact ({MODEL}: No such file); "
            f"make one with: onnx2wgsl compile MODEL -o {path}"
        ) from None
    description = read_description(path / MODEL, data)
    files.unpack(description)
    record = description["self_test"]
    test = read_self_test(files.path / record["file"], read_recorded(files, record), description)
    return Artifact(
        files=files,
        description=description,
        inputs=tuple(_tensor(t, test) for t in description["inputs"]),
        outputs=tuple(_tensor(t, test) for t in description["outputs"]),
        kernels=tuple(_kernel(k, test, i) for i, k in enumerate(description["kernels"])),
        shaders=_shaders(files, description),
        weights=read_recorded(files, description["weights"]),
        self_test=test,
    )


def words_of(data: bytes | bytearray | memoryview) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The bytes as little-endian u32 words (a view)."""
    return np.frombuffer(data, dtype="<u4")


def _tensor(record: Json, test: Json) -> Tensor:
    image: ImageInput | ImageOutput | None = None
    if "image" in record:
        fields = dict(record["image"])
        if "kernel" in fields:
            # It writes what the kernel does in whose place it runs.
            kernel = _kernel(fields["kernel"], test, fields["replaces"])
            image = ImageInput(**(fields | {"kernel": kernel}))
        else:
            image = ImageOutput(**fields)
    return Tensor(record["name"], record["dtype"], tuple(record["shape"]), image)


def _kernel(record: Json, test: Json, number: int) -> Kernel:
    x, y, z = record["workgroups"]
    schedules = record.get("schedules", {})
    plain = {key: value for key, value in record.items() if key != "schedules"}
    return Kernel(
        name=record["name"],
        op=record["op"],
        shader=record["shader"],
        constants={f"K{i}": float(value) for i, value in enumerate(record["constants"])},
        # `requires` directives must stand first in a module, and the dot snippet has one.
        uses=tuple(sorted(record["uses"])),
        workgroups=(x, y, z),
        bindings=tuple(Binding(**b) for b in record["bindings"]),
        stores=tuple(Store(**s) for s in test["stores"][number]),
        macs=test["macs"][number],
        schedules={dot: _kernel(plain | schedule, test, number) for dot, schedule in schedules.items()},
    )


def _shaders(files: Files, description: dict[str, Any]) -> dict[str, str]:
    """Name -> text of every shader; in their two files each stands below its name."""
    images = [tensor["image"] for tensor in description["inputs"] if "image" in tensor]
    kernels = [*description["kernels"], description["probe"], *(image["kernel"] for image in images)]
    dot, requantize = (description["snippets"][name] for name in ("dot", "requantize"))
    usual = {dot["packed"], requantize["fast"], *(kernel["shader"] for kernel in kernels)}
    rare = {dot["emulated"], requantize["integer"]}
    rare |= {name for image in images for name in image["resize"].values()}
    rare |= {one["shader"] for kernel in kernels for one in kernel.get("schedules", {}).values()}
    return _sections(files, description["shaders"], usual) | _sections(
        files, description["rare_shaders"], rare
    )


def _sections(files: Files, record: dict[str, Any], names: set[str]) -> dict[str, str]:
    """The shaders of a file, which must be there by these names."""
    path = files.path / record["file"]
    text = "\n" + _text(path, read_recorded(files, record))
    sections = (section.partition("\n") for section in text.split(_HEADING)[1:])
    shaders = {name: code for name, _, code in sections}
    problems = [f"{name} is missing" for name in sorted(names - shaders.keys())]
    problems += [f"{name}: {problem}" for name, code in shaders.items() for problem in shader_problems(code)]
    if problems:
        raise damaged(path, problems)
    return shaders


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, [f"byte {error.start} is not UTF-8"]) from None
