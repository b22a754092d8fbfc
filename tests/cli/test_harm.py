"""Ways to lose what a user owns by a command of ours: each is refused, and every file stays as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from tests.cli.harm import tree
from tests.command import refusal
from tests.sealed import part_of


@dataclass(frozen=True)
class Desk:
    """A folder of the user's: model.onnx, an artifact `artifact`, an input x.npy, a folder `mine`."""

    path: Path

    def put(self, name: str, content: str | bytes = "mine") -> None:
        """Writes a file, with its folders."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def split_model(self, name: str) -> None:
        """mine/model.onnx, with its data in another file of that name beside it."""
        model = onnx.load(self.path / "model.onnx")
        onnx.save(
            model, self.path / "mine/model.onnx", save_as_external_data=True, location=name, size_threshold=16
        )


Way = tuple[Callable[[Desk], object], Sequence[str], str]


def compiling(folder: str, *options: str) -> list[str]:
    return ["compile", "model.onnx", "-o", folder, *options]


def running(*options: str) -> list[str]:
    return ["run", "artifact", "--input", *options]


def picture(name: str, size: int) -> Callable[[Desk], None]:
    return lambda desk: Image.new("RGB", (size, size)).save(desk.path / name)


def nothing(_: Desk) -> None:
    """The command alone does it."""


FOREIGN = "which onnx2wgsl did not write; it is left as it is"
CHANGED = "changed since onnx2wgsl wrote it; it is left as it is"
APART = "lie in one another: give the IR a folder beside it"
WAYS: dict[str, Way] = {
    # compile -o
    "a folder of papers": (lambda d: d.put("mine/deep/thesis.txt"), compiling("mine"), FOREIGN),
    "a slash at its end": (lambda d: d.put("mine/thesis.txt"), compiling("mine/"), FOREIGN),
    "dots in its name": (lambda d: d.put("mine/thesis.txt"), compiling("mine/../mine/."), FOREIGN),
    "a name that is not Latin": (lambda d: d.put("論文/一.txt"), compiling("論文"), FOREIGN),
    "a name with a newline": (lambda d: d.put("mine/a\nb"), compiling("mine"), FOREIGN),
    "a site": (lambda d: d.put("mine/index.html"), compiling("mine"), FOREIGN),
    "shaders of another project": (lambda d: d.put("mine/shaders/a.wgsl"), compiling("mine"), FOREIGN),
    "weights of another project": (lambda d: d.put("mine/weights.bin"), compiling("mine"), FOREIGN),
    "the model.json of another tool": (
        lambda d: d.put("mine/model.json", '{"format": "graph-model"}'), compiling("mine"), FOREIGN,
    ),
    "a repository": (lambda d: d.put("artifact/.git/HEAD"), compiling("artifact"), FOREIGN),
    "a page beside ours": (lambda d: d.put("artifact/app.js"), compiling("artifact"), FOREIGN),
    "our page, edited": (lambda d: d.put("artifact/index.html", "<p>mine"), compiling("artifact"), CHANGED),
    "our shader, edited": (
        lambda d: part_of(d.path / "artifact", "shaders").write_text("mine"), compiling("artifact"), CHANGED,
    ),
    "our model.json, edited": (
        lambda d: d.put("artifact/model.json", "{}"), compiling("artifact"), CHANGED,
    ),
    "our files.json, edited": (
        lambda d: d.put("artifact/files.json", "{}"), compiling("artifact"), "was changed, or is of an",
    ),
    "a name of another case": (lambda d: d.put("artifact/INDEX.html"), compiling("artifact"), FOREIGN),
    "an empty folder in ours": (lambda d: (d.path / "artifact/new").mkdir(), compiling("artifact"), FOREIGN),
    "a link in ours": (
        lambda d: (d.path / "artifact/link").symlink_to("../mine"), compiling("artifact"), FOREIGN,
    ),
    "a pipe in ours": (lambda d: os.mkfifo(d.path / "artifact/pipe"), compiling("artifact"), FOREIGN),
    "a link to a folder of papers": (
        lambda d: (d.put("mine/thesis.txt"), (d.path / "link").symlink_to("mine")),
        compiling("link"), FOREIGN,
    ),
    "the folder of the model": (
        lambda d: d.split_model("data"), ["compile", "mine/model.onnx", "-o", "mine"], FOREIGN,
    ),
    "the current folder": (nothing, compiling("."), "is the current folder or your home, or holds it"),
    "the folder above": (nothing, compiling(".."), "is the current folder or your home, or holds it"),
    "no name": (nothing, compiling(""), "is the current folder or your home, or holds it"),
    "the model itself": (nothing, compiling("model.onnx"), "Directory 'model.onnx' is a file."),
    "a folder below a file": (nothing, compiling("x.npy/out"), "x.npy is a file, not a folder"),
    "a pipe": (lambda d: os.mkfifo(d.path / "pipe"), compiling("pipe"), "is a file"),
    # --force
    "the model's own data, by force": (
        lambda d: d.split_model("runtime.js"), ["compile", "mine/model.onnx", "-o", "mine", "--force"],
        "mine/runtime.js belongs to the model, and mine needs its name: give another folder",
    ),
    "a file behind a link, by force": (
        lambda d: (d.put("mine/page.js"), _link(d, "artifact/page.js", "../mine/page.js")),
        compiling("artifact", "--force"), "page.js is a link; remove it first",
    ),
    # --dump-ir
    "the IR into the artifact's folder": (nothing, compiling("out", "--dump-ir", "out"), APART),
    "the IR into the artifact": (nothing, compiling("out", "--dump-ir", "out/ir"), APART),
    "the artifact into the IR": (nothing, compiling("ir/out", "--dump-ir", "./ir"), APART),
    "the IR into a folder of papers": (
        lambda d: d.put("mine/graph.txt"), compiling("out", "--dump-ir", "mine"), FOREIGN,
    ),
    "the IR into an artifact": (nothing, ["inspect", "model.onnx", "--dump-ir", "artifact"], FOREIGN),
    # inspect --html
    "a report over a page": (
        lambda d: d.put("page.html"), ["inspect", "model.onnx", "--html", "page.html"], "is no report of",
    ),
    "a report over the model": (
        nothing, ["inspect", "model.onnx", "--html", "model.onnx"], "is no report of inspect",
    ),
    "a report over a pipe": (
        lambda d: os.mkfifo(d.path / "pipe"), ["inspect", "model.onnx", "--html", "pipe"], "no regular file",
    ),
    # strip
    "a model over a text": (
        lambda d: d.put("thesis.txt"), ["strip", "model.onnx", "thesis.txt"], "thesis.txt is no ONNX model",
    ),
    "a model over an array": (nothing, ["strip", "model.onnx", "x.npy"], "x.npy is no ONNX model; it is"),
    "a model over its own data": (
        lambda d: d.split_model("data"), ["strip", "mine/model.onnx", "mine/data"], "data is no ONNX model",
    ),
    "a model over a folder": (nothing, ["strip", "model.onnx", "mine"], "'mine' is a directory"),
    # run --output-dir
    "a result over its input": (
        lambda d: shutil.copy(d.path / "x.npy", d.path / "output.npy"),
        running("output.npy", "--output-dir", "."), "output.npy is an input; it is left as it is",
    ),
    "a picture over its input": (
        picture("output.png", 32), running("output.png", "--output-dir", "."), "output.png is an input",
    ),
    "a result over another array": (
        lambda d: np.save(d.path / "mine/output.npy", np.zeros(3)), running("x.npy", "--output-dir", "mine"),
        "mine/output.npy is no earlier result of this output; it is left as it is",
    ),
    "a result over a text": (
        lambda d: d.put("mine/output.npy"), running("x.npy", "--output-dir", "mine"), "no earlier result",
    ),
    "a result over a photo": (
        picture("mine/output.png", 640), running("x.npy", "--output-dir", "mine"),
        "mine/output.png is no earlier result",
    ),
    "a result over a folder": (
        lambda d: d.put("mine/output.npy/thesis.txt"), running("x.npy", "--output-dir", "mine"), "a folder",
    ),
    # fuzz --save
    "faults over a file": (
        lambda d: d.put("file"), ["fuzz", "--examples", "1", "--save", "file"], "Directory 'file' is a file.",
    ),
}  # fmt: skip


def _link(desk: Desk, name: str, target: str) -> None:
    (desk.path / name).unlink()
    (desk.path / name).symlink_to(target)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path, compiled: Path) -> Desk:
    """The current folder."""
    path = tmp_path / "desk"
    (path / "mine").mkdir(parents=True)
    shutil.copy(model, path / "model.onnx")
    shutil.copytree(compiled, path / "artifact")
    np.save(path / "x.npy", np.zeros((1, 3, 32, 32), np.float32))
    monkeypatch.chdir(path)
    return Desk(path)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_user_is_lost(desk: Desk, way: str) -> None:
    prepare, command, reason = WAYS[way]
    prepare(desk)
    before = tree(desk.path)
    assert reason in refusal(*command)
    assert tree(desk.path) == before


def test_there_are_thirty_ways() -> None:
    assert len(WAYS) > 30
