"""An artifact is checked before it is used, and a damaged one is refused with the place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from onnx2wgsl.runtime_py import ArtifactError
from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.runtime_py import tiny_artifact as tiny

Model = dict[str, Any]
SCHEMA = Path(__file__).parents[2] / "runtime_py" / "model.schema.json"


def refusal(folder: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_artifact(folder)
    return str(caught.value)


def write(tmp_path: Path, change: Callable[[Model], object]) -> Path:
    model = tiny.description()
    change(model)
    return tiny.write(tmp_path / "changed", model)


def test_a_whole_artifact_loads(folder: Path) -> None:
    artifact = load_artifact(folder)
    assert artifact.name == "tiny"
    assert [kernel.name for kernel in artifact.kernels] == ["quantize", "conv", "lookup"]
    assert artifact.buffers == {
        "arena": 192,
        "weights": len(tiny.weights_bin()),
        "input:x": 192,
        "image:x": 64,
        "input:shift": 8,
        "output:y": 256,
        "output:z": 4,
    }


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda m: m.pop("probe"), "$: 'probe' is a required property"),
        (lambda m: m.update(extra=1), "'extra' was unexpected"),
        (lambda m: m["kernels"][1].update(workgroups=[1, 1]), "$.kernels[1].workgroups: "),
        (lambda m: m["kernels"][1].update(shader="../01.wgsl"), "$.kernels[1].shader: "),
        (lambda m: m["kernels"][0]["bindings"][0].update(access="write"), "[0].access: 'write'"),
        (lambda m: m["weights"].update(file="../weights.bin"), "$.weights.file: "),
        (lambda m: m["inputs"][0].update(dtype="float64"), "$.inputs[0].dtype: 'float64'"),
        (lambda m: m["arena"].update(bytes=6), "$.arena.bytes: 6"),
        (lambda m: m["probe"]["scales"].append(2**32), "$.probe.scales[66]: 4294967296"),
        (lambda m: m["self_test"]["kernels"].append("xyz"), "$.self_test.kernels[3]: 'xyz'"),
    ],
)
def test_the_schema_names_the_place(tmp_path: Path, change: Callable[[Model], object], place: str) -> None:
    message = refusal(write(tmp_path, change))
    assert place in message
    assert "compile the model again" in message


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda m: m["kernels"][1]["bindings"][0].update(buffer="output:q"),
            "$.kernels[1].bindings[0].buffer: there is no buffer 'output:q'",
        ),
        (
            lambda m: m["kernels"][1]["bindings"][1].update(binding=0),
            "$.kernels[1].bindings: binding numbers [0, 0, 2] are not all different",
        ),
        (
            lambda m: m["kernels"][1]["stores"][0].update(rows=17),
            "$.kernels[1].stores[0]: ends at word 49 of 'arena', which has 48",
        ),
        (
            lambda m: m["kernels"][1]["stores"][0].update(rows=2, width=3),
            "$.kernels[1].stores[0]: rows of 3 words overlap at a pitch of 2",
        ),
        (
            lambda m: m["kernels"][1]["stores"][0].update(buffer="weights"),
            "$.kernels[1].stores[0].buffer: 'weights' is not bound read_write",
        ),
        (lambda m: m["kernels"][1].update(name="quantize"), "2 kernels are named 'quantize'"),
        (
            lambda m: m["inputs"][0]["image"].update(replaces=3),
            "$.inputs[0].image.replaces: 3 of 3 kernels",
        ),
        (
            lambda m: m["inputs"][0].update(shape=[48]),
            "$.inputs[0].image: a tensor of shape [48] is no picture",
        ),
        (lambda m: m["probe"]["expected"].pop(), "$.probe: lists of different lengths"),
        (
            lambda m: m["self_test"]["kernels"].pop(),
            "$.self_test.kernels: 2 checksums for 3 kernels",
        ),
        (
            lambda m: m["self_test"]["outputs"].pop("z"),
            "$.self_test.outputs: ['y'] instead of ['y', 'z']",
        ),
        (
            lambda m: m["self_test"]["inputs"].clear(),
            "$.self_test.inputs: no range for ['x']",
        ),
        (
            lambda m: m["outputs"].append(m["outputs"][0]),
            "$.outputs: 2 tensors are named 'y'",
        ),
    ],
)
def test_what_a_schema_cannot_say_is_checked_too(
    tmp_path: Path, change: Callable[[Model], object], problem: str
) -> None:
    assert problem in refusal(write(tmp_path, change))


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    def change(model: Model) -> None:
        model["self_test"]["kernels"].pop()
        model["probe"]["expected"].pop()

    message = refusal(write(tmp_path, change))
    assert "$.probe" in message
    assert "$.self_test.kernels" in message


def test_another_format_or_version_is_refused_first(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda m: m.update(version=2, kernels="changed since"))
    assert "$.version is 2, this runtime reads 1" in refusal(folder)
    (folder / "model.json").write_text('{"format": "gltf"}')
    assert "$.format is 'gltf', not 'onnx2wgsl'" in refusal(folder)
    (folder / "model.json").write_text("[]")
    assert "$: not an object" in refusal(folder)


def test_broken_json_is_refused_with_line_and_column(folder: Path) -> None:
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text[: len(text) // 2])
    assert "model.json is damaged" in refusal(folder)
    assert "line 1 column" in refusal(folder)


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "weights.bin").unlink()
    assert "weights.bin: No such file" in refusal(folder)
    assert "model.json: No such file" in refusal(tmp_path / "nowhere")


def test_truncated_weights_are_refused_with_both_lengths(folder: Path) -> None:
    data = (folder / "weights.bin").read_bytes()
    (folder / "weights.bin").write_bytes(data[:-4])
    assert f"{len(data) - 4} bytes, model.json says {len(data)}" in refusal(folder)


def test_one_changed_bit_of_the_weights_is_refused(folder: Path) -> None:
    data = bytearray((folder / "weights.bin").read_bytes())
    data[17] ^= 1
    (folder / "weights.bin").write_bytes(data)
    assert "weights.bin is damaged" in refusal(folder)
    assert "SHA-256 is" in refusal(folder)
