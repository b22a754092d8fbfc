"""The artifact: the same bytes each time, small, and true to its schema."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import jsonschema
import onnx
import pytest
from onnx2wgsl import runtime_py
from onnx2wgsl.compiler.backend import artifact
from onnx2wgsl.compiler.backend.artifact import write_artifact
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.models import model
from tests.compiler.artifacts import AVATAR, contents, write

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
    total = sum(map(len, files.values()))
    assert total < description["weights"]["bytes"] + 170_000
    quantized = sum(t.raw_data.__len__() for t in onnx.load(AVATAR).graph.initializer)
    assert description["weights"]["bytes"] < quantized * 1.1
    web = {name: len(gzip.compress(data)) for name, data in files.items() if name.endswith((".js", ".html"))}
    assert sum(web.values()) < 38_000
    later = {"canvas.js", "labels.js", "profile.js", "self_test.js"}
    assert later < set(web), "what is imported on first use"
    assert sum(size for name, size in web.items() if name not in later) < 28_000


def test_no_text_of_a_script_spans_lines() -> None:
    """Their indentation is left out of the artifact, which means nothing to WGSL alone."""
    for path in (Path(runtime_py.__file__).parents[1] / "runtime_js").glob("*.js"):
        text = re.sub(r"/\* wgsl \*/ `[^`]*`", "", path.read_text())
        assert [line for line in text.splitlines() if line.count("`") % 2] == [], path


def test_a_model_json_that_runtimes_refuse_is_not_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SCHEMA["limits"]["bytes"] == artifact.LIMIT
    monkeypatch.setattr(artifact, "LIMIT", 5000)
    with pytest.raises(CompileError, match="runtimes read at most 5,000: split the model"):
        write(tiny, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_model_json_follows_the_schema(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    assert json.loads((tmp_path / "a" / "model.json").read_bytes()) == description
    jsonschema.validate(description, SCHEMA)


def test_weights_are_described(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    data = (tmp_path / "a" / description["weights"]["file"]).read_bytes()
    assert description["weights"]["bytes"] == len(data)
    assert description["weights"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_every_file_that_is_named_is_there(tiny: Path, tmp_path: Path) -> None:
    description = write(tiny, tmp_path / "a")
    shaders = {path.name for path in (tmp_path / "a" / "shaders").iterdir()}
    names = {kernel["shader"] for kernel in description["kernels"]}
    names |= {description["probe"]["shader"]}
    names |= {name for kinds in description["snippets"].values() for name in kinds.values()}
    assert names <= shaders
    assert {"runtime.js", "index.html"} <= set(contents(tmp_path / "a"))


def test_the_reference_says_how_signed_models_ran(tmp_path: Path) -> None:
    for name, signed in (("u8_s8", False), ("s8_s8", True)):
        onnx.save(model(name), tmp_path / f"{name}.onnx")
        description = write(tmp_path / f"{name}.onnx", tmp_path / name)
        assert description["reference"]["qdqisint8allowed"] is signed
        assert description["reference"]["runtime"].startswith("onnxruntime 1.31.")
