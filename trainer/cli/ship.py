"""onnx2wgsl-train ship RUN_OR_PT"""

from __future__ import annotations

from pathlib import Path

import click

from . import console

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="RUN_OR_PT", type=PATH)
@click.option("--data", required=True, type=PATH, help="Data set: calibration, held-out pictures.")
@click.option(
    "-o", "--output", required=True, type=PATH, help="The .onnx file; figures go beside it (.json)."
)
@click.option("--artifact", type=PATH, help="Also write the compiled model into this folder.")
@click.option(
    "--calibration", default=200, show_default=True, type=click.IntRange(1),
    help="Training pictures that the ranges of the activations come from.",
)  # fmt: skip
@click.option(
    "--qat", default=0, show_default=True, type=click.IntRange(0),
    help="Iterations of fine-tuning with rounded weights and activations.",
)  # fmt: skip
@click.option(
    "--samples", default=4, show_default=True, type=click.IntRange(1),
    help="Samples that every bit is compared on.",
)  # fmt: skip
def command(
    source: Path,
    data: Path,
    output: Path,
    artifact: Path | None,
    calibration: int,
    qat: int,
    samples: int,
) -> None:
    """Export a checkpoint to int8 ONNX, compile it, verify every bit.

    The file appears only where int8 is at least 45 dB from float on held-out pictures, loses at
    most 0.1 dB against the truth, onnxruntime runs it in integers, and the compiled model has the
    same bits.
    """
    from ..export.ship import Export, ship

    out = console()
    how = Export(calibration=calibration, samples=samples, qat=qat)
    for one in ship(source, data, output, artifact, how, out.print):
        gate = one.gate
        out.print(
            f"{one.path}: {one.bytes} bytes, int8 {gate.fidelity:.1f} dB from float "
            f"(worst picture {gate.worst:.1f}); against the truth {gate.int8_psnr:.2f} dB, "
            f"float {gate.float_psnr:.2f}"
        )
