"""An artifact is checked before it is used, and a damaged one is refused with the place."""

import hashlib
import json
import os
import re
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

from tests.refused_models import cases, described, edited, says
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
    assert says(edited(MODELS["model"], case["edits"])) == case["says"]


def test_of_a_list_that_is_too_long_no_item_is_looked_at() -> None:
    model = tiny.description() | {"sha256": "0" * 64, "kernels": [0] * 65537}
    assert problems_of(model) == [f"$.kernels: [{'0,' * 29}0 ... {'0,' * 44}0] is against maxItems 65536"]


def test_problems_without_end_are_not_all_told() -> None:
    model = tiny.description() | {f"x{i}": 0 for i in range(2000)}
    assert len(problems_of(model)) == 1000


def test_the_javascript_runtime_has_this_schema() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "schema.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "python scripts/schema.py writes it anew"


def test_problems_are_told_with_the_file_and_the_next_step(tmp_path: Path) -> None:
    def change(model: Model) -> None:
        model["probe"]["count"] += 1
        model["arena"]["lower_bound"] = 1000

    folder = write(tmp_path, change)
    assert refusal(folder) == (
        f"{folder}/model.json is damaged; compile the model again:\n"
        "  $.arena: has a lower bound of 1000, more than its 192 bytes\n"
        "  $.probe: ends at word 533 of 529"
    )


@pytest.mark.parametrize("version", [4, 6])
def test_another_format_or_version_is_refused_first(tmp_path: Path, version: int) -> None:
    folder = write(tmp_path, lambda m: m.update(version=version, kernels="changed since"))
    assert refusal(folder) == (
        f"{folder}/model.json: $.version is {version}, this runtime reads 5; "
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
        ('"lower_bound": 128', '"lower_bound": NaN', "NaN is no JSON"),
        ('"lower_bound": 128', '"lower_bound": -Infinity', "-Infinity is no JSON"),
        ('"lower_bound": 128', '"lower_bound": 1, "lower_bound": 128', "a member stands twice in an object"),
        ('"lower_bound": 128', '"lower_bound": 128e999', "$.arena.lower_bound: Infinity is against"),
        ('"lower_bound": 128', f'"lower_bound": {"3" * 5000}', "$.arena.lower_bound: Infinity is against"),
        ('"lower_bound": 128', '"lower_bound": -0', "$.arena.lower_bound: 0 is against type"),
        ('"lower_bound": 128', f'"lower_bound": {"[" * 100_000}{"]" * 100_000}', "nested more than 16 deep"),
        ('"lower_bound": 128', f'"lower_bound": {"[" * 15}{"]" * 15}', "nested more than 16 deep"),
        ('"lower_bound": 128', f'"lower_bound": {"[" * 14}{"]" * 14}', "[[]]]]]]]]]]]]]] is against"),
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
    rewritten(folder, '"lower_bound": 128', '"lower_bound": 128.0')
    bound = load_artifact(folder).description["arena"]["lower_bound"]
    assert (bound, type(bound)) == (128, int)


def test_a_description_that_was_changed_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    path.write_text(path.read_text().replace('"lower_bound": 128', '"lower_bound": 4'))
    assert refusal(folder) == (
        f"{path} is damaged; compile the model again:\n"
        "  it was changed since it was written: its sha256 is that of other bytes"
    )


FILES = ["model.json", "weights.bin", "shaders.txt"]


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
    told = refusal(tiny.write(tmp_path / "deep", shaders={"01_conv.wgsl": text(most + 1)}))
    assert problem in told
    assert "\n  01_conv.wgsl: it" in told


def test_shaders_of_the_compiler_are_far_from_that() -> None:
    for path in (ROOT / "tests" / "goldens").rglob("*.wgsl"):
        assert list(shader_problems(path.read_text("utf-8"))) == [], path


def schedule(shader: str) -> Model:
    """A schedule of a kernel, which uses that shader."""
    return {"shader": shader, "constants": [], "uses": [], "workgroups": [1, 1, 1]}


@pytest.mark.parametrize(
    ("change", "file"),
    [
        (lambda m: m["kernels"][1].update(shader="gone.wgsl"), "shaders.txt"),
        (lambda m: m["inputs"][0]["image"]["kernel"].update(shader="gone.wgsl"), "shaders.txt"),
        (lambda m: m["inputs"][0]["image"]["resize"].update(texture="gone.wgsl"), "rare_shaders.txt"),
        (lambda m: m["snippets"]["dot"].update(packed="gone.wgsl"), "shaders.txt"),
        (lambda m: m["snippets"]["requantize"].update(integer="gone.wgsl"), "rare_shaders.txt"),
        (lambda m: m["probe"].update(shader="gone.wgsl"), "shaders.txt"),
        (lambda m: m["snippets"]["dot"].update(emulated="gone.wgsl"), "rare_shaders.txt"),
        (lambda m: m["kernels"][1].update(schedules={"emulated": schedule("gone.wgsl")}), "rare_shaders.txt"),
    ],
)
def test_a_shader_that_is_missing_is_named(
    tmp_path: Path, change: Callable[[Model], object], file: str
) -> None:
    folder = write(tmp_path, change)
    assert refusal(folder) == (
        f"{folder}/{file} is damaged; compile the model again:\n  gone.wgsl is missing"
    )


def test_test_vectors_are_checked(tmp_path: Path) -> None:
    vectors = tiny.self_test()
    vectors["kernels"].pop()
    folder = tiny.write(tmp_path / "a", vectors=vectors)
    assert "self_test.json is damaged; " in refusal(folder)
    assert "\n  $.self_test.kernels: has 2 checksums for 3 kernels" in refusal(folder)
    (folder / "self_test.json").write_text("{}")
    assert "\n  2 bytes, model.json says" in refusal(folder)


def test_a_bundle_is_the_same_artifact(folder: Path, tmp_path: Path) -> None:
    whole, other = load_artifact(folder), load_artifact(tiny.bundle(folder, tmp_path / "tiny.onnx2wgsl"))
    assert other.description == whole.description
    assert (other.weights, other.shaders, other.self_test) == (whole.weights, whole.shaders, whole.self_test)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data[:9], r" is no bundle: it begins with b'onnx2wgsl'; give what"),
        (lambda data: b"PK" + data, r" is no bundle: it begins with b'PKonnx2wgsl.x00'; give what"),
        (lambda _: b"", r" is no bundle: it begins with b''; give what"),
        (lambda data: data[:-1], r" is damaged; .*\n  \d+ bytes, model\.json says \d+$"),
        (lambda data: data + b"0", r" is damaged; .*\n  \d+ bytes, model\.json says \d+$"),
        (lambda data: data[:-1] + b"0", r"/weights\.bin is damaged; .*\n  SHA-256 is"),
        (
            lambda data: data[:100],
            r" is damaged; .*\n  model\.json has \d+ bytes of 100; it may have 8388608",
        ),
        (
            lambda data: data[:15] + b"\x7f" + data[16:],
            r" is damaged; .*\n  model\.json has \d+ bytes of \d+; it may",
        ),
        (lambda data: data.replace(b'"tiny"', b'"Tiny"'), r"/model\.json is damaged; .*\n  it was changed"),
    ],
)
def test_a_damaged_bundle_is_refused(
    folder: Path, tmp_path: Path, change: Callable[[bytes], bytes], problem: str
) -> None:
    path = tiny.bundle(folder, tmp_path / "tiny.onnx2wgsl")
    path.write_bytes(change(path.read_bytes()))
    assert re.search(f"^{re.escape(str(path))}{problem}", refusal(path))


def test_no_pipe_in_the_place_of_a_bundle_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tiny.onnx2wgsl")
    assert "it is no regular file" in refusal(tmp_path / "tiny.onnx2wgsl")


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
