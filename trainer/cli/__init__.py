"""The commands of onnx2wgsl-train, one file each."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata

import click
from onnx2wgsl.face.errors import FaceError, LandmarkerError
from rich.console import Console

from ..errors import TrainerError

SHORT_HELP = {
    "landmarks": "Draw the face landmarks of photos, videos and .npy files.",
    "data": "Render a data set: pairs of landmark drawing and avatar.",
    "stylize": "Make a data set of pictures from any other tool.",
    "teacher": "Train the teacher (pix2pix: LSGAN + L1).",
    "distill": "Train a student from a data set and, where it is good enough, a teacher.",
    "finetune": "Train a student further, without a discriminator: the shipping recipe.",
    "blend": "Average the weights of runs that were trained on from one start.",
    "evaluate": "Measure checkpoints on the held-out splits; write a report with pictures.",
    "ablate": "Repeat the findings of the recipe, each with one budget; write a report.",
    "ship": "Export a checkpoint to int8 ONNX, compile it, verify every bit.",
    "recipe": "All that a model of models/ is made by: data, training, int8.",
    "ci": "The whole recipe at 64x64, in minutes.",
    "doctor": "Show the device that torch would train on, and what is missing.",
}
EPILOG = "Start with: onnx2wgsl-train data -o build/data, then onnx2wgsl-train distill build/data"


class Commands(click.Group):
    """Commands by name; each one's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(SHORT_HELP)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SHORT_HELP:
            return None
        command: click.Command = import_module(f".{cmd_name}", __name__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT_HELP.items()))


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("onnx2wgsl"), prog_name="onnx2wgsl-train")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def app(debug: bool) -> None:
    """Trains avatar generators that onnx2wgsl compiles: data, teacher, student, int8 export."""
    if debug:
        os.environ["ONNX2WGSL_DEBUG"] = "1"


def main() -> None:
    """Runs the command; exit status 0 only when what was asked holds."""
    try:
        # The status is what a command gave to click's Exit, or None.
        status = app.main(prog_name="onnx2wgsl-train", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except Exception as error:
        if "ONNX2WGSL_DEBUG" in os.environ:
            raise
        _tell(error)
        sys.exit(1)
    sys.exit(status)


def _tell(error: Exception) -> None:
    """One message; an error that is nobody's mistake asks to be reported."""
    if isinstance(error, TrainerError | FaceError | LandmarkerError):
        click.echo(f"error: {error}", err=True)
    elif isinstance(error, ModuleNotFoundError):
        click.echo(
            f"error: the Python package {error.name} is missing: "
            "pip install 'onnx2wgsl[train]' (from a clone: pip install '.[train]')",
            err=True,
        )
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or error}", err=True)
    else:
        click.echo(
            f"error: {type(error).__name__}: {error}\n"
            "this is a bug in onnx2wgsl; please report it with the output of "
            "onnx2wgsl-train --debug COMMAND",
            err=True,
        )


def console() -> Console:
    """Where tables and progress go; plain text at a fixed width where that is no terminal."""
    width = None if sys.stdout.isatty() else 140
    return Console(width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)
