"""onnx2wgsl inspect MODEL|DIR|BUNDLE"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.program import Program
from . import by_channel, console
from .options import FOLDER, MODEL, MODEL_OR_FOLDER, shape_option

Shapes = dict[str, tuple[int, ...]]
REPORT = b'<meta name="generator" content="onnx2wgsl inspect">'
"""What tells a report from other pages."""


@click.command()
@click.argument("path", metavar="MODEL|DIR|BUNDLE", type=MODEL_OR_FOLDER)
@click.option(
    "--after",
    metavar="PASS",
    help="Print the IR as it is after this pass ('import' for the first).",
)
@click.option("--dump-ir", type=FOLDER, help="Write the IR after every pass to this folder.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report with the live-range chart.",
)
@click.option("--shader", metavar="NAME", help="Print a shader, such as conv.wgsl; of a MODEL with comments.")
@click.option(
    "--model",
    "source",
    type=MODEL,
    help="For --after, --dump-ir and --html of a DIR or BUNDLE: the model it was made from, unless that lies "
    "beside it.",
)
@shape_option
def command(
    path: Path,
    after: str | None,
    shader: str | None,
    dump_ir: Path | None,
    html: Path | None,
    source: Path | None,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
) -> None:
    """Show the kernels, the IR after each pass, the memory plan.

    What of that an artifact does not hold is shown of the model that it was made from.
    """
    from ..ir.dump import Dump
    from .compiled import is_compiled

    sizes = dict(shapes)
    if shader is not None:
        _print_shader(path, shader, sizes)
        return
    if is_compiled(path):
        wants = {"--after": after, "--dump-ir": dump_ir, "--html": html}
        wanted = [name for name, value in wants.items() if value is not None]
        if not wanted:
            _inspect_artifact(path)
            return
        path, sizes = _model_behind(path, source, wanted[0], sizes)
    _require_writable(dump_ir, html)
    dump = Dump()
    program = _compile(path, sizes, after, dump)
    if after is None:
        _print_program(program)
    if dump_ir is not None:
        dump.write(dump_ir)
    if html is not None:
        from ..backend.report import render_report
        from ..files import write_whole

        write_whole(html, render_report(program).encode())
    for file in (dump_ir, html):
        if file is not None and after is None:
            console().print(f"{file} written")


def _print_shader(path: Path, name: str, shapes: Shapes) -> None:
    from onnx2wgsl.runtime_py.artifact import load_artifact

    from ..backend.codegen import generate
    from ..backend.pictures import picture_inputs
    from ..pipeline import compile_model
    from .compiled import is_compiled

    shaders: Mapping[str, str]
    if is_compiled(path):
        shaders = load_artifact(path).shaders
    else:
        program = compile_model(path, shapes)
        shaders = generate(program, picture_inputs(program)).shaders
    if name not in shaders:
        raise CompileError(f"no shader {name!r}; the shaders are: {', '.join(shaders)}")
    click.echo(shaders[name], nl=False)


def _require_writable(dump_ir: Path | None, html: Path | None) -> None:
    """Refuses to write over what is no dump and no report, before the model is compiled."""
    from ..folders.writer import require_replaceable
    from ..ir.dump import MANIFEST

    if dump_ir is not None:
        require_replaceable(dump_ir, MANIFEST)
    if html is not None and html.exists() and not html.is_file():
        raise CompileError(f"{html} can't be written: it is no regular file")
    if html is not None and html.is_file() and html.stat().st_size:
        with html.open("rb") as file:
            if REPORT not in file.read(1000):
                raise CompileError(
                    f"{html} is no report of inspect; it is left as it is: give another name, or remove it"
                )


def _compile(path: Path, shapes: Shapes, after: str | None, dump: Any) -> Program:
    """The program; the IR after one pass is printed even where a later pass refuses the model."""
    from ..pipeline import PASS_NAMES, compile_model

    if after is not None and after not in PASS_NAMES:
        raise CompileError(f"no pass {after!r}; the passes are: {', '.join(PASS_NAMES)}")
    texts: dict[str, str] = {}

    def observe(name: str, stage: Graph | Program) -> None:
        dump(name, stage)
        texts[name] = list(dump.texts.values())[-1]

    try:
        return compile_model(path, shapes, observe)
    finally:
        if after is not None and after in texts:
            click.echo(texts[after], nl=False)


def _print_program(program: Program) -> None:
    from ..ir.program import BufferStore

    table = Table("#", "kind", "kernel", "result", "tile", "MACs", "reads", "writes", "live bytes")
    for column in table.columns[5:]:
        column.justify = "right"
    ranges = program.live_ranges()
    for index, kernel in enumerate(program.kernels):
        tile = getattr(kernel, "tile", None)
        live = sum(b.words * 4 for b, (first, last) in ranges.items() if first <= index <= last)
        bytes_read = sum(view.pixels * view.words * 4 for view in kernel.reads())
        bytes_written = sum(
            s.view.pixels * s.view.words * 4 for s in kernel.stores if isinstance(s, BufferStore)
        )
        table.add_row(
            str(index),
            kernel.kind,
            kernel.name,
            "x".join(map(str, (*kernel.shape[1:], kernel.words * 4))),
            f"{tile.pixels}x{tile.words * 4}" if tile else "",
            f"{kernel.macs:,}",
            f"{bytes_read:,}",
            f"{bytes_written:,}",
            f"{live:,}",
        )
    out = console()
    out.print(table)
    arena, bound = (program.arena_words or 0) * 4, (program.lower_bound_words or 0) * 4
    out.print(
        f"{len(program.kernels)} dispatches, {sum(k.macs for k in program.kernels):,} MACs, "
        f"arena {arena:,} bytes, lower bound {bound:,} bytes ({program.arena_excess:+.1%})"
    )


def _model_behind(path: Path, source: Path | None, option: str, shapes: Shapes) -> tuple[Path, Shapes]:
    """The model that an artifact was made from, and the shapes that it was compiled for."""
    from onnx2wgsl.runtime_py.artifact import load_artifact

    from .compiled import model_of, shapes_of

    model = model_of(path, source)
    artifact = load_artifact(path)
    if model is None:
        name = artifact.description["source"]["file"]
        raise CompileError(
            f"{option} needs the model that {path} was compiled from, {name}, which is not beside it: "
            "give it with --model"
        )
    return model, shapes_of(artifact) | shapes


def _inspect_artifact(path: Path) -> None:
    from onnx2wgsl.runtime_py.artifact import load_artifact

    artifact = load_artifact(path)
    description = artifact.description
    table = Table("#", "kind", "kernel", "shader", "workgroups", "MACs")
    for index, (kernel, macs) in enumerate(
        zip(description["kernels"], artifact.self_test["macs"], strict=True)
    ):
        groups = "x".join(str(count) for count in kernel["workgroups"][:2])
        table.add_row(
            str(index),
            kernel["op"],
            kernel["name"],
            kernel["shader"],
            groups,
            f"{macs:,}",
        )
    out = console()
    out.print(table)
    for kind in ("inputs", "outputs"):
        for tensor in description[kind]:
            picture = tensor.get("image")
            rule = (
                f", picture: scale {by_channel(picture['scale'])}, offset {by_channel(picture['offset'])}"
                if picture
                else ""
            )
            if picture and kind == "inputs":
                rule += f", {picture['channels']}, fit {picture['fit']}"
            type_ = f"{tensor['dtype']}{json.dumps(tensor['shape'])}"
            out.print(f"{kind[:-1]} {tensor['name']}: {type_}{rule}")
    arena, weights = description["arena"], description["weights"]
    out.print(
        f"{len(description['kernels'])} dispatches, arena {arena['bytes']:,} bytes "
        f"(lower bound {arena['lower_bound']:,}), weights {weights['bytes']:,} bytes, "
        f"exact against {description['reference']['runtime']}"
    )
