"""onnx2wgsl bench DIR|BUNDLE|MODEL"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import click
from rich.progress import track
from rich.table import Table

from . import console
from .options import MODEL_OR_FOLDER, device_options, shape_option

WARM_UP = 3


@click.command()
@click.argument("path", metavar="DIR|BUNDLE|MODEL", type=MODEL_OR_FOLDER)
@click.option("--frames", default=30, show_default=True, type=click.IntRange(1))
@click.option("--kernels", is_flag=True, help="Also the time of each kernel, by timestamp queries.")
@shape_option
@device_options
def command(
    path: Path,
    frames: int,
    kernels: bool,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    adapter: str | None,
    dot: Any,
    requantize: Any,
) -> None:
    """Time an artifact: milliseconds a frame, upload and read-back included.

    Times compare only on one machine and in one run; benchmarks/ holds comparisons with other
    systems.
    """
    from onnx2wgsl.runtime_py import InferenceSession
    from onnx2wgsl.runtime_py.adapters import adapter_name
    from onnx2wgsl.runtime_py.selftest import seeded_inputs

    from .compiled import artifact_of

    out = console()
    with (
        artifact_of(path, dict(shapes)) as artifact,
        InferenceSession(
            artifact, adapter=adapter, dot=dot, requantize=requantize, profile=kernels
        ) as session,
    ):
        feed = seeded_inputs(session.artifact)
        for _ in range(WARM_UP):
            session.run(None, feed)
        times = []
        for _ in track(range(frames), "timing", console=out, transient=True, disable=not out.is_terminal):
            start = time.perf_counter()
            session.run(None, feed)
            times.append((time.perf_counter() - start) * 1e3)
        if kernels:
            _print_kernels(out, session)
        variants = ", ".join(f"{key} {value}" for key, value in session.variants.items())
        out.print(
            f"{statistics.median(times):.2f} ms a frame (median of {frames}, "
            f"best {min(times):.2f}, worst {max(times):.2f}) "
            f"on {adapter_name(session.get_adapter())}; {variants}"
        )


def _print_kernels(out: Any, session: Any) -> None:
    table = Table("kernel", "ms", "share", "million MACs", "GMAC/s")
    times = session.profile()
    total = sum(entry.microseconds for entry in times)
    for entry in times:
        count = entry.kernel.macs
        table.add_row(
            entry.kernel.name,
            f"{entry.microseconds / 1e3:.3f}",
            f"{entry.microseconds / total:.0%}" if total else "",
            f"{count / 1e6:.1f}",
            f"{count / entry.microseconds / 1e3:.1f}" if count and entry.microseconds else "",
        )
    out.print(table)
