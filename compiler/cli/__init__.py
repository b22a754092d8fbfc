"""The commands, one file each: the one place where the compiler and the Python runtime meet."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata

import click
from rich.console import Console

from ..errors import CompileError

COMMANDS = (
    "compile",
    "run",
    "verify",
    "inspect",
    "fuzz",
    "bench",
    "tune",
    "embed",
    "serve",
    "swap",
    "strip",
    "doctor",
)
SHORT_HELP = {
    "compile": "Compile an int8 QDQ ONNX model to a WebGPU artifact.",
    "run": "Run an artifact on the GPU, on .npy files or pictures.",
    "verify": "Compare every bit with onnxruntime.",
    "inspect": "Show the kernels, the IR after each pass, the memory plan.",
    "fuzz": "Compare random models with onnxruntime.",
    "bench": "Time an artifact.",
    "tune": "Find what computes an artifact fastest on this device.",
    "embed": "Lay out a page that runs a model, to paste from.",
    "serve": "Serve an artifact's page to a browser on this machine.",
    "swap": "Put another model of the same structure into an artifact.",
    "strip": "Remove zero points that say nothing from an ONNX file.",
    "doctor": "Show the WebGPU adapters and what is missing.",
}
EPILOG = "Start with: onnx2wgsl compile MODEL.onnx -o build/NAME, then onnx2wgsl serve build/NAME"


class Commands(click.Group):
    """Commands by name; each one's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{cmd_name}", __name__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, SHORT_HELP[name]) for name in COMMANDS])


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("onnx2wgsl"), prog_name="onnx2wgsl")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def app(debug: bool) -> None:
    """Compiles int8 QDQ ONNX models to WebGPU shaders that equal onnxruntime bit for bit."""
    if debug:
        os.environ["ONNX2WGSL_DEBUG"] = "1"


def main() -> None:
    """Runs the command; exit status 0 only when what was asked holds."""
    try:
        # The status is what a command gave to click's Exit, or None.
        status = app.main(prog_name="onnx2wgsl", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if "ONNX2WGSL_DEBUG" in os.environ:
            raise
        _tell(error)
        sys.exit(1)
    sys.exit(status)


def _tell(error: Exception) -> None:
    """One message; an error that is nobody's mistake asks to be reported."""
    from onnx2wgsl.media.errors import MediaError
    from onnx2wgsl.runtime_py.errors import SessionError

    if isinstance(error, CompileError | MediaError | SessionError):
        click.echo(f"error: {error}", err=True)
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or error}", err=True)
    else:
        click.echo(
            f"error: {type(error).__name__}: {error}\n"
            "this is a bug in onnx2wgsl; please report it with the output of "
            "onnx2wgsl --debug COMMAND",
            err=True,
        )


def console() -> Console:
    """Where tables and progress go; plain text at a fixed width where that is no terminal."""
    width = None if sys.stdout.isatty() else 140
    # Names and paths are printed as they are, also with [brackets] and :colons: in them.
    return Console(width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)


def by_channel(numbers: float | list[float]) -> str:
    """One number, where those of all channels are the same, or all of them."""
    several = numbers if isinstance(numbers, list) else [numbers]
    return ", ".join(f"{number:.6g}" for number in (several if len(set(several)) > 1 else several[:1]))
