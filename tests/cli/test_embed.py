"""onnx2wgsl embed: a page beside its model, or all in one file; tests/js/embed.test.js opens them."""

import base64
import json
import re
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.fuzzing.builder import QDQBuilder, QuantParams
from onnx2wgsl.runtime_py.artifact import load_artifact
from PIL import Image

from tests.builders.edit import rename
from tests.command import onnx2wgsl, refusal, succeed
from tests.compiler.artifacts import contents

MOBILENET = Path(__file__).parents[1] / "data" / "quark" / "mobilenet_v1_0.25_s8s8_aaws.onnx"
PAGE = {"index.html", "page.css", "icon.svg", "page.js"}


@pytest.mark.parametrize("source", ["model", "compiled", "bundle"])
def test_a_page_and_its_model_come_of_any_source(
    source: str, compiled: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = succeed("embed", request.getfixturevalue(source), "-o", tmp_path / "site")
    site = tmp_path / "site"
    assert text == f"{site}/index.html runs the model in {site}/model; onnx2wgsl serve {site} shows it\n"
    assert sorted(path.name for path in site.iterdir()) == ["index.html", "model"]
    model, whole = contents(site / "model"), contents(compiled)
    assert model.keys() == whole.keys() - PAGE
    assert {name for name in model if model[name] != whole[name]} == {"files.json"}
    files, all_files = (json.loads(one["files.json"])["files"] for one in (model, whole))
    assert files == [record for record in all_files if record["file"] not in PAGE]
    assert "self-test passed: " in succeed("verify", site / "model")


def test_the_page_is_short_and_says_what_to_edit(compiled: Path, tmp_path: Path) -> None:
    succeed("embed", compiled, "-o", tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert len(page.splitlines()) <= 27
    assert max(map(len, page.splitlines()[:-1])) < 120
    assert "import { createSession } from './model/runtime.js';" in page
    assert "To be edited where" in page
    assert "https://" not in page


@pytest.mark.parametrize("source", ["model", "compiled", "bundle"])
def test_one_file_holds_the_very_bundle(
    source: str, bundle: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = succeed("embed", request.getfixturevalue(source), "-o", tmp_path / "one.html", "--single-file")
    assert re.fullmatch(
        rf"{tmp_path}/one.html: \d\.\d\d MB; it opens from disk, in a browser with WebGPU\n", text
    )
    assert [path.name for path in tmp_path.iterdir()] == ["one.html"]
    page = (tmp_path / "one.html").read_text("utf-8")
    assert base64.b64decode(page.partition(';base64">')[2].partition("</script>")[0]) == bundle.read_bytes()
    assert page.count("<script") == page.count("</script") == 3
    assert not re.search(r"(src|href)=|@import|from '", page)


def test_a_folder_gets_the_single_file_as_its_index(compiled: Path, tmp_path: Path) -> None:
    succeed("embed", compiled, "-o", tmp_path / "site", "--single-file")
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]


def test_a_page_that_was_edited_stays_and_its_model_is_renewed(compiled: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    succeed("embed", MOBILENET, "-o", site)
    succeed("embed", compiled, "-o", site)  # nothing was edited: both are new
    assert "<canvas" in (site / "index.html").read_text()
    mine = (site / "index.html").read_text().replace("Ready", "Here we are")
    (site / "index.html").write_text(mine)
    text = succeed("embed", MOBILENET, "-o", site)
    assert text == f"{site}/model is renewed; {site}/index.html is yours, and stays as it is\n"
    assert (site / "index.html").read_text() == mine
    assert load_artifact(site / "model").name == "mobilenet_v1_0.25_s8s8_aaws"


def test_one_file_that_was_edited_or_is_another_is_left(compiled: Path, tmp_path: Path) -> None:
    page = tmp_path / "one.html"
    succeed("embed", compiled, "-o", page, "--single-file")
    whole = page.read_bytes()
    succeed("embed", compiled, "-o", page, "--single-file")
    assert page.read_bytes() == whole
    for text in (whole.replace(b"Loading", b"Wait"), whole + b"\n", b"", b"<!doctype html>mine"):
        page.write_bytes(text)
        assert refusal("embed", compiled, "-o", page, "--single-file") == (
            f"{page} was not written by embed, or was edited since; it is left as it is: give another "
            "name, or remove it"
        )
        assert page.read_bytes() == text


def test_a_model_folder_that_holds_something_else_is_left(compiled: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    assert "holds notes.txt, which onnx2wgsl did not write" in refusal("embed", compiled, "-o", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_page_goes_into_no_artifact(artifact: Path, model: Path) -> None:
    before = contents(artifact)
    message = refusal("embed", model, "-o", artifact)
    assert message == f"{artifact} is an artifact itself; give another folder for the page"
    assert contents(artifact) == before


def test_names_of_any_characters_are_written_as_they_are(tmp_path: Path) -> None:
    b = QDQBuilder()
    x, y = b.input((1, 3, 4, 4), QuantParams(1 / 127.5, 128)), b.input((2, 2), QuantParams(0.1, 3))
    b.output(b.unary(x, "Relu"))
    b.output(b.unary(y, "Relu"))
    model = rename(b.build(), x0="</script><b>'\"\\", x1="y`${1}")
    model.graph.name = "</title><script>1"
    onnx.save(model, tmp_path / "odd.onnx")
    succeed("embed", tmp_path / "odd.onnx", "-o", tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert page.count("<script") == page.count("</script") == 1
    assert r'"\u003c/script>\u003cb>' in page
    assert '"y`${1}": new Float32Array(4), // yours, [2, 2]' in page


def test_shape_and_sample(dynamic: Path, compiled: Path, tmp_path: Path) -> None:
    succeed("embed", dynamic, "-o", tmp_path / "site", "--shape", "input=1,3,64,32")
    assert '<canvas id="canvas" width="32" height="64">' in (tmp_path / "site" / "index.html").read_text()
    result = onnx2wgsl("embed", compiled, "-o", tmp_path / "other", "--shape", "input=1,3,64,32")
    assert result.status == 2
    assert f"--shape is for a MODEL; {compiled} is compiled" in result.err
    Image.new("RGB", (4, 4), (9, 8, 7)).save(tmp_path / "picture.png")
    options = ["--shape", "input=1,3,32,32", "--sample", tmp_path / "picture.png"]
    succeed("compile", dynamic, "-o", tmp_path / "sampled", *options)
    succeed("embed", tmp_path / "sampled", "-o", tmp_path / "third")
    copied = (tmp_path / "third" / "model" / "sample.png").read_bytes()
    assert copied == (tmp_path / "picture.png").read_bytes()
