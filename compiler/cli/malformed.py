"""What `onnx2wgsl fuzz --malformed` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..fuzzing.malformed import Fault, Hunt, Target
from ..fuzzing.malformed_models import MalformedModels
from .malformed_artifacts import MalformedArtifacts


def targets(what: str, subjects: Sequence[str], seed: int) -> list[Target]:
    """Models, artifacts or both, of the subjects."""
    both: dict[str, Target] = {
        "models": MalformedModels(subjects, seed),
        "artifacts": MalformedArtifacts(subjects, seed),
    }
    return list(both.values()) if what == "both" else [both[what]]


def hunt(
    out: Console, targets: list[Target], examples: int | None, seconds: float | None, folder: Path
) -> None:
    """Tries mutants of the targets in turn; faults go to `folder`.

    Exits with 1 where there is one, with 130 where it is interrupted.
    """
    search = Hunt(targets, seconds=seconds)
    interrupted = False
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[faults]} faults"),
        TimeElapsedColumn(), console=out, transient=True, disable=not out.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("damaging", total=examples, faults=0)
        search.tell = lambda state: bar.update(task, completed=state.tried, faults=len(state.faults))
        try:
            search.run(examples)
        except KeyboardInterrupt:
            interrupted = True
    for fault in search.faults:
        _report(out, fault, folder)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(search.counts.items())) or "none"
    so_far = " so far, interrupted" if interrupted else ""
    verdict = f"{len(search.faults)} FAULTS" if search.faults else f"0 faults{so_far}"
    out.print(f"{verdict} in {search.tried} damaged files: {counts}", soft_wrap=True)
    if interrupted:
        raise click.exceptions.Exit(130)
    if search.faults:
        raise click.exceptions.Exit(1)


def _report(out: Console, fault: Fault, folder: Path) -> None:
    """Writes the mutant, where nothing of its name stands; tells what it did, and how to see it again."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".onnx2wgsl-", dir=folder) as scratch:
        mutant = fault.target.write(fault.number, Path(scratch))
        path = folder / mutant.name
        if not os.path.lexists(path):
            mutant.rename(path)
    out.print(f"{path}: {fault.outcome.kind}: {fault.outcome.detail}", soft_wrap=True)
    out.print(f"  replay: onnx2wgsl {fault.target.replay} {path}", soft_wrap=True)
