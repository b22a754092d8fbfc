"""What can't be written is told; what stands there stays, whole."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx2wgsl.compiler.folders import writer

from tests.builders.models import model as small_model
from tests.cli.harm import tree
from tests.command import SCRIPT, onnx2wgsl, refusal, succeed
from tests.compiler.artifacts import contents
from tests.sealed import part_of


def test_a_foreign_folder_is_left_as_it_is(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "thesis.txt").write_text("years of work")
    assert refused_to_write(model, folder) == (
        f"{folder} holds deep, which onnx2wgsl did not write; it is left as it is: give another folder, or "
        "--force to write over the files that have the names of the new ones and keep all others"
    )


def refused_to_write(model: Path, folder: Path) -> str:
    before = tree(folder.parent)
    message = refusal("compile", model, "-o", folder)
    assert tree(folder.parent) == before
    return message


def test_an_artifact_with_a_foreign_file_in_it_is_left_as_it_is(model: Path, artifact: Path) -> None:
    (artifact / "app.js").write_text("mine()")
    assert "holds app.js, which onnx2wgsl did not write" in refused_to_write(model, artifact)


def test_force_keeps_a_foreign_file(model: Path, artifact: Path, compiled: Path) -> None:
    (artifact / "app.js").write_text("mine()")
    part_of(artifact, "weights").write_text("mine too, and given up")
    succeed("compile", model, "-o", artifact, "--force")
    assert contents(artifact) == contents(compiled) | {"app.js": b"mine()"}


def test_a_site_with_names_like_an_artifacts_is_left_as_it_is(model: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "shaders").mkdir(parents=True)
    for name in ("index.html", "weights.bin", "shaders/mine.wgsl", "page.js"):
        (site / name).write_text("mine")
    assert "holds index.html, page.js, shaders, weights.bin, which" in refused_to_write(model, site)


def test_a_refusal_comes_before_the_work(tmp_path: Path, model: Path) -> None:
    (tmp_path / "ir").mkdir()
    (tmp_path / "ir" / "constants.npz").write_text("mine")
    message = refusal("compile", tmp_path / "none.onnx", "-o", tmp_path / "out", "--dump-ir", tmp_path / "ir")
    assert "holds constants.npz, which onnx2wgsl did not write" in message
    assert message == refusal("inspect", model, "--dump-ir", tmp_path / "ir")
    assert tree(tmp_path) == {"ir": None, "ir/constants.npz": b"mine"}


def test_a_report_replaces_reports_alone(model: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    for _ in range(2):
        succeed("inspect", model, "--html", report)
    report.write_text("<title>mine</title>")
    assert refusal("inspect", model, "--html", report) == (
        f"{report} is no report of inspect; it is left as it is: give another name, or remove it"
    )
    assert report.read_text() == "<title>mine</title>"


@pytest.mark.parametrize("option", ["--html", "strip"])
def test_a_link_stays_and_its_file_is_written(model: Path, tmp_path: Path, option: str) -> None:
    link = tmp_path / "link"
    link.symlink_to("file")
    succeed(*(["strip", model, link] if option == "strip" else ["inspect", model, option, link]))
    assert os.readlink(link) == "file"
    assert (tmp_path / "file").stat().st_size


def test_a_pipe_is_not_written_over(model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal("strip", model, tmp_path / "pipe") == (
        f"{tmp_path / 'pipe'} can't be written: it is no regular file"
    )
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_that_is_written_over_keeps_its_mode(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "stripped.onnx"
    shutil.copy(model, path)
    path.chmod(0o600)
    succeed("strip", model, path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_model_json_of_another_tool_is_left_as_it_is(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tfjs"
    folder.mkdir()
    (folder / "model.json").write_text('{"format": "graph-model"}')
    assert "holds model.json, which onnx2wgsl did not write" in refused_to_write(model, folder)


def test_the_current_folder_is_left_as_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    for folder in (".", "..", inner.parent):
        assert refusal("compile", model, "-o", folder) == (
            f"{folder} is the current folder or your home, or holds it; "
            "give another one, for example build/NAME"
        )
    assert tree(tmp_path) == {"outer": None, "outer/inner": None}


def test_a_file_in_the_folders_place(model: Path, array: Path, tmp_path: Path) -> None:
    blocked = array / "out"
    assert refused_to_write(model, blocked) == (
        f"{blocked} can't be written: {array} is a file, not a folder"
    )
    assert refusal("compile", model, "-o", array) == (
        f"Invalid value for '-o' / '--output': Directory '{array}' is a file."
    )
    for option in ("--dump-ir", "--html"):
        result = onnx2wgsl("inspect", model, option, blocked)
        assert result.status == 1
        assert result.err == (f"error: {blocked} can't be written: {array} is a file, not a folder\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input.npy"]


def test_a_results_folder_that_can_not_be(compiled: Path, array: Path) -> None:
    blocked = array / "out"
    message = refusal("run", compiled, "--input", array, "--output-dir", blocked)
    assert message == (f"{blocked}/output.npy can't be written: {array} is a file, not a folder")


def failing(original: Callable[..., Any], code: int, first: int, last: int) -> Callable[..., Any]:
    """`original`, but calls number `first` to `last` fail as the system lets them fail."""
    calls = 0

    def wrapped(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if first <= calls <= last:
            raise OSError(code, os.strerror(code), str(args[0]) if args else None)
        return original(*args, **named)

    return wrapped


@pytest.mark.parametrize(
    ("owner", "name", "first", "code", "present"),
    [
        (writer, "mkdtemp", 1, errno.EACCES, False),
        (writer, "mkdtemp", 1, errno.EACCES, True),
        (Path, "write_bytes", 6, errno.ENOSPC, False),
        (Path, "write_bytes", 6, errno.ENOSPC, True),
        (Path, "rename", 1, errno.EBUSY, False),  # of the new folder to its place
        (Path, "rename", 1, errno.EBUSY, True),  # of the earlier one out of the way
        (Path, "rename", 2, errno.EIO, True),  # of the new one; the earlier one is put back
    ],
)
def test_a_disk_error_leaves_the_earlier_artifact_or_none(
    model: Path,
    compiled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    first: int,
    code: int,
    present: bool,
) -> None:
    folder = tmp_path / "out"
    if present:
        shutil.copytree(compiled, folder)
    before = tree(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing(getattr(owner, name), code, first, first))
        message = refusal("compile", model, "-o", folder)
    assert message == f"{folder} can't be written: {os.strerror(code)}"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("first", [1, 2])
def test_results_are_written_all_or_none(
    compiled: Path, array: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", failing(os.fdopen, errno.ENOSPC, first, first))
        message = refusal("run", compiled, "--input", array, "--output-dir", out)
    name = ("output.npy", "output.png")[first - 1]
    assert message == f"{out / name} can't be written: No space left on device"
    assert list(out.iterdir()) == []


def test_a_real_disk_error(tmp_path: Path) -> None:
    """The system refuses files of more than 4 KB; some of the runtime's are larger."""
    model = tmp_path / "m.onnx"
    onnx.save(small_model("u8_s8"), model)
    process = subprocess.run(
        [SCRIPT, "compile", model, "-o", tmp_path / "out"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == f"error: {tmp_path / 'out'} can't be written: File too large\n"
    assert list(tmp_path.iterdir()) == [model]
