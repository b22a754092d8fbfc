"""The artifact: the same bytes each time, whole or not at all, small, and true to its schema."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
from onnx2wgsl import runtime_py
from onnx2wgsl.compiler.arithmetic import requantize
from onnx2wgsl.compiler.backend import artifact
from onnx2wgsl.compiler.backend.artifact import probe_cases, seeded_input, write_artifact
from onnx2wgsl.compiler.backend.codegen import Picture
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.types import TensorType
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.models import model
from tests.builders.qdq import QDQBuilder, QuantParams

AVATAR = Path(__file__).parents[2] / "models" / "avatar_256_u8.onnx"
SCHEMA = json.loads((Path(runtime_py.__file__).parent / "model.schema.json").read_text())


@functools.cache
def program(path: Path) -> Program:
    return compile_model(path)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    onnx.save(model("several_inputs_and_outputs"), path)
    return path


def write(source: Path, folder: Path, **options: Any) -> dict[str, Any]:
    return write_artifact(program(source), folder, source=source, **options)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- what is in it
# -----------------------------------------------------------------------------------------------


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


def picture_model(folder: Path, low: float, high: float, channels: int = 3) -> Path:
    scale = (high - low) / 255
    b = QDQBuilder()
    x = b.input((1, channels, 4, 4), QuantParams(scale, round(-low / scale)))
    b.output(x, as_float=False)
    b.output(b.unary(x, "Relu"))
    onnx.save(b.build(), folder / "p.onnx")
    return folder / "p.onnx"


@pytest.mark.parametrize(
    ("low", "high", "scale", "offset"),
    [
        (-1, 1, 1 / 127.5, -1.0),
        (0, 1, 1 / 255, 0.0),
        (0, 255, 1.0, 0.0),
        (-0.98, 1.01, 1 / 127.5, -1),
    ],
)
def test_a_pictures_normalisation_is_told(
    low: float, high: float, scale: float, offset: float, tmp_path: Path
) -> None:
    described = write_artifact(
        compile_model(source := picture_model(tmp_path, low, high)), tmp_path / "a", source=source
    )
    image = described["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == (scale, offset)
    assert described["kernels"][image["replaces"]]["op"] == "quantize"
    assert "image" not in described["outputs"][0]  # bytes


def test_a_given_normalisation_wins(tmp_path: Path) -> None:
    source = picture_model(tmp_path, -1, 1)
    mine = Picture(0.5, -3.0)
    made = compile_model(source)
    described = write_artifact(made, tmp_path / "a", source=source, pictures={"x0": mine})
    image = described["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == (0.5, -3.0)


@pytest.mark.parametrize("channels", [2, 5])
def test_what_is_no_picture_is_not_called_one(channels: int, tmp_path: Path) -> None:
    source = picture_model(tmp_path, -1, 1, channels)
    described = write_artifact(compile_model(source), tmp_path / "a", source=source)
    assert "image" not in described["inputs"][0]


# --- probe and self-test
# -----------------------------------------------------------------------------------------------


def test_probe_cases_stand_on_ties_and_extremes() -> None:
    cases = probe_cases(program(AVATAR))
    accumulators = np.array(cases["accumulators"], np.int32)
    scales = np.array(cases["scales"], np.uint32).view(np.float32)
    assert {2**31 - 1, -(2**31), 0, 2**24 + 1} <= set(accumulators.tolist())
    product = accumulators.astype(np.float64) * scales
    near = np.abs(product - np.floor(product) - 0.5) < 0.01
    assert near.sum() > len(accumulators) / 4
    expected = [
        int(requantize(acc, scale, zero, (-128, 127)))
        for acc, scale, zero in zip(accumulators, scales, cases["zero_points"], strict=True)
    ]
    assert cases["expected"] == expected
    assert len(set(expected)) > 20


def test_the_seeded_input_is_the_one_of_the_specification() -> None:
    """Element 5 of input number 1, by the formula of docs/artifact.md in plain integers."""
    mask = 0xFFFFFFFF
    h = (5 * 0x9E3779B1 + (artifact.SEED + 1) * 0x85EBCA77) & mask
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & mask
    h = ((h ^ (h >> 12)) * 0x297A2D39) & mask
    h ^= h >> 15
    floats = seeded_input(TensorType("f32", (1, 2, 2, 2)), 1, -1.1, 1.3)
    assert floats.reshape(-1)[5] == np.float32(-1.1 + ((1.3 + 1.1) * (h >> 8)) / 16777216)
    unsigned = seeded_input(TensorType("u8", (1, 2, 2, 2)), 1, 0, 0)
    assert unsigned.reshape(-1)[5] == (h >> 8) & 0xFF
    signed = seeded_input(TensorType("s8", (1, 2, 2, 2)), 1, 0, 0)
    assert signed.view(np.uint8).tolist() == unsigned.tolist()


def test_the_self_test_has_a_checksum_for_each_kernel_and_output(tiny: Path, tmp_path: Path) -> None:
    described = write(tiny, tmp_path / "a")
    test = described["self_test"]
    assert len(test["kernels"]) == len(described["kernels"])
    assert test["outputs"].keys() == {output["name"] for output in described["outputs"]}
    floats = {held["name"] for held in described["inputs"] if held["dtype"] == "float32"}
    assert test["inputs"].keys() == floats
    assert all(held["low"] < held["high"] for held in test["inputs"].values())


# --- whole or not at all
# -----------------------------------------------------------------------------------------------


def test_an_older_artifact_is_replaced(tiny: Path, tmp_path: Path) -> None:
    write(tiny, tmp_path / "a")
    (tmp_path / "a" / "shaders" / "stale.wgsl").write_text("old")
    described = write(AVATAR, tmp_path / "a")
    assert described["name"] == "avatar_256_u8"
    assert not (tmp_path / "a" / "shaders" / "stale.wgsl").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_empty_folder_is_filled(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tiny, tmp_path / "a")
    assert (tmp_path / "a" / "model.json").exists()


def test_a_foreign_folder_is_refused_and_untouched(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("dear")
    before = contents(tmp_path / "a")
    with pytest.raises(CompileError, match=r"holds thesis\.txt.*it is left as it is"):
        write(tiny, tmp_path / "a")
    assert contents(tmp_path / "a") == before


def test_a_file_in_the_way_is_refused_and_untouched(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("dear")
    with pytest.raises(CompileError, match="is a file; give a folder"):
        write(tiny, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "dear"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_failure_in_the_middle_leaves_the_older_artifact(
    failing: str,
    error: BaseException,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "out" / "a"
    write(tiny, target)
    before = contents(target)
    plain, calls = getattr(Path, failing), []

    def fails_in_the_middle(path: Path, *args: Any) -> Any:
        calls.append(path)
        if len(calls) == 2:  # the second file, or the fresh folder on its way to its place
            raise error
        return plain(path, *args)

    monkeypatch.setattr(Path, failing, fails_in_the_middle)
    kind = CompileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(kind, match="No space left" if kind is CompileError else None):
        write(AVATAR, target)
    monkeypatch.undo()
    assert len(calls) >= 2
    assert contents(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["a"]


def test_a_failure_leaves_nothing_where_nothing_was(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(CompileError, match=r"a can't be written: No space left on device"):
        write(tiny, tmp_path / "out" / "a")
    assert list((tmp_path / "out").iterdir()) == []
