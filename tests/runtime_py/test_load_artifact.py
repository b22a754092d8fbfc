"""An artifact is checked before it is used, and a damaged one is refused with the place."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from onnx2wgsl.runtime_py import ArtifactError
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.description import problems_of
from onnx2wgsl.runtime_py.shaders import shader_problems

from tests.refused_models import cases, described, edited
from tests.runtime_py import tiny_artifact as tiny

Model = dict[str, Any]
ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "runtime_py" / "model.schema.json"


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


MODELS = cases()


def test_the_cases_edit_the_artifact_of_these_tests() -> None:
    assert MODELS["model"] == described(), "python -m tests.refused_models writes it anew"


@pytest.mark.parametrize("case", MODELS["cases"], ids=lambda case: case["what"])
def test_what_is_wrong_is_told(case: dict[str, Any]) -> None:
    """tests/js/refused_models.test.js compares the same."""
    assert problems_of(edited(MODELS["model"], case["edits"])) == case["says"]


def test_of_a_list_that_is_too_long_no_item_is_looked_at() -> None:
    model = described() | {"kernels": [0] * 65537}
    assert problems_of(model) == [f"$.kernels: [{'0,' * 29}0 ... {'0,' * 44}0] is against maxItems 65536"]


def test_problems_without_end_are_not_all_told() -> None:
    model = described() | {f"x{i}": 0 for i in range(2000)}
    assert len(problems_of(model)) == 1000


def test_the_javascript_runtime_has_this_schema() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "schema.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "python scripts/schema.py writes it anew"


def test_problems_are_told_with_the_file_and_the_next_step(tmp_path: Path) -> None:
    def change(model: Model) -> None:
        model["self_test"]["kernels"].pop()
        model["probe"]["expected"].pop()

    folder = write(tmp_path, change)
    assert refusal(folder) == (
        f"{folder}/model.json is damaged; compile the model again:\n"
        "  $.probe.expected: has 65 numbers for 66 accumulators\n"
        "  $.self_test.kernels: has 2 checksums for 3 kernels"
    )


@pytest.mark.parametrize("version", [1, 3])
def test_another_format_or_version_is_refused_first(tmp_path: Path, version: int) -> None:
    folder = write(tmp_path, lambda m: m.update(version=version, kernels="changed since"))
    assert refusal(folder) == (
        f"{folder}/model.json: $.version is {version}, this runtime reads 2; "
        "compile the model again, with the onnx2wgsl that is installed here"
    )
    (folder / "model.json").write_text('{"format": "gltf"}')
    assert '$.format is "gltf", not "onnx2wgsl"' in refusal(folder)
    (folder / "model.json").write_text("[]")
    assert "$: not an object" in refusal(folder)


def rewritten(folder: Path, old: str, new: str) -> None:
    """Changes the text of model.json, with its hash."""
    text = (folder / "model.json").read_text().rpartition(",\n")[0]
    assert old in text
    content = text.replace(old, new, 1).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_bytes(content + f',\n "sha256": "{digest}"\n}}\n'.encode())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"seed": 3', '"seed": NaN', "NaN is no JSON"),
        ('"seed": 3', '"seed": -Infinity', "-Infinity is no JSON"),
        ('"seed": 3', '"seed": 3, "seed": 3', "a member stands twice in an object"),
        ('"seed": 3', '"seed": 3e999', "$.self_test.seed: Infinity is against"),
        ('"seed": 3', f'"seed": {"3" * 5000}', "$.self_test.seed: Infinity is against"),
        ('"seed": 3', '"seed": -0', "$.self_test.seed: 0 is against type"),
        ('"seed": 3', f'"seed": {"[" * 100_000}{"]" * 100_000}', "nested more than 16 deep"),
        ('"seed": 3', f'"seed": {"[" * 15}{"]" * 15}', "nested more than 16 deep"),
        ('"seed": 3', f'"seed": {"[" * 14}{"]" * 14}', f"seed: {'[' * 14}{']' * 14} is against"),
        ('"name": "tiny"', '"name": "\\ud800"', '$.name: "\\ud800" is against pattern'),
        ('"name": "tiny"', '"name": "\ud800"', "is not UTF-8"),
        ('{"format"', '\ufeff{"format"', "line 1 column 1"),
        ('{"format"', f'{" " * (1 << 23)}{{"format"', " bytes; it may have 8388608"),
    ],
)  # fmt: skip
def test_a_text_that_json_should_not_be_is_refused(folder: Path, old: str, new: str, problem: str) -> None:
    rewritten(folder, old, new)
    assert problem in refusal(folder)


def test_a_whole_number_may_be_written_with_a_point(folder: Path) -> None:
    """As JavaScript reads it."""
    rewritten(folder, '"seed": 3', '"seed": 3.0')
    seed = load_artifact(folder).description["self_test"]["seed"]
    assert (seed, type(seed)) == (3, int)


def test_a_description_that_was_changed_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
    assert refusal(folder) == (
        f"{path} is damaged; compile the model again:\n"
        "  it was changed since it was written: its sha256 is that of other bytes"
    )


FILES = ["model.json", "weights.bin", "shaders/01_conv.wgsl", "shaders/dot_packed.wgsl"]


@pytest.mark.parametrize("name", FILES)
def test_no_pipe_is_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert f"{folder / name} is damaged; compile the model again:\n  it is no regular file" in refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert refusal(folder).endswith(
        f"{name} is damaged; compile the model again:\n  it is a link that leads out of the folder"
    )


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_a_circle_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    assert f"{folder / name}: Too many levels of symbolic links" in refusal(folder)


def test_a_link_to_the_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert load_artifact(tmp_path / "link").name == "tiny"


@pytest.mark.parametrize("name", FILES[2:])
def test_a_shader_of_another_build_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(path.read_text() + " ")
    size = path.stat().st_size
    assert f"{path} is damaged" in refusal(folder)
    assert f"{size} bytes; it may have {size - 1}" in refusal(folder)
    path.write_text(path.read_text()[:-2] + " ")
    assert "SHA-256 is" in refusal(folder)
    path.unlink()
    assert refusal(folder).startswith(f"{path}: No such file")


def nested(before: str, after: str) -> Callable[[int], str]:
    return lambda count: f"fn main() {{ let x = {before * count}1{after * count}; }}"


@pytest.mark.parametrize(
    ("text", "most", "problem"),
    [
        (nested("(", ")"), 63, "its brackets nest more than 64 deep"),
        (nested("a[", "]"), 63, "its brackets nest more than 64 deep"),
        (lambda n: f"fn main() {'{' * n}{'}' * n}", 64, "its brackets nest more than 64 deep"),
        (nested("-", ""), 4086, "it has a statement of more than 4096 characters"),
        (nested("1+", ""), 2043, "it has a statement of more than 4096 characters"),
        (lambda n: f"alias t={'array<' * n}u32{',1>' * n};", 453, "a statement of more than 4096 characters"),
        (lambda n: f"fn main() {{ if a {{}} {'else if a { b(); }' * n} }}", 64, "more than 64 branches"),
        (nested("(//;\r", ")"), 63, "its brackets nest more than 64 deep"),
        (lambda n: "/" * n + "* */", 0, "it has a block comment"),
    ],
)  # fmt: skip
def test_a_shader_that_ends_the_parsers_process_is_refused(
    tmp_path: Path, text: Callable[[int], str], most: int, problem: str
) -> None:
    """naga overflows its stack on some thousand of these."""
    assert list(shader_problems(text(most))) == []
    model = tiny.description()
    code = text(most + 1)
    record = next(one for one in model["files"] if one["file"].endswith("01_conv.wgsl"))
    record.update(bytes=len(code), sha256=hashlib.sha256(code.encode()).hexdigest())
    assert problem in refusal(tiny.write(tmp_path / "deep", model, {"01_conv.wgsl": code}))


def test_shaders_of_the_compiler_are_far_from_that() -> None:
    for path in (ROOT / "tests" / "goldens").rglob("*.wgsl"):
        assert list(shader_problems(path.read_text("utf-8"))) == [], path


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
