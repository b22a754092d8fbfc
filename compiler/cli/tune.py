"""onnx2wgsl tune DIR|BUNDLE|MODEL"""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from ..errors import CompileError
from . import console
from .options import MODEL_OR_FOLDER, shape_option


@click.command()
@click.argument("path", metavar="DIR|BUNDLE|MODEL", type=MODEL_OR_FOLDER)
@shape_option
@click.option("--adapter", metavar="NAME", help="Part of an adapter's name (see doctor).")
def command(path: Path, shapes: tuple[tuple[str, tuple[int, ...]], ...], adapter: str | None) -> None:
    """Find what computes an artifact fastest on this device.

    Frames are timed in turns with each variant of dot that compiles here and is exact: with packed
    products, or with other schedules in their place. Sessions take the fastest with dot=NAME.
    """
    from onnx2wgsl.runtime_py import InferenceSession
    from onnx2wgsl.runtime_py.adapters import adapter_name

    from .compiled import artifact_of

    out = console()
    with artifact_of(path, dict(shapes)) as artifact, InferenceSession(artifact, adapter=adapter) as session:
        usual = session.variants["dot"]
        tuning = session.tune()
        name = adapter_name(session.get_adapter())
    if not tuning.milliseconds:
        raise CompileError(
            f"no variant of dot is exact on {name}: onnx2wgsl verify {path} shows what differs"
        )
    table = Table("dot", "ms a frame", "of the fastest")
    least = tuning.milliseconds[tuning.dot]
    for dot, time in sorted(tuning.milliseconds.items(), key=lambda item: item[1]):
        table.add_row(dot, f"{time:.2f}", f"{time / least:.2f}")
    out.print(table)
    advice = "what sessions take here" if tuning.dot == usual else f"give sessions dot={tuning.dot!r}"
    out.print(f"{tuning.dot} is the fastest on {name}: {advice}", highlight=False)
