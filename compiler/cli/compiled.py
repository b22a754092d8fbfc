"""What a command is given: a model, or what it was compiled to; and the model that belongs to that."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onnx2wgsl.runtime_py.artifact import Artifact, load_artifact
from onnx2wgsl.runtime_py.folder import is_bundle

from ..errors import CompileError

Shapes = dict[str, tuple[int, ...]]


def is_compiled(path: Path) -> bool:
    """Whether it is an artifact, a folder or a bundle, and no model."""
    return path.is_dir() or is_bundle(path)


@contextmanager
def artifact_of(path: Path, shapes: Shapes) -> Iterator[Path]:
    """An artifact as it is, or the one that a model compiles to, while it is needed."""
    if is_compiled(path):
        yield path
        return
    from ..driver import compile_file

    with tempfile.TemporaryDirectory() as scratch:
        yield compile_file(path, Path(scratch) / path.stem, shapes=shapes).folder


def shapes_of(artifact: Artifact) -> Shapes:
    """The input shapes that it was compiled for."""
    return {tensor.name: tensor.shape for tensor in artifact.inputs}


def model_of(path: Path, model: Path | None) -> Path | None:
    """The model that the artifact at `path` was compiled from, known by its SHA-256.

    `model`: where it lies; else it is looked for in the artifact, beside it and here. None where it is not at
    hand. Raises CompileError where `model` is another one.
    """
    description = load_artifact(path).description
    source = description["source"]
    if model is not None:
        if not model.is_file():
            raise CompileError(f"{model}: no such file")
        places = [model]
    else:
        home = path if path.is_dir() else path.parent
        places = [place / source["file"] for place in (home, home.parent, Path(), Path("models"))]
        if "onnx" in description:  # it is the very file where nothing of it had to change
            places.append(home / description["onnx"]["file"])
    for place in places:
        if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == source["sha256"]:
            return place
    if model is not None:
        raise CompileError(
            f"{model} is not the model that {path} was compiled from: that was {source['file']} "
            f"with SHA-256 {source['sha256']}; compile anew, or give that file"
        )
    return None
