"""onnx2wgsl swap DIR MODEL"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from onnx2wgsl.runtime_py.artifact import Artifact, load_artifact
from onnx2wgsl.runtime_py.selftest import NONE
from rich.console import Console
from rich.status import Status

from ..backend.artifact import ArtifactFiles, make_artifact
from ..backend.names import BUNDLE_SUFFIX, MANIFEST, TYPES, is_loaded
from ..backend.pictures import Picture, picture_inputs
from ..backend.structure import differences
from ..driver import portable_model
from ..errors import CompileError, UnsupportedError
from ..folders.manifest import contents
from ..folders.writer import require_replaceable
from ..ir.program import Program
from ..pipeline import compile_model
from ..reference.oracle import reference_of
from . import console
from .compiled import shapes_of
from .options import FOLDER, MODEL

SHOWN = 8
"""As many differences are listed."""


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("model", type=MODEL)
def command(folder: Path, model: Path) -> None:
    """Put a model of the same structure, such as one trained further, into a compiled DIR.

    MODEL is compiled as DIR was: for its shapes and pictures, with its labels, sample, self-test and bundle.
    Where kernels, shaders, inputs and outputs are the same, its weights and test vectors take the place of
    those in DIR, and all else stays, the page and the runtime too. Else what differs is told, and DIR is left
    as it is.
    """
    require_replaceable(folder, MANIFEST)
    with Status("reading", console=Console(stderr=True, markup=False, emoji=False)) as status:
        artifact = load_artifact(folder)
        program = _program(model, artifact)
        pictures = _pictures(program, artifact.description)
        plain = make_artifact(program, source=model, pictures=pictures, with_self_test=False)
        test = json.loads(plain.parts["self_test"][1])
        old, new = (
            one | {"stores": s["stores"]}
            for one, s in ((artifact.description, artifact.self_test), (plain.model, test))
        )
        _require_same(folder, model, old, new)
        swapped = _swapped(folder, artifact, program, model, pictures, status.update)
        swapped.write(folder)
    name, data = swapped.parts["weights"]
    console().print(
        f"{folder}: {len(artifact.kernels)} kernels, shaders, inputs and outputs are the same; "
        f"{name} has the weights of {model}, {len(data):,} bytes"
    )


def _program(model: Path, artifact: Artifact) -> Program:
    """The model for the artifact's shapes; for its own where these are others, to tell what differs."""
    try:
        return compile_model(model, shapes_of(artifact))
    except UnsupportedError:
        raise
    except CompileError as error:
        try:
            return compile_model(model, {})
        except CompileError:
            raise error from None


def _pictures(program: Program, description: Mapping[str, Any]) -> dict[str, Picture]:
    """The pictures as the artifact takes them, of the inputs that are in both."""
    images = {tensor["name"]: tensor.get("image") for tensor in description["inputs"]}
    pictures = {}
    for name, picture in picture_inputs(program).items():
        image = images.get(name)
        if image is not None and len(image["scale"]) == len(picture.scale):
            pictures[name] = replace(
                picture,
                scale=tuple(map(float, image["scale"])),
                offset=tuple(map(float, image["offset"])),
                channels=image["channels"],
                fit=image["fit"],
                pad=tuple(image["pad"]),
            )
    return pictures


def _require_same(folder: Path, model: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises CompileError with the first differences in structure."""
    problems = differences(old, json.loads(json.dumps(new)))
    if not problems:
        return
    rest = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
    listed = "\n".join(f"  {line}" for line in lines)
    raise CompileError(
        f"{model} has another structure than what is in {folder}, which is left as it is:\n{listed}\n"
        f"compile it anew: onnx2wgsl compile {model} -o {folder}"
    )


def _swapped(
    folder: Path,
    artifact: Artifact,
    program: Program,
    model: Path,
    pictures: Mapping[str, Picture],
    tell: Any,
) -> ArtifactFiles:
    """The artifact with the model's numbers; what no runtime loads is as it was, but for the bundle."""
    description = artifact.description
    names = [name for name in contents(folder, MANIFEST).own if not is_loaded(name)]
    bundle = next((name for name in names if name.endswith(BUNDLE_SUFFIX)), "")
    files = {name: (folder / name).read_bytes() for name in names if name != bundle}
    with_self_test = NONE not in artifact.self_test["kernels"]
    fresh = make_artifact(
        program,
        source=model,
        pictures=pictures,
        labels=artifact.labels,
        sample=files.get(description.get("sample", ""), b""),
        oracle=reference_of(model) if with_self_test else None,
        with_self_test=with_self_test,
        onnx=portable_model(model) if "onnx" in description else b"",
        progress=tell,
    )
    # The types tell the model's name.
    types = {TYPES: fresh.others[TYPES]} if TYPES in files else {}
    return replace(fresh, others=files | types, bundle=bundle)
