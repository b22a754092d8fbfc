"""onnx2wgsl serve: an artifact's files on this machine, isolated from other origins."""

import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.command import SCRIPT, refusal

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Cache-Control": "no-store",
}


@pytest.fixture(scope="module")
def server(compiled: Path) -> Iterator[str]:
    """The address of a server in a process of its own; it ends as a person ends it."""
    with subprocess.Popen(
        [SCRIPT, "serve", compiled, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.match(r"(http://127\.0\.0\.1:\d+/)  \(Ctrl-C ends it\)\n", line)
        try:
            assert match, line
            yield match[1]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                out, err = process.communicate(timeout=20)
            finally:
                process.kill()
    assert process.returncode == 0
    assert out == "ended\n"
    assert "Traceback" not in err


def get(address: str) -> tuple[HTTPResponse, bytes]:
    with urllib.request.urlopen(address, timeout=20) as response:
        return response, response.read()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html"),
        ("index.html", "text/html"),
        ("model.json", "application/json"),
        ("weights.bin", "application/octet-stream"),
        ("runtime.js", "text/javascript"),
        ("shaders/dot_packed.wgsl", "text/wgsl"),
    ],
)
def test_a_file_comes_whole_with_its_type_and_isolated(
    server: str, compiled: Path, name: str, kind: str
) -> None:
    response, body = get(server + name)
    assert response.status == 200
    assert body == (compiled / (name or "index.html")).read_bytes()
    assert response.headers.get_content_type() == kind
    assert {key: response.headers[key] for key in HEADERS} == HEADERS


def test_every_file_that_the_description_names_is_served(server: str) -> None:
    description = json.loads(get(server + "model.json")[1])
    shaders = {kernel["shader"] for kernel in description["kernels"]}
    assert shaders
    for name in sorted(shaders):
        assert get(f"{server}shaders/{name}")[0].status == 200


@pytest.mark.parametrize("name", ["none.js", "../beside.txt", "%2e%2e/beside.txt"])
def test_what_is_not_in_the_folder_is_not_served(server: str, compiled: Path, name: str) -> None:
    (compiled.parent / "beside.txt").write_text("not served")
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server + name)
    assert caught.value.code == 404
    caught.value.close()


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
