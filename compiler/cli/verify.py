"""onnx2wgsl verify MODEL|DIR"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.program import Program
from ..ir.types import Array
from . import console
from .options import MODEL, MODEL_OR_FOLDER, device_options, shape_option

if TYPE_CHECKING:
    from ..verify.compare import Difference, Expected, Steps, Verification

Sample = dict[str, Array]


@click.command()
@click.argument("path", metavar="MODEL|DIR", type=MODEL_OR_FOLDER)
@click.option("--samples", default=4, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--each-pass", is_flag=True, help="Also evaluate the IR after every pass.")
@click.option(
    "--input", "inputs", type=MODEL, multiple=True,
    help="Compare on these inputs, .npz files with an array for each, instead of drawn samples.",
)  # fmt: skip
@click.option("--model", "source", type=MODEL_OR_FOLDER, help="For a DIR: the model it was made from.")
@shape_option
@device_options
def command(
    path: Path,
    samples: int,
    seed: int,
    each_pass: bool,
    inputs: tuple[Path, ...],
    source: Path | None,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    adapter: str | None,
    dot: Any,
    requantize: Any,
) -> None:
    """Compare every bit with onnxruntime, on the GPU and after each pass.

    A DIR is compared with the model it was compiled from (found beside it, or given by --model);
    where that is not at hand, its recorded test vectors are replayed.
    """
    out = console()
    device = {"adapter": adapter, "dot": dot, "requantize": requantize}
    if path.is_dir():
        found = _source_of(path, source)
        if found is None and inputs:
            raise CompileError(f"{path}: --input needs the model it was compiled from; give it with --model")
        if found is None:
            _replay(out, path, device)
            return
        model, folder = found, path
    else:
        model, folder = path, None
    check = _Check(out, model, _shapes_of(folder) | dict(shapes), len(inputs) or samples, seed)
    check.samples = [_load(file) for file in inputs]
    check.run(folder, device, each_pass)
    check.report()


def _load(path: Path) -> Sample:
    """The arrays of an .npz file by name."""
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("one array without a name")
        with file:
            return dict(file)
    except OSError:
        raise
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise CompileError(
            f"{path} is not an .npz file of arrays by input name ({error}); "
            "numpy.savez(path, name=array) writes one"
        ) from error


def _shapes_of(folder: Path | None) -> dict[str, tuple[int, ...]]:
    """The input shapes that an artifact was compiled for; none for a model."""
    from onnx2wgsl.runtime_py.artifact import load_artifact

    return {} if folder is None else {t.name: t.shape for t in load_artifact(folder).inputs}


def _source_of(folder: Path, given: Path | None) -> Path | None:
    """The model that the artifact in `folder` was compiled from, known by its SHA-256."""
    from onnx2wgsl.runtime_py.artifact import load_artifact

    source = load_artifact(folder).description["source"]
    if given is not None:
        if not given.is_file():
            raise CompileError(f"{given}: no such file")
        places = [given]
    else:
        near = (folder, folder.parent, Path(), Path("models"))
        places = [place / source["file"] for place in near]
    for place in places:
        if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == source["sha256"]:
            return place
    if given is not None:
        raise CompileError(
            f"{given} is not the model that {folder} was compiled from: that was {source['file']} "
            f"with SHA-256 {source['sha256']}; compile anew, or give that file"
        )
    return None


def _replay(out: Console, folder: Path, device: dict[str, Any]) -> None:
    """The self-test alone, where there is no model to compare with."""
    from onnx2wgsl.runtime_py import InferenceSession

    with InferenceSession(folder, **device) as session:
        report = session.self_test()
        source = session.artifact.description["source"]["file"]
    out.print(f"{source} is not at hand (--model gives it): replaying the recorded test vectors")
    out.print(str(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


@dataclass
class _Stage:
    """Differing values over all samples, by stage; `error`: the largest of floats that are held to
    a tolerance.
    """

    name: str
    values: int = 0
    differing: int = 0
    error: float = 0.0
    what: str = "values"
    first_sample: int | None = None  # the number of the first sample that differs
    detail: str = ""

    @property
    def wrong(self) -> bool:
        from ..verify.compare import TOLERANCE

        return self.differing > 0 or self.error > TOLERANCE


@dataclass
class _Check:
    out: Console
    model: Path
    shapes: dict[str, tuple[int, ...]]
    count: int
    seed: int
    stages: list[_Stage] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    errors: dict[int, float] = field(default_factory=dict)  # of each float region, by its number
    reference: str = ""
    adapter: str = ""
    verification: Verification = field(init=False)
    steps: Steps = field(init=False)  # of ConvTranspose

    def run(self, folder: Path | None, device: dict[str, Any], each_pass: bool) -> None:
        """Compiles, evaluates the passes where asked, then the device."""
        from ..backend.artifact import write_artifact
        from ..frontend.driver import import_model
        from ..pipeline import PASS_NAMES, compile_graph

        graph = import_model(self.model, self.shapes)
        inputs = Graph(graph.name, graph.inputs, [], [], list(graph.ops))
        program = compile_graph(graph)
        self._prepare(inputs, program, graph)
        total = (len(PASS_NAMES) + 2) * each_pass + self.count
        with Progress(console=self.out, transient=True, disable=not self.out.is_terminal) as bar:
            task = bar.add_task("comparing", total=total)

            def observe(name: str, stage: Graph | Program) -> None:
                if each_pass:
                    self._evaluate(name, stage)
                    bar.advance(task)

            if each_pass:
                compile_graph(import_model(self.model, self.shapes), observe)
            elif self.verification.regions:
                self._evaluate("simulation", program)
            with tempfile.TemporaryDirectory() as scratch:
                if folder is None:
                    folder = Path(scratch) / self.model.stem
                    write_artifact(program, folder, source=self.model)
                self._on_device(folder, program, device, lambda: bar.advance(task))

    def _prepare(self, imported: Graph, program: Program, packed: Graph) -> None:
        """Seeded samples and what onnxruntime makes of them."""
        from ..frontend.model_file import load_model
        from ..reference.oracle import Oracle, needs_signed_integer_kernels
        from ..verify.compare import Steps, Verification

        signed = needs_signed_integer_kernels(load_model(self.model))
        oracle = Oracle(self.model, signed_integer_kernels=signed)
        self.reference = oracle.reference
        groups = oracle.integer_groups()
        self.out.print(f"{self.reference} on {self.model}:\n{groups}")
        random = np.random.default_rng(self.seed)
        if not self.samples:
            self.samples = [random_sample(imported, random) for _ in range(self.count)]
        self.steps = Steps()
        self.verification = Verification(oracle, program, packed)
        self.expected = [self.verification.expect(sample) for sample in self.samples]
        if self.verification.note:
            self.out.print(
                f"what lies behind float regions is compared kernel by kernel only: {self.verification.note}"
            )

    def _evaluate(self, name: str, stage: Graph | Program) -> None:
        self._add(
            f"after {name}" if name != "simulation" else "simulated",
            [self.verification.stage(stage, expected) for expected in self.expected],
        )

    def _on_device(self, folder: Path, program: Program, device: dict[str, Any], advance: Any) -> None:
        from onnx2wgsl.runtime_py import InferenceSession
        from onnx2wgsl.runtime_py.adapters import adapter_name

        with InferenceSession(folder, **device) as session:
            self.adapter = adapter_name(session.get_adapter())
            names = [tensor.name for tensor in session.get_outputs()]
            results = []
            for expected in self.expected:
                found = dict(zip(names, session.run(None, expected.sample), strict=True))
                results.append(self.verification.outputs(expected, found))
                advance()
            stage = self._add(f"on {self.adapter}", results)
            if stage.first_sample is not None:
                stage.detail = first_difference(program, session, self.samples[stage.first_sample])
            if self.verification.regions:
                self._replay(session)
        for expected in self.expected:
            self.steps.add(self.verification.steps(expected))
        if not self.steps.ok:
            apart = f"; up to {self.steps.most} steps, where one is allowed"
            values, differing = self.steps.values, self.steps.differing
            self.stages.append(_Stage("in a ConvTranspose", values, differing, detail=apart))

    def _replay(self, session: Any) -> None:
        """Every kernel against the simulator, fed with the device's own words."""
        from ..verify.compare import Replay

        found = Replay()
        for expected in self.expected:
            found.add(self.verification.replay(session, expected))
        stage = _Stage(f"kernels on {self.adapter}", found.words, what="words of integer kernels")
        stage.differing, self.errors = sum(found.wrong.values()), found.errors
        stage.error = max(found.errors.values())
        if found.wrong:
            name, count = next(iter(found.wrong.items()))
            stage.detail = f"; first in kernel {name!r}: {count} words"
        self.stages.append(stage)

    def _add(self, name: str, results: Sequence[Difference]) -> _Stage:
        stage = _Stage(name)
        for number, found in enumerate(results):
            stage.values += found.values
            stage.differing += found.differing
            stage.error = max(stage.error, found.error)
            if found.differing and stage.first_sample is None:
                stage.first_sample = number
        self.stages.append(stage)
        return stage

    def report(self) -> None:
        """The table, the float regions, the verdict, and the exit status."""
        regions = self.verification.regions
        table = Table("stage", "values", "differing", *(["largest float error"] * bool(regions)))
        for stage in self.stages:
            error = [f"{stage.error:.1e}"] if regions else []
            table.add_row(stage.name, str(stage.values), str(stage.differing), *error)
        self.out.print(table)
        for region in regions:
            self.out.print(f"{region}; error {self.errors[region.number]:.1e}")
        if count := len(self.verification.transposed):
            self.out.print(
                f"{count} ConvTranspose: integer sums where onnxruntime computes in float; given "
                f"the same inputs {self.steps.differing} of {self.steps.values} values are one "
                "step apart"
            )
        wrong = [stage for stage in self.stages if stage.wrong]
        if wrong:
            self.out.print(f"NOT exact: {self._blame(wrong[0])}")
            raise click.exceptions.Exit(1)
        counted = self.stages[-2:] if regions else self.stages[-1:]
        told = [f"0 of {stage.values} {stage.what}" for stage in counted if stage.values]
        self.out.print(
            f"exact: {' and '.join(told) or 'no integers'} differ from {self.reference} "
            f"in {self.count} samples on {self.adapter}{self._tolerance()}"
        )

    def _blame(self, stage: _Stage) -> str:
        from ..verify.compare import TOLERANCE

        if stage.differing:
            return (
                f"{stage.differing} of {stage.values} {stage.what} differ "
                f"from {self.reference} {stage.name}{stage.detail}"
            )
        return (
            f"float regions differ from {self.reference} by {stage.error:.1e} {stage.name}; "
            f"{TOLERANCE:.0e} of the largest magnitude is allowed"
        )

    def _tolerance(self) -> str:
        """What the verdict says of float regions and ConvTranspose."""
        from ..verify.compare import TOLERANCE

        count = len(self.verification.regions)
        summed = ", with integer sums in its ConvTranspose" * bool(self.verification.transposed)
        if not count:
            return summed
        worst = max(self.errors.values())
        return (
            f"{summed}; {count} float region{'s' * (count > 1)} within {TOLERANCE:.0e} "
            f"(at most {worst:.1e}), integers given the same inputs"
        )


def random_sample(graph: Graph, random: np.random.Generator) -> Sample:
    """Inputs that reach all levels and saturate: noise of a random spread around a random level."""
    sample = {}
    for value in graph.inputs:
        type_ = value.type
        if type_.is_byte:
            dtype = np.uint8 if type_.dtype == "u8" else np.int8
            sample[value.name] = random.integers(0, 256, type_.shape).astype(np.uint8).view(dtype)
            continue
        low, high = _real_range(graph, value)
        centre, spread = random.uniform(low, high), (high - low) * random.uniform(0.1, 1.2)
        noise = centre + random.uniform(-spread, spread, type_.shape)
        sample[value.name] = noise.astype(np.float32)
    return sample


def _real_range(graph: Graph, value: Any) -> tuple[float, float]:
    """The real values that the quantization of a float input covers."""
    for op in graph.users().get(value, []):
        quantization = op.result.type.quantization
        if quantization is not None:
            low, high = op.result.type.limits
            ends = (low - quantization.zero_point, high - quantization.zero_point)
            return ends[0] * quantization.scale, ends[1] * quantization.scale
    return -1.0, 1.0


def first_difference(program: Program, session: Any, sample: Sample) -> str:
    """Names the first kernel whose words on the device are not those of the simulator."""
    from ..verify.simulator import run_program

    expected: dict[str, list[Array]] = {}
    run_program(program, sample, lambda kernel, words: expected.update({kernel.name: words}))
    found = session.trace(sample)
    for name, stores in expected.items():
        for mine, theirs in zip(stores, found[name], strict=True):
            differing = int((mine != theirs.reshape(mine.shape)).sum())
            if differing:
                return f"; first in kernel {name!r}: {differing} of {mine.size} words"
    return "; every kernel's words are right one by one, so a barrier or the read-back is not"
