"""onnx2wgsl serve DIR"""

from __future__ import annotations

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from ..errors import CompileError
from . import console
from .options import FOLDER


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes a free one.",
)
def command(folder: Path, port: int) -> None:
    """Serve an artifact's page to a browser on this machine (127.0.0.1 only)."""
    if not (folder / "model.json").is_file():
        raise CompileError(
            f"{folder} holds no artifact (no model.json); make one with: onnx2wgsl compile MODEL -o {folder}"
        )
    handler = functools.partial(_Handler, directory=str(folder))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise CompileError(
            f"port {port} can't be used: {error.strerror}; give another with --port, or --port 0"
        ) from error
    with server:
        console().print(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console().print("ended")


class _Handler(SimpleHTTPRequestHandler):
    """Static files, isolated from other origins, never cached: they may be compiled anew."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".wgsl": "text/wgsl",
        ".js": "text/javascript",
    }

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "credentialless")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Only failures are told."""
        if len(args) > 1 and str(args[1]).startswith(("4", "5")) and "favicon" not in str(args[0]):
            super().log_message(format, *args)
