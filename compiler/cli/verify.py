"""onnx2wgsl verify MODEL|DIR"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from onnx2wgsl.media.arrays import read_array, read_arrays
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.artifact import load_artifact
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..errors import CompileError
from ..ir.graph import Graph
from ..pipeline import PASS_NAMES, import_or_refuse
from ..reference.oracle import Oracle, reference_of
from ..verify.compare import Difference, Feed, compare
from ..verify.compiled import Compiled
from ..verify.judgement import judge
from ..verify.regions import outputs_after_floats
from ..verify.replay import Device
from ..verify.report import Report
from ..verify.samples import check_ranges, random_sample
from ..verify.verification import Verification
from . import console
from .compiled import is_compiled, model_of, shapes_of
from .on_device import open_artifact, open_program
from .options import MODEL, MODEL_OR_FOLDER, RangeType, device_options, shape_option


@click.command()
@click.argument("path", metavar="MODEL|DIR|BUNDLE", type=MODEL_OR_FOLDER)
@click.option("--samples", default=4, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--each-pass", is_flag=True, help="Also evaluate the IR after every pass.")
@click.option(
    "--input", "inputs", type=MODEL, multiple=True,
    help="Compare on these inputs instead of drawn samples: .npz files with an array for each, or an .npy "
    "file for the only one.",
)  # fmt: skip
@click.option(
    "--range",
    "ranges",
    type=RangeType(),
    multiple=True,
    help="What values of an input are drawn, for example ids=0,999.",
)
@click.option(
    "--against", type=click.Choice(["onnxruntime", "onnxruntime-web"]), default="onnxruntime",
    show_default=True,
    help="onnxruntime-web: its WebAssembly, run in Node.js, judges the outputs.",
)  # fmt: skip
@click.option(
    "--model", "source", type=MODEL_OR_FOLDER, help="For a DIR or BUNDLE: the model it was made from."
)
@shape_option
@device_options
def command(
    path: Path,
    samples: int,
    seed: int,
    each_pass: bool,
    inputs: tuple[Path, ...],
    ranges: tuple[tuple[str, tuple[float, float]], ...],
    against: str,
    source: Path | None,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    adapter: str | None,
    dot: Any,
    requantize: Any,
) -> None:
    """Compare every bit with onnxruntime, on the GPU and after each pass.

    A DIR or BUNDLE is compared with the model it was compiled from (found beside it, kept in it, or given by
    --model); where that is not at hand, its recorded test vectors are replayed.
    """
    out = console()
    options = {"adapter": adapter, "dot": dot, "requantize": requantize}
    artifact = path if is_compiled(path) else None
    model = path if artifact is None else model_of(artifact, source)
    in_web = against == "onnxruntime-web"
    if model is None and (inputs or ranges or in_web):
        what = "--input" if inputs else "--range" if ranges else f"--against {against}"
        raise CompileError(f"{path}: {what} needs the model it was compiled from; give it with --model")
    if in_web and each_pass:
        raise click.UsageError("--each-pass is not for --against onnxruntime-web, which sees outputs alone")
    if inputs and ranges:
        raise click.UsageError("--input gives the inputs that --range would draw; give one of the two")
    if model is None:
        _replay_vectors(out, path, options)
        return
    model_shapes = ({} if artifact is None else shapes_of(load_artifact(artifact))) | dict(shapes)
    graph = import_or_refuse(model, model_shapes)
    feeds = [_read(file, graph) for file in inputs]
    check_ranges(graph, dict(ranges))
    random = np.random.default_rng(seed)
    feeds = feeds or [random_sample(graph, random, dict(ranges)) for _ in range(samples)]
    compiled = Compiled.of(graph)
    if in_web:
        with _device(artifact, compiled, model, options) as device:
            _judge(out, model, compiled, feeds, device)
        return
    verification = _verification(out, model, compiled, feeds)
    with _device(artifact, compiled, model, options) as device:
        _compare(out, verification, device, import_or_refuse(model, model_shapes) if each_pass else None)
    _print(out, verification.report)
    if verification.report.wrong is not None:
        raise click.exceptions.Exit(1)


def _read(file: Path, graph: Graph) -> Feed:
    """A sample of a user's own."""
    if file.suffix != ".npy":
        return read_arrays(file)
    if len(graph.inputs) > 1:
        names = ", ".join(value.name for value in graph.inputs)
        raise CompileError(f"{file} holds one array, and the inputs are {names}: give an .npz file with each")
    return {graph.inputs[0].name: read_array(file)}


def _device(
    artifact: Path | None, compiled: Compiled, model: Path, options: dict[str, Any]
) -> AbstractContextManager[Device]:
    """A session on an artifact, or on one that is made of the program."""
    if artifact is not None:
        return open_artifact(artifact, **options)
    return open_program(compiled.program, model, **options)


def _replay_vectors(out: Console, path: Path, options: dict[str, Any]) -> None:
    """The self-test alone, where there is no model to compare with."""
    with InferenceSession(path, **options) as session:
        report = session.self_test()
        source = session.artifact.description["source"]["file"]
    out.print(f"{source} is not at hand (--model gives it): replaying the recorded test vectors")
    out.print(str(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


def _verification(out: Console, model: Path, compiled: Compiled, samples: list[Feed]) -> Verification:
    """Tells what ONNX Runtime runs in integers, and asks it for the samples' outputs."""
    oracle = reference_of(model)
    groups = oracle.integer_groups()
    out.print(f"{oracle.reference} on {model}:\n{groups}")
    _note_saturation(out, oracle, samples)
    verification = Verification(oracle, compiled, samples)
    note = verification.expectation.note
    if note:
        out.print(f"what lies behind float regions is compared kernel by kernel only: {note}")
    return verification


def _compare(out: Console, verification: Verification, device: Device, again: Graph | None) -> None:
    """The passes where the model is imported `again` for them, then the device."""
    steps = verification.report.samples + (0 if again is None else len(PASS_NAMES) + 2)
    with Progress(console=out, transient=True, disable=not out.is_terminal) as bar:
        advance = partial(bar.advance, bar.add_task("comparing", total=steps))
        if again is not None:
            verification.each_pass(again, advance)
        elif verification.report.regions:
            verification.stage("simulated", verification.compiled.program)
        verification.on_device(device, advance)


def _judge(out: Console, model: Path, compiled: Compiled, feeds: list[Feed], device: Device) -> None:
    """What onnxruntime-web says of the device's outputs."""
    oracle = reference_of(model)
    out.print(f"{oracle.reference} on {model}:\n{oracle.integer_groups()}")
    _note_saturation(out, oracle, feeds)
    after_floats, _ = outputs_after_floats(compiled.program)
    judgement = judge(oracle, oracle.in_web(), device, feeds, after_floats)
    out.print(judgement.verdict)
    if not judgement.ok:
        raise click.exceptions.Exit(1)


def _note_saturation(out: Console, oracle: Oracle, samples: list[Feed]) -> None:
    """Says where onnxruntime by itself is not the reference: on a CPU whose sums saturate."""
    if not oracle.sums_saturate:
        return
    difference = Difference()
    for sample in samples:
        difference.add(compare(oracle.run(sample), oracle.run_plain(sample)))
    out.print(
        "this CPU has no VNNI instructions, and onnxruntime's sums of u8 * s8 products saturate on it: by "
        f"itself it differs from the reference, whose sums are whole, in {difference.differing} of "
        f"{difference.values} values; a model quantized with reduce_range=True gives the same on every CPU"
    )


def _print(out: Console, report: Report) -> None:
    """The table, the float regions, the verdict."""
    table = Table("stage", "values", "differing", *(["largest float error"] * bool(report.regions)))
    for row in report.rows:
        difference = row.difference
        error = [f"{difference.error:.1e}"] if report.regions else []
        table.add_row(row.name, str(difference.values), str(difference.differing), *error)
    out.print(table)
    for region in report.regions:
        out.print(f"{region}; error {report.replay.errors[region.number]:.1e}")
    if report.region_steps:
        steps = report.all_region_steps
        out.print(
            f"quantized behind float regions, given the same inputs: {steps.differing} of {steps.values} "
            f"values differ from onnxruntime's, by at most {steps.most} steps"
        )
    if report.transposed:
        out.print(
            f"{len(report.transposed)} ConvTranspose: integer sums where onnxruntime computes in float; "
            f"given the same inputs {report.steps.differing} of {report.steps.values} values are one "
            "step apart"
        )
    out.print(report.verdict)
