"""onnx2wgsl doctor"""

from __future__ import annotations

import sys
from importlib import metadata

import click
from rich.table import Table

from . import console


@click.command()
def command() -> None:
    """Show the WebGPU adapters and what is missing."""
    from onnx2wgsl.runtime_py.adapters import doctor

    report = doctor()
    out = console()
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("onnx2wgsl", "onnxruntime", "onnx", "wgpu")
    )
    out.print(f"Python {sys.version.split()[0]}, {versions}")
    table = Table("adapter", "driver", "API", "kind", "packed dot", "timestamps", "largest buffer")
    for adapter in report.adapters:
        largest = adapter.limits.get("max-storage-buffer-binding-size", 0)
        table.add_row(
            adapter.device,
            adapter.driver,
            adapter.backend,
            adapter.kind,
            "yes" if adapter.packed_dot else "no",
            "yes" if adapter.timestamp_query else "no",
            f"{largest / 2**20:.0f} MiB" if adapter.error is None else adapter.error,
        )
    if report.adapters:
        out.print(table)
    for problem in report.problems:
        out.print(f"{'missing' if problem.fatal else 'note'}: {problem.what}\n  {problem.fix}")
    if not report.ok:
        out.print("No adapter can run a compiled model here.")
        raise click.exceptions.Exit(1)
    out.print("Ready: compiled models run here.")
