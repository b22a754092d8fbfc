"""Compiles a file to an artifact: what `onnx2wgsl compile` and a library caller both use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .backend.artifact import write_artifact
from .backend.names import MANIFEST, is_own_name
from .backend.pictures import Preprocessing, picture_inputs, stated
from .backend.self_test import Progress
from .errors import CompileError
from .folders.writer import require_replaceable
from .frontend.input_shapes import open_batches
from .frontend.model_file import FILE_BYTES, files_of, read_model, structure_of
from .ir.dump import MANIFEST as DUMP_MANIFEST
from .ir.dump import Dump
from .ir.graph import Graph
from .ir.program import Program, output_words
from .pipeline import compile_model
from .reference.oracle import reference_of
from .reference.portable import with_tables
from .verify.regions import Region, float_regions, is_all_float


@dataclass(frozen=True, eq=False)
class Compilation:
    """A compiled model: the artifact's folder, the program that is in it, and its figures.

    `description` is the content of model.json, whose form is docs/artifact.md; `artifact_bytes` is the size
    of all files of the folder. `open_batches` names the inputs whose batch the model and the caller left
    open: it is 1.
    """

    folder: Path
    program: Program = field(repr=False)
    description: Mapping[str, Any] = field(repr=False)
    artifact_bytes: int
    open_batches: Sequence[str] = field(default=(), repr=False)

    @property
    def dispatches(self) -> int:
        """Kernels, each dispatched once a frame."""
        return len(self.program.kernels)

    @property
    def macs(self) -> int:
        """Multiply-accumulates a frame."""
        return sum(kernel.macs for kernel in self.program.kernels)

    @property
    def arena_bytes(self) -> int:
        """Memory of all activations."""
        return int(self.description["arena"]["bytes"])

    @property
    def arena_lower_bound(self) -> int:
        """Bytes that are live at once at some kernel: no plan of the arena takes fewer."""
        return int(self.description["arena"]["lower_bound"])

    @property
    def largest_buffer(self) -> tuple[str, int]:
        """The buffer that takes the most bytes, and how many: a device must be able to bind it."""
        sizes = {"the arena": self.arena_bytes, "weights.bin": int(self.description["weights"]["bytes"])}
        for kind, tensors in (("input", self.program.inputs), ("output", self.program.outputs)):
            sizes |= {f"{kind} {name!r}": output_words(type_) * 4 for name, type_ in tensors.items()}
        return max(sizes.items(), key=lambda item: item[1])

    @property
    def float_regions(self) -> list[Region]:
        """The parts that compute in f32, in order; none where every bit is ONNX Runtime's."""
        return float_regions(self.program)

    @property
    def is_all_float(self) -> bool:
        """Whether nothing of the model is quantized."""
        return is_all_float(self.program)


def compile_file(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    normalize: Mapping[str, tuple[float, float]] | None = None,
    preprocess: Mapping[str, Preprocessing] | None = None,
    labels: Sequence[str] = (),
    sample: str | os.PathLike[str] | None = None,
    dump_ir: str | os.PathLike[str] | None = None,
    force: bool = False,
    self_test: bool = True,
    bundle: bool = False,
    keep_onnx: bool = False,
    progress: Progress | None = None,
) -> Compilation:
    """Compiles the ONNX file `model` to an artifact in the folder `output`.

    `shapes`: those of inputs with dynamic dimensions, by name; a symbolic batch is 1 where none is given.
    `normalize`: scale and offset by which a picture's bytes become the values of an input, by name: byte *
    scale + offset; else they follow from the range that the input is quantized for.
    `preprocess`: what else is known of the pictures of an input, by name: mean and std in the place of
    `normalize`, fit, the order of channels, the pad.
    `labels`: the names of the model's classes, in their order. `sample`: a picture's file (PNG, JPEG, WebP,
    BMP) to show the model on; both become part of the artifact.
    `dump_ir`: a folder to write the IR after every pass to, as text.
    `force`: where a folder holds more than an earlier compilation wrote, write over the files that have the
    new ones' names, one by one, and keep all others.
    `self_test`: whether the artifact gets one, for which the program is evaluated once on this CPU.
    `bundle`: whether one more file is written, NAME.onnx2wgsl, with all of the folder that runtimes need.
    `keep_onnx`: whether the model itself is written, too, in one file with its external data, for sessions
    that fall back to onnxruntime-web where there is no WebGPU (`reference/portable.py` says what it changes);
    the bundle is without it.
    `progress`: called with what is being done, in a few words.

    Raises UnsupportedError, a CompileError whose `reasons` are all that the compiler does not take of the
    model, and CompileError where the model can't be read, a shape or a normalisation does not fit it, or a
    folder can't be written. `output` is written whole or not at all; an earlier artifact there is
    replaced, and any other folder that is not empty, or whose files were changed since, is refused.
    """
    source, folder = Path(model), Path(output)
    require_replaceable(folder, MANIFEST, force)
    if dump_ir is not None:
        _require_apart(folder, Path(dump_ir))
        require_replaceable(Path(dump_ir), DUMP_MANIFEST, force)
    dump = Dump() if dump_ir is not None else None
    tell = progress or (lambda _: None)

    def observe(name: str, stage: Graph | Program) -> None:
        tell(f"compiling: {name}")
        if dump is not None:
            dump(name, stage)

    tell("reading")
    program = compile_model(source, {name: tuple(shape) for name, shape in (shapes or {}).items()}, observe)
    if force:
        _require_no_source(folder, source)
    pictures = stated(picture_inputs(program), program, preprocess or {}, normalize or {})
    tell("writing")
    description = write_artifact(
        program,
        folder,
        source=source,
        pictures=pictures,
        labels=labels,
        sample=b"" if sample is None else Path(sample).read_bytes(),
        oracle=reference_of(source) if self_test else None,
        force=force,
        with_self_test=self_test,
        with_bundle=bundle,
        onnx=portable_model(source) if keep_onnx else b"",
        progress=tell,
    )
    if dump is not None and dump_ir is not None:
        dump.write(Path(dump_ir), force)
    batches = open_batches(structure_of(source), shapes or {})
    return Compilation(folder, program, description, _size(folder), batches)


def portable_model(source: Path) -> bytes:
    """The model in one file, from which onnxruntime-web computes the same bits; its own where it can be."""
    model = read_model(source)
    portable = with_tables(model)
    if portable is model and len(files_of(source)) == 1:
        return source.read_bytes()
    size = portable.ByteSize()
    if size > FILE_BYTES:
        raise CompileError(
            f"{source} has {size:,} bytes with its external data, and one file holds at most "
            f"{FILE_BYTES:,}: compile it without --keep-onnx"
        )
    return bytes(portable.SerializeToString())


def _require_apart(folder: Path, dump: Path) -> None:
    """Refuses two folders of which one would be in the other's way."""
    one, other = Path(os.path.realpath(folder)), Path(os.path.realpath(dump))
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise CompileError(f"{folder} and {dump} lie in one another: give the IR a folder beside it")


def _require_no_source(folder: Path, model: Path) -> None:
    """Refuses to write over what the model was read from: its external data may be named as weights are."""
    home = Path(os.path.realpath(folder))
    for path in files_of(model):
        real = Path(os.path.realpath(path))
        if real.is_relative_to(home) and is_own_name(real.relative_to(home).as_posix()):
            raise CompileError(
                f"{path} belongs to the model, and {folder} needs its name: give another folder"
            )


def _size(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
