"""onnx2wgsl inspect: the kernels, the IR after a pass, and a report that needs nothing else."""

import html
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import onnx
import pytest
from onnx2wgsl.compiler.backend.artifact import compact
from onnx2wgsl.compiler.pipeline import PASS_NAMES
from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.builders.qdq import QDQBuilder, QuantParams, weights
from tests.command import cells, refusal, succeed

PROGRAM_PASSES = ("schedule", "place_concat", "allocate_buffers")
VOID = ("meta", "line", "rect", "br", "link", "img")


class Page(HTMLParser):
    """Checks that a page's elements close in order, and collects its attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def test_a_model_shows_a_row_for_each_kernel_and_the_sums(model: Path, compiled: Path) -> None:
    text = succeed("inspect", model)
    kernels = load_artifact(compiled).kernels
    table = cells(text)
    assert [row[2] for row in table] == [kernel.name for kernel in kernels]
    assert [row[0] for row in table] == [str(index) for index in range(len(kernels))]
    macs = [int(row[5].replace(",", "")) for row in table]
    assert macs == [kernel.macs for kernel in kernels]
    last = re.search(
        r"^(\d+) dispatches, ([\d,]+) MACs, arena ([\d,]+) bytes, lower bound ([\d,]+) bytes "
        r"\(\+(\d+\.\d)%\)$",
        text,
        re.MULTILINE,
    )
    assert last
    assert int(last[1]) == len(kernels)
    assert int(last[2].replace(",", "")) == sum(macs)
    arena, bound = (int(last[group].replace(",", "")) for group in (3, 4))
    assert max(int(row[8].replace(",", "")) for row in table) == bound <= arena


def test_a_folder_shows_the_same_kernels(model: Path, compiled: Path) -> None:
    text = succeed("inspect", compiled)
    assert [row[2] for row in cells(text)] == [row[2] for row in cells(succeed("inspect", model))]
    assert (
        "input input: float32[1, 3, 32, 32], picture: scale 0.00784314, offset -1, rgb, fit cover\n" in text
    )
    assert "output output: float32[1, 3, 32, 32], picture: scale 127.5, offset 127.5\n" in text
    assert re.search(r"exact against onnxruntime 1\.31\.\d+\n$", text)


@pytest.mark.parametrize("name", PASS_NAMES)
def test_the_ir_after_a_pass_is_printed_alone(model: Path, tmp_path: Path, name: str) -> None:
    text = succeed("inspect", model, "--after", name, "--dump-ir", tmp_path)
    dumped = sorted(tmp_path.glob(f"*_{name}.ir"))[-1].read_text()
    assert text == dumped
    assert text.startswith("program @small" if name in PROGRAM_PASSES else "graph @small")


def test_an_unknown_pass_is_refused_with_those_known(model: Path) -> None:
    message = refusal("inspect", model, "--after", "fuse")
    assert message == f"no pass 'fuse'; the passes are: {', '.join(PASS_NAMES)}"


@pytest.mark.parametrize("option", ["--after", "--dump-ir", "--html"])
def test_what_an_artifact_does_not_hold_needs_its_model(
    compiled: Path, bundle: Path, model: Path, tmp_path: Path, option: str
) -> None:
    value = "import" if option == "--after" else tmp_path / "out"
    for path in (compiled, bundle):
        message = refusal("inspect", path, option, value)
        assert message == (
            f"{option} needs the model that {path} was compiled from, small.onnx, which is not beside it: "
            "give it with --model"
        )
        assert not list(tmp_path.iterdir())
    succeed("inspect", bundle, option, value, "--model", model)
    other = tmp_path / "small.onnx"
    onnx.save(QDQBuilder().build(), other)
    assert f"{other} is not the model that" in refusal("inspect", compiled, option, value, "--model", other)


def test_the_report_of_a_folder_is_that_of_the_model_beside_it(
    artifact: Path, model: Path, tmp_path: Path
) -> None:
    shutil.copy(model, tmp_path)
    succeed("inspect", artifact, "--html", tmp_path / "folder.html")
    succeed("inspect", model, "--html", tmp_path / "model.html")
    assert (tmp_path / "folder.html").read_bytes() == (tmp_path / "model.html").read_bytes()


def test_the_ir_of_a_folder_has_the_shape_that_it_was_compiled_for(dynamic: Path, tmp_path: Path) -> None:
    succeed("compile", dynamic, "-o", tmp_path / "out", "--shape", "input=1,3,64,32")
    assert "f32[1,3,64,32]" in succeed("inspect", tmp_path / "out", "--after", "import")


def test_a_bundle_shows_what_its_folder_does(compiled: Path, bundle: Path) -> None:
    assert succeed("inspect", bundle) == succeed("inspect", compiled)
    shader = load_artifact(bundle).kernels[0].shader
    assert succeed("inspect", bundle, "--shader", shader) == succeed("inspect", compiled, "--shader", shader)


def test_the_report_is_whole_and_needs_nothing_else(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert succeed("inspect", model, "--html", path).endswith(f"{path} written\n")
    source = path.read_text("utf-8")
    page = Page()
    page.feed(source)
    assert page.open == []
    assert {name for name, _ in page.attributes}.isdisjoint({"src", "href", "action", "data"})
    assert not re.search(r"https?:|url\(|@import|<script|<link", source)
    table = cells(succeed("inspect", model))
    for row in table:
        assert row[2] in page.text
    assert page.count["svg"] == 1
    buffers = {value for name, value in page.attributes if name == "data-buffer"}
    assert page.count["rect"] >= len(buffers) > 5


def test_the_report_says_where_a_kernel_writes_in_words(tmp_path: Path) -> None:
    builder = QDQBuilder()
    x = builder.input((1, 4, 6, 6), QuantParams(0.02, 128))
    parts = [builder.conv(x, weights(4, 4), QuantParams(scale, 3)) for scale in (0.1, 0.2, 0.3)]
    builder.output(
        builder.conv(builder.concat(parts, QuantParams(0.3, 3)), weights(4, 12), QuantParams(0.3, 3))
    )
    onnx.save(builder.build(), tmp_path / "m.onnx")
    succeed("inspect", tmp_path / "m.onnx", "--html", tmp_path / "report.html")
    cells = re.findall(r'<td class="stores">(.*?)</td>', (tmp_path / "report.html").read_text("utf-8"))
    targets = [target for cell in cells for target in html.unescape(cell).split("; ")]
    place = r"\S+\+0x[0-9a-f]+( words \d+:\d+ of \d+)?( by table)?"
    assert all(re.fullmatch(rf"{place}|output '\w+'( by f32 table)?", target) for target in targets)
    assert any(" words " in target and " by table" in target for target in targets)


def test_names_in_the_report_are_escaped(tmp_path: Path, model: Path) -> None:
    odd = tmp_path / "<b>&amp;.onnx"
    odd.write_bytes(model.read_bytes())
    succeed("inspect", odd, "--html", tmp_path / "report.html")
    source = (tmp_path / "report.html").read_text("utf-8")
    assert "&lt;b&gt;&amp;amp;" in source
    assert "<b>" not in source


def test_a_program_without_a_buffer_is_shown_too(tmp_path: Path) -> None:
    builder = QDQBuilder()
    builder.output(builder.input((1, 2, 3, 3), QuantParams(0.5, 3), as_float=False))
    onnx.save(builder.build(), tmp_path / "m.onnx")
    text = succeed("inspect", tmp_path / "m.onnx", "--html", tmp_path / "r.html")
    assert "lower bound 0 bytes (+0.0%)" in text
    assert (tmp_path / "r.html").is_file()


def test_a_shader_is_printed_with_its_comments_or_as_it_is_in_the_artifact(
    model: Path, compiled: Path
) -> None:
    stored = succeed("inspect", compiled, "--shader", "conv.wgsl")
    commented = succeed("inspect", model, "--shader", "conv.wgsl")
    assert stored == load_artifact(compiled).shaders["conv.wgsl"]
    assert "//" in commented
    assert stored == compact(commented)
    assert refusal("inspect", compiled, "--shader", "x").startswith("no shader 'x'; the shaders are: ")
