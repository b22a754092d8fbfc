"""The folder of the live page: all that it asks for, and nobody's else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner
from onnx2wgsl.face import landmarker
from onnx2wgsl.web import packages, site
from onnx2wgsl.web.__main__ import cli
from onnx2wgsl.web.errors import WebError
from onnx2wgsl.web.site import lay_out

from tests.js.live_models import generator
from tests.web import require_packages

ROOT = Path(__file__).resolve().parents[2]
AVATAR = ROOT / "models" / "avatar_256_u8.onnx"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the avatar, laid out twice into the same folder."""
    require_packages("@mediapipe/tasks-vision", "onnxruntime-web")
    folder = tmp_path_factory.mktemp("page") / "site"
    lay_out(folder, [AVATAR], with_onnxruntime=False)
    lay_out(folder, [AVATAR])
    return folder


def test_it_has_what_its_modules_import(page: Path) -> None:
    sources = [*page.glob("web/**/*.js"), *page.glob("face/*.js"), *page.glob("runtime/*.js")]
    assert len(sources) > 25
    for source in sources:
        text = re.sub(r"/\*.*?\*/", "", source.read_text("utf-8"), flags=re.DOTALL)
        for path in re.findall(r"""(?:from|import\(?|new URL\()\s*[`'"](\.[^`'"]+)[`'"]""", text):
            if path != ".":
                assert (source.parent / path).is_file(), f"{source.name} asks for {path}"
        for path in re.findall(
            r"""new URL\([`'"]((?:face|runtime|mediapipe|models)/[^`'"$]+)[`'"], site""", text
        ):
            assert (page / path).is_file(), f"{source.name} asks for {path}"
    html = (page / "index.html").read_text("utf-8")
    for path in re.findall(r'(?:src|href)="([^"#]+)"', html):
        assert (page / path).is_file(), path
    for path in site.WASM:
        assert (page / "mediapipe" / "wasm" / path).is_file()


def test_its_models_are_named_with_their_size(page: Path) -> None:
    (record,) = json.loads((page / "models" / "models.json").read_text("utf-8"))["models"]
    assert (record["name"], record["look"], record["size"]) == ("avatar_256_u8", "neon", 256)
    assert (page / "models" / record["folder"] / "model.json").is_file()
    description = json.loads((page / "models" / record["folder"] / "model.json").read_text("utf-8"))
    assert (page / "models" / record["folder"] / description["onnx"]["file"]).is_file()
    assert (page / "models" / record["float"]).is_file()


def test_a_look_is_that_of_the_data_else_the_files_name(tmp_path: Path) -> None:
    require_packages("@mediapipe/tasks-vision")
    models = [
        _saved(tmp_path / "large.onnx", generator(64, 0, "plain")),
        _saved(tmp_path / "second.onnx", generator(32, 1, "odd")),
        _saved(tmp_path / "first.onnx", generator(32, 2, "plain")),
        _saved(tmp_path / "nameless.onnx", generator(32, 3)),
    ]
    for number, text in enumerate(('{"look": 1}', '["look"]', "{")):
        model = generator(32, 4 + number)
        model.metadata_props.add(key=site.DATA, value=text)
        models.append(_saved(tmp_path / f"odd{number}.onnx", model))
    lay_out(tmp_path / "site", models, with_onnxruntime=False)
    records = json.loads((tmp_path / "site" / "models" / "models.json").read_text("utf-8"))["models"]
    assert [(one["name"], one["look"], one["size"]) for one in records] == [
        ("second", "odd", 32),
        ("first", "plain", 32),
        ("nameless", "nameless", 32),
        *((f"odd{number}", f"odd{number}", 32) for number in range(3)),
        ("large", "plain", 64),
    ]


def _saved(path: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, path)
    return path


def test_avatars_of_this_checkout_begin_with_the_shortest_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ["avatar_256_u8", "avatar_512_u8", "avatar_256_ash_u8", "avatar_256_ember_u8"]
    (tmp_path / "models").mkdir()
    for name in ("avatar_256_u8.json", "README.md", *(f"{one}.onnx" for one in names)):
        (tmp_path / "models" / name).touch()
    monkeypatch.setattr(site, "ROOT", tmp_path)
    assert [path.stem for path in site.default_models()] == names


def test_hosts_are_told_to_isolate_it(page: Path) -> None:
    headers = (page / "_headers").read_text("utf-8")
    assert "Cross-Origin-Embedder-Policy: credentialless" in headers
    assert "Cross-Origin-Opener-Policy: same-origin" in headers


def test_nothing_is_left_beside_it(page: Path) -> None:
    assert [one.name for one in page.parent.iterdir()] == ["site"]


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(WebError, match="is not empty, and no page of ours: name another folder"):
        lay_out(tmp_path, [AVATAR])
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_what_is_no_generator_is_refused_and_the_old_page_stays(page: Path, tiny_classifier: Path) -> None:
    before = sorted(page.rglob("*"))
    with pytest.raises(WebError, match="it must make one square picture of one square picture"):
        lay_out(page, [AVATAR, tiny_classifier], with_onnxruntime=False)
    assert sorted(page.rglob("*")) == before


@pytest.fixture
def tiny_classifier(tmp_path: Path) -> Path:
    """A model that makes no picture."""
    from tests.builders.models import model

    path = tmp_path / "tiny.onnx"
    onnx.save(model("u8_s8"), path)
    return path


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WebError, match=r"npm is missing: install Node\.js"):
        packages.npm_package(*packages.MEDIAPIPE)
    with pytest.raises(WebError, match="is not here, and"):
        packages.npm_package("@mediapipe/tasks-vision", "0.0.0-none")


def test_another_task_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarker, "DIGEST", "0" * 64)
    with pytest.raises(WebError, match=r"isn't the file that was tested .*remove it, and run this again"):
        packages.face_landmarker()


def test_the_command_says_what_it_wrote(page: Path) -> None:
    result = CliRunner().invoke(cli, ["build", "-o", str(page), "--model", str(AVATAR)])
    assert result.exit_code == 0, result.output
    assert re.search(r"site: \d+\.\d MB, for any static server over https", result.output)


def test_versions_are_those_of_package_json() -> None:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    for name, version in (packages.MEDIAPIPE, packages.ONNXRUNTIME):
        assert wanted[name] == version
