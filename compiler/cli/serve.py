"""onnx2wgsl serve DIR"""

from __future__ import annotations

import errno
import logging
import mimetypes
import os
import socket
import webbrowser
from asyncio import BaseTransport
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..backend.names import MODEL, is_hashed
from ..errors import CompileError
from . import console
from .options import FOLDER

SITE = "site.json"
"""What onnx2wgsl-web leaves in its folder."""
ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost")
"""What a browser may call this machine: under another name, any page on the web could read the folder."""
EVERY = ("0.0.0.0", "::")
"""Addresses that stand for all of this machine's, whatever it is called by."""
NO_ADDRESS = (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL)
"""Errors that are of the address, or of its look-up."""
CONNECTIONS = 100
"""At a time; a new one ends the oldest."""
ISOLATED = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "credentialless"),
]
"""Headers of a page that is apart from other origins, as SharedArrayBuffer and threads want it."""
KEPT = "public, max-age=31536000, immutable"
ASKED_FOR = "no-cache"
"""What caches are told of a name that changes with the content; and of others, which may be written anew."""
MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
    ".ts": "text/typescript",
    ".wgsl": "text/wgsl",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    **dict.fromkeys((".bin", ".onnx", ".onnx2wgsl", ".task"), "application/octet-stream"),
}
"""Where some systems' own tables are otherwise."""
TEXTS = (".html", ".css", ".svg", ".js", ".mjs", ".json", ".txt", ".ts", ".wgsl", ".wasm", "/")
"""What is packed on its way: weights and pictures hardly get smaller."""


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes a free one.",
)
@click.option(
    "--host",
    default=ADDRESS,
    show_default=True,
    metavar="ADDRESS",
    help="An address of this machine, for others to reach it; 0.0.0.0 takes all.",
)
@click.option(
    "--isolate",
    is_flag=True,
    help="Isolate the page from other origins (COOP, COEP), as a page with SharedArrayBuffer wants it.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def command(folder: Path, port: int, host: str, isolate: bool, opens: bool) -> None:
    """Serve an artifact's page to a browser, on this machine alone unless --host says otherwise.

    DIR may also be what embed has written, or onnx2wgsl-web.

    Files whose names are hashes of their content are kept by browsers for ever; all others are asked for
    anew each time, so that a model which is compiled again is seen by a reload.
    """
    if not any((folder / name).is_file() for name in (MODEL, f"model/{MODEL}", SITE)):
        raise CompileError(
            f"{folder} holds no artifact (no model.json); make one with: onnx2wgsl compile MODEL -o {folder}"
        )
    with _listen(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
        console().print(f"{address}  (Ctrl-C ends it)")
        if host not in HOSTS:
            click.echo(
                f"warning: whoever reaches {address} can read {folder}; and their browsers have WebGPU only "
                "under https or localhost: put a proxy before it, or forward the port",
                err=True,
            )
        if opens and not webbrowser.open(address):
            click.echo(f"warning: no browser was found; open {address} in one", err=True)
        try:
            _server(folder, host, isolate).run(sockets=[listener])
        except KeyboardInterrupt:
            console().print("ended")


def _listen(host: str, port: int) -> socket.socket:
    if not host or (
        ":" in host and host not in EVERY
    ):  # all of them; what Host routes can't tell from a port
        raise CompileError(f"--host {host or 'is empty'}: give a name, an IPv4 address, or :: for all")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno in NO_ADDRESS:
            raise CompileError(
                f"--host {host} is no address of this machine; give one, or 0.0.0.0 for all"
            ) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CompileError(
            f"port {port} can't be used: {reason}; give another with --port, or --port 0"
        ) from error


def _server(folder: Path, host: str, isolate: bool) -> uvicorn.Server:
    for suffix, kind in MEDIA_TYPES.items():
        mimetypes.add_type(kind, suffix)
    logging.getLogger("uvicorn.access").addHandler(_Failures())
    config = uvicorn.Config(
        _application(folder, host),
        headers=ISOLATED if isolate else [],
        server_header=False,
        loop="asyncio",
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it tells of every client that leaves
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    return uvicorn.Server(config)


def _application(folder: Path, host: str) -> Starlette:
    """The files of a folder, under the names of this machine alone; under any where all may reach it."""
    files = _Packed(_Files(directory=folder, html=True))
    if host in EVERY:
        return Starlette(routes=[Mount("/", files)])
    names = dict.fromkeys([*HOSTS, host.lower()])
    return Starlette(routes=[*(Host(name, files) for name in names), Mount("/", _foreign)])


async def _foreign(scope: Any, receive: Any, send: Any) -> None:
    host = Request(scope).headers.get("host", "")
    text = f"Invalid Host header {host!r}: this server answers to {' and '.join(HOSTS)} only.\n"
    await PlainTextResponse(text, status_code=400)(scope, receive, send)


class _Files(StaticFiles):
    """Files whose real path lies in the folder; what can't be read is not there."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        try:
            place, status = super().lookup_path(path)
        except OSError:  # a circle of links, a folder that may not be entered
            return "", None
        return (place, status) if os.access(place, os.R_OK) else ("", None)

    def file_response(self, full_path: Any, *args: Any, **options: Any) -> Response:
        """A file, or that it is as it was: 304 where the browser has this very one."""
        response = super().file_response(full_path, *args, **options)
        response.headers["Cache-Control"] = KEPT if is_hashed(os.path.basename(full_path)) else ASKED_FOR
        return response


class _Packed:
    """Packs texts by gzip for those who take it; what is asked for in parts stays as it is."""

    def __init__(self, plain: ASGIApp) -> None:
        self.plain = plain
        self.packed = GZipMiddleware(plain)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = scope["path"].endswith(TEXTS) and "range" not in Request(scope).headers
        await (self.packed if whole else self.plain)(scope, receive, send)


class _Connection(H11Protocol):
    """A connection that ends the oldest one where there are too many, so that nobody holds them all."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self.start = self.loop.time()
        connections: set[Any] = self.connections
        if len(connections) > CONNECTIONS:
            oldest = min(connections, key=lambda connection: connection.start)
            connections.discard(oldest)
            oldest.transport.abort()


class _Failures(logging.Handler):
    """Tells which requests failed, a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.args, tuple)
        _, method, path, _, status = record.args
        if int(str(status)) >= 400 and "favicon" not in str(path):
            click.echo(f"{status} {method} {path}", err=True)
