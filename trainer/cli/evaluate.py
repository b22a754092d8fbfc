"""onnx2wgsl-train evaluate DATA --row NAME=RUN_OR_FILE ..."""

from __future__ import annotations

from pathlib import Path

import click

from . import console

PATH = click.Path(path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("data", type=PATH)
@click.option(
    "--row", "rows", metavar="NAME=RUN_OR_FILE[@SIZE]", multiple=True, required=True,
    help="A run folder, .pt or .onnx file; @SIZE runs it on drawings of SIZE pixels a side.",
)  # fmt: skip
@click.option("-o", "--output", type=PATH, help="Folder for the report with its pictures.")
@click.option("--size", type=click.IntRange(32), help="Measure at this size, not the stored one.")
@click.option("--limit", type=click.IntRange(1), help="Measure the first pairs of a split only.")
@click.option("--photo", "photos", multiple=True, type=FILE, help="A photo of a face to show.")
@click.option("--hide-photos", is_flag=True, help="Leave the photos themselves out of the sheet.")
@click.option("--vgg", type=FILE, help="VGG16's weights (torchvision): LPIPS, with --heads.")
@click.option("--heads", type=FILE, help="LPIPS's heads: weights/v0.1/vgg.pth of its package.")
def command(
    data: Path,
    rows: tuple[str, ...],
    output: Path | None,
    size: int | None,
    limit: int | None,
    photos: tuple[Path, ...],
    hide_photos: bool,
    vgg: Path | None,
    heads: Path | None,
) -> None:
    """Measure checkpoints on the held-out splits; write a report with pictures."""
    from ..evaluation.report import Entry, Evaluation, require_report, write_report
    from ..evaluation.table import markdown
    from ..training.perceptual import perceptual_distance

    out = console()
    if output is not None:
        require_report(output)
    entries = [Entry.parse(row) for row in rows]
    evaluation = Evaluation(data, entries, perceptual_distance(vgg, heads), size, limit)
    report = evaluation.run(out.print)
    if output is None:
        out.print(markdown(report.rows, report.distance, report.counts))
        return
    pictures = list(evaluation.sheets(output / "sheets"))
    combs = {}
    if photos:
        pictures.append(output / "sheets" / "photo.jpg")
        combs = evaluation.photos(pictures[-1], photos, hide_photos)
    write_report(output, report, pictures, combs)
    out.print(f"{output / 'README.md'}: figures and pictures")
