"""The artifact: the same bytes each time, small, and true to its schema."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import onnx
import pytest
from onnx2wgsl import runtime_py
from onnx2wgsl.compiler.backend import artifact
from onnx2wgsl.compiler.backend.artifact import compact, write_artifact
from onnx2wgsl.compiler.backend.codegen import generate
from onnx2wgsl.compiler.backend.pictures import picture_inputs
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.runtime_py.artifact import load_artifact
from PIL import Image

from tests.builders.models import model
from tests.compiler.artifacts import AVATAR, contents, program, write

SCHEMA = json.loads((Path(runtime_py.__file__).parent / "model.schema.json").read_text())


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fresh = compile_model(AVATAR)
        write_artifact(fresh, tmp_path / name, source=AVATAR)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_the_avatar_is_small(tmp_path: Path) -> None:
    description = write(AVATAR, tmp_path / "a")
    files = contents(tmp_path / "a")
    types = sum(len(data) for name, data in files.items() if name.endswith(".d.ts"))
    total = sum(map(len, files.values()))
    assert total - types < description["weights"]["bytes"] + 135_000
    assert types < 24_000
    quantized = sum(t.raw_data.__len__() for t in onnx.load(AVATAR).graph.initializer)
    assert description["weights"]["bytes"] < quantized * 1.1
    names = ["runtime.js", "model.json", description["shaders"]["file"]]
    assert sum(len(gzip.compress(files[name], 9)) for name in names) < 15 * 1024


def test_the_documents_have_its_bytes() -> None:
    script = Path(__file__).parents[3] / "scripts" / "bytes.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0, (
        "python scripts/bytes.py writes them anew"
    )


def test_a_model_json_that_runtimes_refuse_is_not_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SCHEMA["limits"]["bytes"] == artifact.LIMIT
    monkeypatch.setattr(artifact, "LIMIT", 2500)
    with pytest.raises(CompileError, match="runtimes read at most 2,500: split the model"):
        write(tiny, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_model_json_follows_the_schema(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    assert json.loads((tmp_path / "a" / "model.json").read_bytes()) == description
    jsonschema.validate(description, SCHEMA)


def names_in_manifest(folder: Path) -> set[str]:
    """The names in files.json."""
    return {one["file"] for one in json.loads((folder / "files.json").read_bytes())["files"]}


def test_files_json_lists_all_others(tiny: Path, tmp_path: Path) -> None:
    write(tiny, tmp_path / "a", with_bundle=True)
    assert names_in_manifest(tmp_path / "a") == contents(tmp_path / "a").keys() - {"files.json"}


def test_weights_are_described(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    data = (tmp_path / "a" / description["weights"]["file"]).read_bytes()
    assert description["weights"]["bytes"] == len(data)
    assert description["weights"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_every_file_that_is_named_is_there(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    files = contents(tmp_path / "a")
    for key in ("weights", "shaders", "rare_shaders", "self_test"):
        name, digest = description[key]["file"], description[key]["sha256"]
        assert name.startswith(f"{key}-{digest[:16]}.")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    names = {kernel["shader"] for kernel in description["kernels"]}
    names |= {description["probe"]["shader"]}
    names |= {name for kinds in description["snippets"].values() for name in kinds.values()}
    assert names <= set(load_artifact(tmp_path / "a").shaders)
    assert {"runtime.js", "index.html"} <= set(files)


def test_shaders_are_as_they_were_generated_but_for_comments_and_blanks(tmp_path: Path) -> None:
    def tokens(text: str) -> list[str]:
        plain = re.sub("//.*", "", text)
        for i, name in enumerate(re.findall(r"override (\w+)", plain)):
            plain = re.sub(rf"(?<!\.)\b{name}\b", f"K{i}", plain)
        return re.findall(r"\w+|[^\w\s]", plain)

    write(AVATAR, tmp_path / "a")
    shaders = load_artifact(tmp_path / "a").shaders
    generated = generate(program(AVATAR), picture_inputs(program(AVATAR))).shaders
    assert shaders.keys() == generated.keys()
    for name, text in generated.items():
        assert tokens(shaders[name]) == tokens(text)
    assert "//" in generated["conv.wgsl"]
    assert "K0" not in "".join(generated.values())
    assert sum(map(len, shaders.values())) < 0.85 * sum(map(len, generated.values()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  let a = b - -c;  // no b--c", "let a=b - -c;"),
        ("var t: array<u32> = x;", "var t:array<u32> = x;"),
        ("if (a < b && c > (d)) { e = -f; }", "if(a < b&&c >(d)){e = -f;}"),
        ("fn f(a: vec4<i32>, b: u32) -> u32 {", "fn f(a:vec4<i32>,b:u32)-> u32{"),
        ("override a: u32;\nlet b = a + v.a + aa;", "override K0:u32;\nlet b=K0+v.a+aa;"),
        ("let m = (1u << b) - 1u;", "let m=(1u << b)-1u;"),
        ("@group(0) @binding(1) var<storage, read> a: u32;", "@group(0)@binding(1)var<storage,read> a:u32;"),
    ],
)
def test_blanks_go_that_part_no_tokens(text: str, expected: str) -> None:
    assert compact(text) == expected


def test_a_bundle_has_what_runtimes_need_of_the_folder(tiny: Path, tmp_path: Path) -> None:
    write(tiny, tmp_path / "a", with_bundle=True)
    (name,) = [name for name in names_in_manifest(tmp_path / "a") if name.endswith(".onnx2wgsl")]
    folder, bundle = load_artifact(tmp_path / "a"), load_artifact(tmp_path / "a" / name)
    assert bundle.description == folder.description
    assert (bundle.weights, bundle.shaders) == (folder.weights, folder.shaders)
    assert bundle.self_test == folder.self_test


def test_a_bundle_is_without_the_sample_which_is_the_pages(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    description = write(AVATAR, tmp_path / "a", with_bundle=True, sample=picture.getvalue())
    assert description["sample"] in names_in_manifest(tmp_path / "a")
    assert "sample" not in load_artifact(tmp_path / "a" / "avatar_256_u8.onnx2wgsl").description


def test_a_bundle_is_named_as_a_file_may_be(tiny: Path, tmp_path: Path) -> None:
    model = shutil.copy(tiny, tmp_path / ".größe 1.onnx")
    description = write(Path(model), tmp_path / "a", with_bundle=True)
    assert "_gr__e_1.onnx2wgsl" in names_in_manifest(tmp_path / "a")
    jsonschema.validate(description, SCHEMA)


def test_the_reference_says_how_signed_models_ran(tmp_path: Path) -> None:
    for name, signed in (("u8_s8", False), ("s8_s8", True)):
        onnx.save(model(name), tmp_path / f"{name}.onnx")
        description = write(tmp_path / f"{name}.onnx", tmp_path / name)
        assert description["reference"]["qdqisint8allowed"] is signed
        assert description["reference"]["runtime"].startswith("onnxruntime 1.31.")
