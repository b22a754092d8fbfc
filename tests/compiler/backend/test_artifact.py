"""The artifact: the same bytes each time, small, and true to its schema."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import jsonschema
import onnx
from onnx2wgsl import runtime_py
from onnx2wgsl.compiler.backend.artifact import write_artifact
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
    described = write(AVATAR, tmp_path / "a")
    files = contents(tmp_path / "a")
    total = sum(map(len, files.values()))
    assert total < described["weights"]["bytes"] + 100_000
    quantized = sum(t.raw_data.__len__() for t in onnx.load(AVATAR).graph.initializer)
    assert described["weights"]["bytes"] < quantized * 1.1
    web = [data for name, data in files.items() if name.endswith((".js", ".html"))]
    assert sum(len(gzip.compress(data)) for data in web) < 15_000


def test_model_json_follows_the_schema(tiny: Path, tmp_path: Path) -> None:
    described = write(tiny, tmp_path / "a")
    assert json.loads((tmp_path / "a" / "model.json").read_bytes()) == described
    jsonschema.validate(described, SCHEMA)


def test_weights_are_described(tiny: Path, tmp_path: Path) -> None:
    described = write(tiny, tmp_path / "a")
    data = (tmp_path / "a" / described["weights"]["file"]).read_bytes()
    assert described["weights"]["bytes"] == len(data)
    assert described["weights"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_every_file_that_is_named_is_there(tiny: Path, tmp_path: Path) -> None:
    described = write(tiny, tmp_path / "a")
    shaders = {path.name for path in (tmp_path / "a" / "shaders").iterdir()}
    named = {kernel["shader"] for kernel in described["kernels"]}
    named |= {described["probe"]["shader"]}
    named |= {name for kinds in described["snippets"].values() for name in kinds.values()}
    assert named <= shaders
    assert {"runtime.js", "index.html"} <= set(contents(tmp_path / "a"))


def test_the_reference_says_how_signed_models_ran(tmp_path: Path) -> None:
    for name, signed in (("u8_s8", False), ("s8_s8", True)):
        onnx.save(model(name), tmp_path / f"{name}.onnx")
        described = write(tmp_path / f"{name}.onnx", tmp_path / name)
        assert described["reference"]["qdqisint8allowed"] is signed
        assert described["reference"]["runtime"].startswith("onnxruntime 1.31.")
