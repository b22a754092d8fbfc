"""onnx2wgsl fuzz"""

from __future__ import annotations

import hashlib
import importlib
import io
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..errors import CompileError
from . import console
from .options import FOLDER, device_options

if TYPE_CHECKING:
    from ..fuzzing.campaign import Campaign, Failure, Tally

DEFAULT_EXAMPLES = 1000
REASONS_SHOWN = 20


class DurationType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """`90s`, `10m` or `1h` as seconds."""

    name = "10m"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        text = str(value)
        unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            self.fail(f"{text!r} is no time such as 90s, 10m or 1h", param, ctx)
        return seconds


@click.command()
@click.option("--op", "ops", metavar="NAME", multiple=True, help="Only this kind of operator.")
@click.option("--graphs", is_flag=True, help="Nets of up to 12 nodes instead of single operators.")
@click.option(
    "--malformed", type=click.Choice(["models", "artifacts", "both"]), is_flag=False, flag_value="both",
    help="Damaged models and artifacts instead: each must be refused, or right.",
)  # fmt: skip
@click.option("--examples", type=click.IntRange(1), help=f"Cases in all.  [default: {DEFAULT_EXAMPLES}]")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--time", "seconds", type=DurationType(), help="Stop after this time.")
@click.option(
    "--save", "folder", type=FOLDER, default=Path("fuzz-failures"), show_default=True,
    help="Where a model that differs is written, with its inputs.",
)  # fmt: skip
@device_options
def command(
    ops: tuple[str, ...],
    graphs: bool,
    malformed: str | None,
    examples: int | None,
    seed: int,
    seconds: float | None,
    folder: Path,
    adapter: str | None,
    dot: Any,
    requantize: Any,
) -> None:
    """Compare random models with onnxruntime: every pass, the simulator, the GPU.

    Without --op and --graphs all kinds of operators are drawn in turn, about ten cases a model. A
    model that differs is made as small as it gets and written down, with the command that replays
    it. The same seed draws the same models.

    With --malformed such models, and artifacts of them, are damaged, and run in a process with limits. The
    compiler and the Python runtime must refuse each in one message, or be right; what they do otherwise is
    written down.
    """
    campaign_module = _needs("hypothesis", "..fuzzing.campaign")
    subjects = _subjects(ops, graphs)
    if examples is None and seconds is None:
        examples = DEFAULT_EXAMPLES
    if malformed is not None:
        module = _needs("psutil", ".malformed")
        targets = module.targets(malformed, subjects, seed)
        module.hunt(console(), targets, examples, seconds, folder)
        return
    from .on_device import SharedDevice

    out = console()
    device = SharedDevice(adapter, dot, requantize)
    campaign = campaign_module.Campaign(device.run, seed, seconds)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(), console=out, transient=True, disable=not out.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("comparing", total=examples, counts="")

        def tell(tally: Tally) -> None:
            counts = f"{tally.cases.total()} cases, {tally.values} values"
            bar.update(task, completed=tally.cases.total(), counts=counts)

        campaign.tell = tell
        try:
            campaign.compare_all(subjects, examples)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    options = {"adapter": adapter, "dot": dot, "requantize": requantize}
    for failure in campaign.failures:
        _report(out, failure, folder, options)
    _summary(out, campaign, device, interrupted)
    if interrupted:
        raise click.exceptions.Exit(130)
    if campaign.failures:
        raise click.exceptions.Exit(1)


def _needs(package: str, module: str) -> Any:
    """The module, which imports a package that only fuzzing needs."""
    try:
        return importlib.import_module(module, __package__)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise CompileError(
            f'onnx2wgsl fuzz works with {package}, which is not installed: pip install "onnx2wgsl[fuzz]"'
        ) from error


def _subjects(ops: Sequence[str], graphs: bool) -> tuple[str, ...]:
    from ..fuzzing.campaign import GRAPHS, ODD_SCALES, QUANTIZE, SUBJECTS
    from ..fuzzing.kinds import KINDS

    if ops and graphs:
        raise click.UsageError("give --op or --graphs, not both")
    subjects = (*KINDS, QUANTIZE, ODD_SCALES)
    for subject in ops:
        if subject not in subjects:
            raise click.UsageError(f"--op {subject}: no such kind; there are {', '.join(sorted(subjects))}")
    return (GRAPHS,) if graphs else tuple(dict.fromkeys(ops)) or SUBJECTS


def _report(out: Console, failure: Failure, folder: Path, options: dict[str, str | None]) -> None:
    """Writes the model and its inputs; tells what differs and how to see it again."""
    from ..files import write_all
    from ..reference.oracle import reference_of

    comparison = failure.comparison
    (sample,) = comparison.samples
    data = comparison.model.SerializeToString()
    stem = f"{failure.subject}-{hashlib.sha256(data).hexdigest()[:8]}"
    model, inputs = folder / f"{stem}.onnx", folder / f"{stem}.npz"
    arrays = io.BytesIO()
    np.savez(arrays, **sample)  # type: ignore[arg-type, unused-ignore]
    write_all({model: data, inputs: arrays.getvalue()})
    reference = reference_of(comparison.model).reference
    wrong = comparison.wrong
    if wrong is not None:
        difference = wrong.difference
        out.print(
            f"{failure.subject}: {difference.differing} of {difference.values} values differ from "
            f"{reference}, first {wrong.name}: {difference.first}"
        )
    else:
        out.print(f"{failure.subject}: {comparison.crash}")
    switches = [f"--{name}={value}" for name, value in options.items() if value is not None]
    replay = ["onnx2wgsl", "verify", str(model), "--each-pass", "--input", str(inputs), *switches]
    nodes = Counter(node.op_type for node in comparison.model.graph.node)
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in sample.items())
    out.print(f"  model:  {', '.join(f'{n} {op_type}' for op_type, n in nodes.items())}; inputs {shapes}")
    out.print(f"  replay: {shlex.join(replay)}")


def _summary(out: Console, campaign: Campaign, device: Any, interrupted: bool) -> None:
    """Reasons of what was not compared, and the one line that counts."""
    import onnxruntime

    tally = campaign.tally
    for title, reasons in (
        ("refused by the compiler", tally.refused),
        ("left in float", tally.in_float),
    ):
        for reason, count in reasons.most_common(REASONS_SHOWN):
            out.print(f"{title}: {count} x {reason}")
        if len(reasons) > REASONS_SHOWN:
            rest = reasons.total() - sum(n for _, n in reasons.most_common(REASONS_SHOWN))
            out.print(f"{title}: {rest} x other reasons")
    by_subject = ", ".join(f"{count} {subject}" for subject, count in tally.cases.items())
    left_out = f"; {tally.left_out} nodes left out, no operand fits" if tally.left_out else ""
    out.print(f"cases: {by_subject or 'none'}{left_out}")
    verdict = (
        f"{len(campaign.failures)} MISMATCHES" if campaign.failures
        else "interrupted, 0 mismatches so far" if interrupted
        else "0 mismatches"
    )  # fmt: skip
    variant = " + ".join((device.variant or {}).values()) or "no kernel run"
    out.print(
        f"{verdict} in {tally.models} models, {tally.cases.total()} cases, {tally.values} values; "
        f"{tally.not_compared['refused']} refused, {tally.not_compared['in float']} left in float; "
        f"seed {campaign.seed}; onnxruntime {onnxruntime.__version__}; {device.name} ({variant})"
    )
