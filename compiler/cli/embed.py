"""onnx2wgsl embed MODEL|DIR|BUNDLE -o DIR"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.description import size_limit
from onnx2wgsl.runtime_py.folder import read_recorded
from rich.console import Console
from rich.status import Status

from ..backend.artifact import ArtifactFiles, make_artifact
from ..backend.embedding import embedding_page, is_unchanged
from ..backend.model_types import model_types
from ..backend.names import MANIFEST, MODEL, PAGE, PARTS, TYPES, scripts_and_page
from ..errors import CompileError
from ..files import write_whole
from ..folders.manifest import contents
from ..folders.writer import require_replaceable
from ..pipeline import compile_model
from ..reference.oracle import reference_of
from . import console
from .compiled import is_compiled
from .options import MODEL_OR_FOLDER, shape_option


@click.command()
@click.argument("path", metavar="MODEL|DIR|BUNDLE", type=MODEL_OR_FOLDER)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to write the page to; with --single-file also NAME.html.",
)
@click.option(
    "--single-file",
    is_flag=True,
    help="All in one .html, runtime and model too, which opens from disk, without a server.",
)
@shape_option
def command(
    path: Path, output: Path, single_file: bool, shapes: tuple[tuple[str, tuple[int, ...]], ...]
) -> None:
    """Lay out a minimal page that runs a model, to paste from: index.html, and beside it the folder model/.

    A MODEL is compiled; for pictures, labels and all else that compile has options for, compile it first and
    give the DIR. An index.html that was edited stays, and the model beside it is renewed.
    """
    if shapes and is_compiled(path):
        raise click.UsageError(f"--shape is for a MODEL; {path} is compiled")
    page = output / "index.html" if not single_file or output.suffix != ".html" else output
    folder = output / "model"
    if single_file:
        if page.exists() and not _is_own(page):
            raise CompileError(
                f"{page} was not written by embed, or was edited since; it is left as it is: give another "
                "name, or remove it"
            )
    else:
        if (output / MODEL).exists():
            raise CompileError(f"{output} is an artifact itself; give another folder for the page")
        require_replaceable(folder, MANIFEST)
    with Status("reading", console=Console(stderr=True, markup=False, emoji=False)) as status:
        artifact = _read(path) if is_compiled(path) else _compiled(path, dict(shapes), status)
    if single_file:
        text = embedding_page(artifact.model, artifact.bundled())
        write_whole(page, text)
        console().print(f"{page}: {len(text) / 1e6:.2f} MB; it opens from disk, in a browser with WebGPU")
        return
    artifact.write(folder)
    if page.exists() and not _is_own(page):
        console().print(f"{folder} is renewed; {page} is yours, and stays as it is")
    else:
        write_whole(page, embedding_page(artifact.model))
        console().print(f"{page} runs the model in {folder}; onnx2wgsl serve {output} shows it")


def _is_own(page: Path) -> bool:
    """Whether this command has written it, and nobody has edited it since."""
    return page.is_file() and is_unchanged(page.read_bytes())


def _compiled(path: Path, shapes: dict[str, tuple[int, ...]], status: Status) -> ArtifactFiles:
    program = compile_model(path, shapes)
    return _without_page(
        make_artifact(program, source=path, oracle=reference_of(path), progress=status.update)
    )


def _read(path: Path) -> ArtifactFiles:
    """An artifact as it is, with the runtime of this version."""
    artifact = load_artifact(path)
    description = artifact.description
    records = {key: description[key] for key in (*PARTS, "onnx") if key in description}
    parts = {key: (record["file"], read_recorded(artifact.files, record)) for key, record in records.items()}
    others = scripts_and_page("onnx" in parts)
    sample = description.get("sample")
    if sample is not None:
        if sample not in contents(path, MANIFEST).own:
            raise CompileError(f"{path / sample} is missing, or was changed since; compile the model again")
        others[sample] = (path / sample).read_bytes()
    # As it was written: a number such as 1.0 keeps its form, and so the bundle its bytes.
    model = json.loads(artifact.files.read(MODEL, size_limit()))
    del model["sha256"]
    return _without_page(ArtifactFiles(model, parts, others | {TYPES: model_types(model)}))


def _without_page(artifact: ArtifactFiles) -> ArtifactFiles:
    """The artifact without the page that comes with every other one."""
    others = {name: data for name, data in artifact.others.items() if name not in PAGE}
    return replace(artifact, others=others)
