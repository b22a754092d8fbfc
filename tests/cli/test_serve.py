"""onnx2wgsl serve: an artifact's files on this machine, of the right types, kept, packed, isolated."""

import contextlib
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.command import SCRIPT, refusal, succeed
from tests.sealed import part_of

ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "credentialless",
}


Server = tuple[str, int]
"""The address of a server and its process."""


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, host: str = "127.0.0.1", warning: str = "", browser: str = ""
) -> Iterator[Server]:
    """A server in a process of its own; it ends soon, as a person ends it, and has told of no fault."""
    with subprocess.Popen(
        [SCRIPT, "serve", folder, "--port", "0", *options],
        env=os.environ | ({"BROWSER": browser} if browser else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.match(rf"(http://{re.escape(host)}:\d+/)  \(Ctrl-C ends it\)\n", line)
        try:
            assert match, line
            yield match[1], process.pid
        finally:
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            try:
                out, err = process.communicate(timeout=20)
            finally:
                process.kill()
    assert process.returncode == 0
    assert time.monotonic() - start < 10
    assert out == "ended\n"
    assert re.fullmatch(rf"{warning}(4\d\d [A-Z]+ \S+\n)*", err), err


@pytest.fixture(scope="module")
def server(compiled: Path) -> Iterator[str]:
    with serving(compiled) as (address, _):
        yield address


def get(address: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    request = urllib.request.Request(address, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        return response, response.read()


def refused(address: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """The status and text of an answer that is no success."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(address, method, **headers)
    with caught.value as error:
        return error.code, error.read().decode()


def send(address: str, request: bytes) -> socket.socket:
    """A connection on which bytes have been sent."""
    port = urlsplit(address).port
    connection = socket.create_connection(("127.0.0.1", port or 0), timeout=20)
    connection.sendall(request)
    return connection


PARTS = ("weights", "shaders", "self_test")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html"),
        ("index.html", "text/html"),
        ("page.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
        ("model.json", "application/json"),
        ("model.d.ts", "text/typescript"),
        ("weights", "application/octet-stream"),
        ("runtime.js", "text/javascript"),
        ("shaders", "text/plain"),
        ("self_test", "application/json"),
    ],
)
def test_a_file_comes_whole_with_its_type(server: str, compiled: Path, name: str, kind: str) -> None:
    if name in PARTS:
        name = part_of(compiled, name).name
    response, body = get(server + name)
    assert response.status == 200
    assert body == (compiled / (name or "index.html")).read_bytes()
    assert response.headers.get_content_type() == kind
    assert not {*response.headers.keys()} & ISOLATED.keys()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kernel.wgsl", "text/wgsl"),
        ("model.onnx", "application/octet-stream"),
        ("small.onnx2wgsl", "application/octet-stream"),
        ("face.task", "application/octet-stream"),
        ("simd.wasm", "application/wasm"),
        ("worker.mjs", "text/javascript"),
    ],
)
def test_what_lies_beside_an_artifact_has_its_type(artifact: Path, name: str, kind: str) -> None:
    (artifact / name).write_bytes(b"x")
    with serving(artifact) as (address, _):
        assert get(address + name)[0].headers.get_content_type() == kind


def test_an_isolated_server_isolates_every_file(compiled: Path) -> None:
    with serving(compiled, "--isolate") as (address, _):
        for name in ("", "runtime.js", "model.json"):
            headers = get(address + name)[0].headers
            assert {key: headers[key] for key in ISOLATED} == ISOLATED


def test_what_is_named_by_its_content_is_kept_for_ever(server: str, compiled: Path) -> None:
    kept = {}
    for path in compiled.iterdir():
        kept[path.name] = get(server + path.name)[0].headers["Cache-Control"]
    forever = "public, max-age=31536000, immutable"
    hashed = {name for name, control in kept.items() if control == forever}
    assert {part_of(compiled, key).name for key in PARTS} <= hashed
    assert hashed == {name for name in kept if re.fullmatch(r"\w+-[\w-]{8,16}\.(bin|txt|json|js)", name)}
    assert {control for name, control in kept.items() if name not in hashed} == {"no-cache"}


def test_a_users_file_is_not_taken_for_one_of_the_runtime(artifact: Path) -> None:
    (artifact / "my-function.js").write_text("1")
    with serving(artifact) as (address, _):
        assert get(address + "my-function.js")[0].headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("sent", "asked"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")]
)
def test_what_a_browser_has_is_not_sent_again(artifact: Path, sent: str, asked: str) -> None:
    with serving(artifact) as (address, _):
        tag = get(address + "model.json")[0].headers[sent]
        assert refused(address + "model.json", **{asked: tag}) == (304, "")
        (artifact / "model.json").write_bytes(b"{}")
        os.utime(artifact / "model.json", (2e9, 2e9))
        assert get(address + "model.json", **{asked: tag})[1] == b"{}"


@pytest.mark.parametrize("name", ["", "runtime.js", "page.css", "model.json", "shaders"])
def test_texts_are_packed_for_those_who_take_it(server: str, compiled: Path, name: str) -> None:
    name = part_of(compiled, name).name if name in PARTS else name
    plain = (compiled / (name or "index.html")).read_bytes()
    response, body = get(server + name, **{"Accept-Encoding": "br, gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 2
    response, body = get(server + name, **{"Accept-Encoding": "identity"})
    assert (response.headers["Content-Encoding"], body) == (None, plain)


def test_weights_and_parts_are_not_packed(server: str, compiled: Path) -> None:
    packs = {"Accept-Encoding": "gzip"}
    weights = part_of(compiled, "weights")
    response, body = get(server + weights.name, **packs)
    assert (response.headers["Content-Encoding"], body) == (None, weights.read_bytes())
    response, body = get(server + "runtime.js", Range="bytes=5-1999", **packs)
    assert (response.status, response.headers["Content-Encoding"]) == (206, None)
    assert body == (compiled / "runtime.js").read_bytes()[5:2000]


def test_every_file_that_was_written_is_served(server: str) -> None:
    for record in json.loads(get(server + "files.json")[1])["files"]:
        assert len(get(server + record["file"])[1]) == record["bytes"]


@pytest.mark.parametrize(
    "name",
    [
        "none.js", "../beside.txt", "%2e%2e/beside.txt", "%2e%2e%2fbeside.txt", "shaders/..%2f../beside.txt",
        "shaders", "shaders/", "%00", "model.json%00", "%ff", "x" * 5000, "/etc/passwd",
    ],
)  # fmt: skip
def test_what_is_not_in_the_folder_is_not_served(server: str, compiled: Path, name: str) -> None:
    (compiled.parent / "beside.txt").write_text("not served")
    assert refused(server + name) == (404, "Not Found")


def test_no_link_leads_out_of_the_folder(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "secret.txt").write_text("not served")
    (artifact / "file.txt").symlink_to(tmp_path / "beside" / "secret.txt")
    (artifact / "up").symlink_to("..")
    (artifact / "folder").symlink_to(tmp_path / "beside")
    (artifact / "circle").symlink_to("circle")
    (artifact / "inside.json").symlink_to("model.json")
    os.mkfifo(artifact / "pipe")
    (tmp_path / "link").symlink_to(artifact)
    with serving(tmp_path / "link") as (address, _):
        for name in ("file.txt", "up/beside/secret.txt", "folder/secret.txt", "circle", "circle/a", "pipe"):
            assert refused(address + name) == (404, "Not Found")
        assert get(address + "inside.json")[1] == (artifact / "model.json").read_bytes()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "["])
def test_another_name_of_this_machine_is_refused(server: str, host: str) -> None:
    """A page on the web could otherwise have its own name lead here."""
    code, text = refused(server + "model.json", Host=host)
    assert code == 400
    assert text.startswith("Invalid Host header")
    assert text.endswith("this server answers to 127.0.0.1 and localhost only.\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:80"])
def test_a_name_of_this_machine_is_served(server: str, host: str) -> None:
    assert get(server + "model.json", Host=host)[0].status == 200


@pytest.mark.parametrize(
    ("wanted", "part", "place"),
    [
        ("bytes=0-99", slice(0, 100), "0-99"),
        ("bytes=10-10", slice(10, 11), "10-10"),
        ("bytes=100-", slice(100, None), "100-{last}"),
        ("bytes=-7", slice(-7, None), "{seventh}-{last}"),
    ],
)
def test_a_part_of_a_file_comes_alone(
    server: str, compiled: Path, wanted: str, part: slice, place: str
) -> None:
    path = part_of(compiled, "weights")
    whole = path.read_bytes()
    response, body = get(server + path.name, Range=wanted)
    place = place.format(last=len(whole) - 1, seventh=len(whole) - 7)
    assert (response.status, body) == (206, whole[part])
    assert response.headers["Content-Range"] == f"bytes {place}/{len(whole)}"


def test_a_part_that_a_file_lacks_is_refused(server: str, compiled: Path) -> None:
    path = part_of(compiled, "weights")
    size = path.stat().st_size
    assert refused(server + path.name, Range=f"bytes={size}-")[0] == 416


def test_the_head_comes_without_the_file(server: str, compiled: Path) -> None:
    path = part_of(compiled, "weights")
    response, body = get(server + path.name, "HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["Content-Length"]) == path.stat().st_size


def test_folders_are_not_listed(artifact: Path) -> None:
    (artifact / "more").mkdir()
    (artifact / "index.html").unlink()
    with serving(artifact) as (address, _):
        for name in ("", "more", "more/"):
            assert refused(address + name) == (404, "Not Found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(server: str, method: str) -> None:
    assert refused(server + "model.json", method)[0] == 405


@pytest.mark.parametrize(
    "request_", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"A" * 100_000]
)
def test_what_is_no_request_ends_its_connection_alone(server: str, request_: bytes) -> None:
    with send(server, request_) as connection, contextlib.suppress(ConnectionResetError):
        assert connection.recv(12) in (b"HTTP/1.1 400", b"")
    assert get(server)[0].status == 200


def test_many_slow_clients_stop_nobody(artifact: Path) -> None:
    path = part_of(artifact, "weights")
    path.write_bytes(bytes(1 << 24))
    with serving(artifact) as (address, pid), contextlib.ExitStack() as clients:
        head = f"GET /{path.name} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n"
        for number in range(300):  # every third asks for nothing, for half, or never reads what it gets
            request = ["", head, f"{head}\r\n"][number % 3]
            clients.enter_context(send(address, request.encode()))
        start = time.monotonic()
        for _ in range(3):
            assert get(address + "model.json")[0].status == 200
        assert time.monotonic() - start < 5
        threads = re.search(r"Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        assert threads
        assert int(threads[1]) < 60


def test_a_client_that_leaves_is_not_told_of(artifact: Path) -> None:
    path = part_of(artifact, "weights")
    path.write_bytes(bytes(1 << 24))
    with serving(artifact) as (address, _):
        for _ in range(5):
            request = f"GET /{path.name} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n"
            with send(address, request.encode()) as connection:
                connection.recv(1000)
        assert get(address)[0].status == 200


def test_what_embed_has_written_is_served(compiled: Path, tmp_path: Path) -> None:
    succeed("embed", compiled, "-o", tmp_path)
    with serving(tmp_path) as (address, _):
        assert get(address)[1] == (tmp_path / "index.html").read_bytes()
        name = f"model/{part_of(tmp_path / 'model', 'weights').name}"
        assert get(address + name)[0].headers["Cache-Control"].endswith("immutable")


def test_a_folder_without_an_artifact_is_refused(tmp_path: Path) -> None:
    assert refusal("serve", tmp_path) == (
        f"{tmp_path} holds no artifact (no model.json); make one with: onnx2wgsl compile MODEL -o {tmp_path}"
    )


def test_a_busy_port_is_refused(server: str, compiled: Path) -> None:
    port = urlsplit(server).port
    message = refusal("serve", compiled, "--port", str(port))
    assert message == (
        f"port {port} can't be used: Address already in use; give another with --port, or --port 0"
    )


def test_only_this_machine_is_served(server: str) -> None:
    port = urlsplit(server).port
    assert port is not None
    with socket.socket() as probe:  # another address of this machine
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_can_not_be_is_refused(compiled: Path, port: str) -> None:
    assert "'--port'" in refusal("serve", compiled, "--port", port)


OPEN_TO_ALL = r"warning: whoever reaches \S+ can read .*\n"


def test_an_address_is_served_under_its_own_name_and_said_to_be_open(compiled: Path) -> None:
    with serving(compiled, "--host", "127.0.0.2", host="127.0.0.2", warning=OPEN_TO_ALL) as (address, _):
        assert get(address)[0].status == 200
        assert refused(address, Host="evil.example")[0] == 400


def test_all_addresses_are_served_under_any_name(compiled: Path) -> None:
    with serving(compiled, "--host", "0.0.0.0", host="0.0.0.0", warning=OPEN_TO_ALL) as (address, _):
        assert get(address.replace("0.0.0.0", "127.0.0.1"), Host="laptop.local")[0].status == 200


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_refused(compiled: Path, host: str) -> None:
    message = refusal("serve", compiled, "--host", host, "--port", "0")
    assert f"--host {host} is no address of this machine" in message
    assert "or 0.0.0.0 for all" in message


def test_the_page_is_opened_in_the_browser(compiled: Path, tmp_path: Path) -> None:
    """A browser that notes what it is to open."""
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}\n', "utf-8")
    browser.chmod(0o755)
    with serving(compiled, "--open", browser=f"{browser} %s") as (address, _):
        get(address)
    assert told.read_text("utf-8") == address + "\n"


@pytest.mark.parametrize("host", ["", "::1"])
def test_what_no_name_can_be_checked_against_is_refused(compiled: Path, host: str) -> None:
    assert "give a name, an IPv4 address, or :: for all" in refusal("serve", compiled, "--host", host)
