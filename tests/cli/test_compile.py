"""onnx2wgsl compile: a folder, whole and the same each time, and the IR beside it."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import Namer, format_ir, parse_ir
from onnx2wgsl.compiler.pipeline import INTEGER_PASSES, PROGRAM_PASSES
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.stages import run_stage
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.adapters import choose_adapter
from PIL import Image

from tests.builders.edit import save
from tests.builders.models import model as small_model
from tests.builders.nodes import model_of
from tests.builders.qdq import QDQBuilder
from tests.command import onnx2wgsl, refusal, script, succeed
from tests.compiler.artifacts import contents

SUMMARY = re.compile(
    r"(?P<folder>.+): (?P<dispatches>\d+) dispatches, \d+ million MACs, "
    r"arena (?P<arena>\d+) KiB \(lower bound (?P<bound>\d+) KiB\), \d+\.\d\d MB in all\n"
)
PASSES = [step.name for step in INTEGER_PASSES]
PROGRAMS = ["schedule", *(step.name for step in PROGRAM_PASSES)]


def test_it_sums_up_the_artifact_in_one_line(model: Path, tmp_path: Path) -> None:
    match = SUMMARY.match(succeed("compile", model, "-o", tmp_path / "out"))
    assert match
    assert match["folder"] == str(tmp_path / "out")
    description = json.loads((tmp_path / "out" / "model.json").read_text())
    assert int(match["dispatches"]) == len(description["kernels"])
    assert int(match["arena"]) == round(description["arena"]["bytes"] / 1024)


def test_an_arena_beyond_what_every_device_binds_is_noted(tmp_path: Path) -> None:
    rows = [helper.make_node("Concat", [f"n{n}"] * 2, [f"n{n + 1}"], axis=1) for n in range(24)]
    nodes = [*rows, helper.make_node("Relu", ["n24"], ["y"])]
    graph = save(model_of(nodes, {"n0": np.zeros((1, 2), np.float32)}, {}), tmp_path)
    result = onnx2wgsl("compile", graph, "-o", tmp_path / "out", "--no-self-test")
    assert result.status == 0
    size = json.loads((tmp_path / "out" / "model.json").read_text())["arena"]["bytes"]
    assert result.err.startswith(
        f"note: the arena takes {size:,} bytes; a WebGPU device must bind 134,217,728,"
    )
    choice = choose_adapter("llvmpipe")  # it binds 128 MiB
    message = refusal("run", tmp_path / "out", "--adapter", "llvmpipe", "--input", save_zeros(tmp_path))
    binding = "max-storage-buffer-binding-size"
    assert f"{binding} is {choice.limits[binding]} and the model needs {size}" in message


def save_zeros(folder: Path) -> Path:
    np.save(folder / "zeros.npy", np.zeros((1, 2), np.float32))
    return folder / "zeros.npy"


def test_the_installed_script_compiles_too(model: Path, compiled: Path, tmp_path: Path) -> None:
    result = script("compile", model, "-o", tmp_path / "out")
    assert (result.status, result.err) == (0, "")
    assert SUMMARY.match(result.out)
    assert contents(tmp_path / "out") == contents(compiled)


def test_the_same_model_gives_the_same_bytes(model: Path, compiled: Path, tmp_path: Path) -> None:
    succeed("compile", model, "-o", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(compiled)


def test_an_earlier_artifact_is_replaced_whole(model: Path, compiled: Path, tmp_path: Path) -> None:
    onnx.save(small_model("u8_s8"), tmp_path / "other.onnx")
    succeed("compile", tmp_path / "other.onnx", "-o", tmp_path / "small")
    succeed("compile", model, "-o", tmp_path / "small")
    assert contents(tmp_path / "small") == contents(compiled)
    assert {path.name for path in tmp_path.iterdir()} == {"other.onnx", "small"}


def test_without_a_self_test_all_else_is_the_same(model: Path, compiled: Path, tmp_path: Path) -> None:
    succeed("compile", model, "-o", tmp_path / "out", "--no-self-test")
    plain, whole = (
        json.loads((folder / "model.json").read_text()) for folder in (tmp_path / "out", compiled)
    )
    test = json.loads((tmp_path / "out" / plain.pop("self_test")["file"]).read_text())
    assert {*test["kernels"], *test["outputs"].values(), *test["pictures"].values()} == {"none"}
    assert test["inputs"] == json.loads((compiled / whole.pop("self_test")["file"]).read_text())["inputs"]
    assert plain | {"sha256": ""} == whole | {"sha256": ""}


def test_a_name_with_brackets_is_printed_as_it_is(model: Path, tmp_path: Path) -> None:
    assert succeed("compile", model, "-o", tmp_path / "[bold]:smile:").startswith(
        f"{tmp_path}/[bold]:smile:: "
    )


def test_the_ir_after_every_pass_parses_back_and_evaluates(model: Path, array: Path, tmp_path: Path) -> None:
    succeed("compile", model, "-o", tmp_path / "out", "--dump-ir", tmp_path / "ir")
    names = sorted(path.name for path in (tmp_path / "ir").glob("*.ir"))
    expected_names = ["import", *PASSES, "pack_int8", *PROGRAMS]
    assert names == [f"{index:02d}_{name}.ir" for index, name in enumerate(expected_names)]
    with np.load(tmp_path / "ir" / "constants.npz") as constants:
        data = dict(constants)
    assert data
    feed = {"input": np.load(array)}
    expected = Oracle(model).run(feed)
    for name in names:
        text, namer = (tmp_path / "ir" / name).read_text(), Namer()
        stage = parse_ir(text, data, namer)
        assert isinstance(stage, Program) == (name[3:-3] in PROGRAMS)
        assert format_ir(stage, namer) == text
        assert same_bits(run_stage(stage, feed), expected), name


def test_a_value_has_one_id_in_all_texts(model: Path, tmp_path: Path) -> None:
    succeed("compile", model, "-o", tmp_path / "out", "--dump-ir", tmp_path / "ir")
    ids: dict[tuple[bool, str, str], set[str]] = {}
    for path in (tmp_path / "ir").glob("*.ir"):
        text = path.read_text()
        for identifier, name in re.findall(r'^  ([%@]\w+) "([^"]+)": ', text, re.MULTILINE):
            ids.setdefault((text.startswith("program"), identifier[0], name), set()).add(identifier)
    assert all(len(identifiers) == 1 for identifiers in ids.values())
    assert len(ids) > 100


def test_float_regions_are_listed(tmp_path: Path) -> None:
    onnx.save(small_model("float_head"), tmp_path / "head.onnx")
    text = succeed("compile", tmp_path / "head.onnx", "-o", tmp_path / "out")
    assert "\nfloat region 1: ReduceMean, Sub (2 nodes, from " in text
    assert text.endswith(f"`onnx2wgsl verify {tmp_path}/head.onnx` measures what float regions differ by\n")


def test_a_model_without_a_quantized_part_gets_advice(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.node("Softplus", [b.input((1, 4), None)], None))
    onnx.save(b.build(), tmp_path / "plain.onnx")
    text = succeed("compile", tmp_path / "plain.onnx", "-o", tmp_path / "out")
    assert "plain.onnx has no quantized part: it computes in f32 throughout" in text


# ---------------------------------------------------------------------------------- --shape


def test_a_dynamic_shape_is_asked_for_and_the_advice_works(dynamic: Path, tmp_path: Path) -> None:
    message = refusal("compile", dynamic, "-o", tmp_path / "out")
    assert "input 'input'" in message
    assert "'height', 'width'" in message
    advice = re.search(r"--shape (\S+)", message)
    assert advice
    assert not (tmp_path / "out").exists()
    succeed("compile", dynamic, "-o", tmp_path / "out", "--shape", advice[1])
    description = json.loads((tmp_path / "out" / "model.json").read_text())
    assert description["inputs"][0]["shape"] == [1, 3, 256, 256]


def test_an_artifact_of_another_shape_is_exact(dynamic: Path, tmp_path: Path) -> None:
    succeed("compile", dynamic, "-o", tmp_path / "out", "--shape", "input=1,3,64,32")
    text = succeed("verify", tmp_path / "out", "--model", dynamic, "--samples", "2")
    assert f"exact: 0 of {2 * 3 * 64 * 32} values differ" in text


def test_a_batch_that_was_taken_for_1_is_told_and_the_advice_works(model: Path, tmp_path: Path) -> None:
    proto = onnx.load(model)
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    path = save(proto, tmp_path)
    told = "input input: its batch is open in the model, 1 here (--shape input=N,3,32,32 says otherwise)\n"
    assert told in succeed("compile", path, "-o", tmp_path / "out")
    assert "its batch" not in succeed("compile", path, "-o", tmp_path / "out", "--shape", "input=2,3,32,32")
    description = json.loads((tmp_path / "out" / "model.json").read_text())
    assert description["inputs"][0]["shape"] == [2, 3, 32, 32]
    assert "its batch" not in succeed("compile", model, "-o", tmp_path / "out")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("input=1,3,64,64", "dimension 2 of input 'input' is 32 in the model, 64 was given"),
        ("input=1,3,32", "input 'input' has 4 dimensions"),
        ("other=1,3,32,32", "has no input 'other'; its inputs are 'input'"),
        ("input=1,3,0,32", "'input=1,3,0,32' is not of the form NAME=1,3,256,256"),
        ("1,3,32,32", "'1,3,32,32' is not of the form NAME=1,3,256,256"),
    ],
)
def test_a_wrong_shape_is_refused(model: Path, tmp_path: Path, shape: str, expected: str) -> None:
    assert expected in refusal("compile", model, "-o", tmp_path / "out", "--shape", shape)
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------ --normalize


def test_the_normalisation_is_recorded(model: Path, tmp_path: Path) -> None:
    succeed("compile", model, "-o", tmp_path / "out", "--normalize", "input=0.0039,-0.5")
    image = json.loads((tmp_path / "out" / "model.json").read_text())["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == ([0.0039] * 3, [-0.5] * 3)


# -------------------------------------------------------------------------------- pictures


def test_what_is_guessed_of_a_picture_is_told(model: Path, tmp_path: Path) -> None:
    text = succeed("compile", model, "-o", tmp_path / "out")
    assert (
        "\ninput input: a picture of 32x32 rgb, scale 0.00784314, offset -1, as its range suggests "
        "(--mean and --std say otherwise); fit cover\n"
    ) in text


def test_pictures_are_recorded_as_stated(model: Path, tmp_path: Path) -> None:
    text = succeed(
        "compile", model, "-o", tmp_path / "out", "--mean", "0.5,0.25,0", "--std", "input=0.5",
        "--fit", "contain", "--channels", "input=bgr", "--pad", "9,8,7",
    )  # fmt: skip
    assert (
        "\ninput input: a picture of 32x32 bgr, scale 0.00784314, offset 0, -0.5, -1; fit contain\n" in text
    )
    image = json.loads((tmp_path / "out" / "model.json").read_text())["inputs"][0]["image"]
    assert image["scale"] == [1 / 127.5] * 3
    assert image["offset"] == [0, -0.5, -1]
    assert (image["channels"], image["fit"], image["pad"]) == ("bgr", "contain", [9, 8, 7])
    assert "scale 0.00784314, offset 0, -0.5, -1, bgr, fit contain" in succeed("inspect", tmp_path / "out")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cover", "contain", "--fit: the input is given twice"),
        ("input=cover", "input=contain", "--fit: input is given twice"),
        ("cover", "input=contain", "fit: 'input' is given twice"),
    ],
)
def test_a_fit_is_given_once(model: Path, tmp_path: Path, one: str, other: str, expected: str) -> None:
    message = refusal("compile", model, "-o", tmp_path / "out", "--fit", one, "--fit", other)
    assert message == expected


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--mean", "1,2", "'1,2' is not of the form [NAME=]0.485,0.456,0.406"),
        ("--mean", "a", "'a' is not of the form [NAME=]0.485,0.456,0.406"),
        ("--std", "inf", "'inf' is not of the form [NAME=]0.229,0.224,0.225"),
        ("--std", "0", "all must be finite, and no std 0"),
        ("--mean", "other=1", "pictures: 'other' is no picture input; they are: 'input'"),
        ("--fit", "input=crop", "'crop' is none of cover, contain, stretch"),
        ("--channels", "gbr", "'gbr' is none of rgb, bgr"),
        ("--pad", "1,2,300", "'1,2,300' is not of the form [NAME=]0,0,0, each from 0 to 255"),
        ("--pad", "1,2,0.5", "'1,2,0.5' is not of the form [NAME=]0,0,0, each from 0 to 255"),
    ],
)
def test_a_wrong_word_on_pictures_is_refused(
    model: Path, tmp_path: Path, option: str, value: str, expected: str
) -> None:
    assert expected in refusal("compile", model, "-o", tmp_path / "out", option, value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("other=1,0", "normalize: 'other' is no picture input; they are: 'input'"),
        ("input=1", "'input=1' is not of the form NAME=0.00784,-1"),
        ("input=a,b", "'input=a,b' is not of the form NAME=0.00784,-1"),
        ("input=nan,0", "normalize: 'input' has scale nan and offset 0.0; both must be finite"),
        ("input=0,1", "normalize: 'input' has scale 0.0 and offset 1.0; both must be finite"),
    ],
)
def test_a_wrong_normalisation_is_refused(model: Path, tmp_path: Path, option: str, expected: str) -> None:
    assert expected in refusal("compile", model, "-o", tmp_path / "out", "--normalize", option)
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------ labels and sample


@pytest.mark.parametrize("name", ["names.json", "names.txt"])
def test_labels_and_a_sample_become_part_of_the_artifact(model: Path, tmp_path: Path, name: str) -> None:
    labels = [f"class {k} é" for k in range(3)]
    text = json.dumps(labels) if name.endswith("json") else "\n".join(labels) + "\n"
    (tmp_path / name).write_text(text, "utf-8")
    Image.new("RGB", (5, 4), "red").save(tmp_path / "picture.bmp")
    options: list[str | Path] = ["--labels", tmp_path / name, "--sample", tmp_path / "picture.bmp"]
    succeed("compile", model, "-o", tmp_path / "out", *options)
    description = json.loads((tmp_path / "out" / "model.json").read_text())
    assert (description["labels"], description["sample"]) == (labels, "sample.bmp")
    assert (tmp_path / "out" / "sample.bmp").read_bytes() == (tmp_path / "picture.bmp").read_bytes()
    files = json.loads((tmp_path / "out" / "files.json").read_text())["files"]
    assert "sample.bmp" in [file["file"] for file in files]
    with InferenceSession(tmp_path / "out") as session:
        assert session.artifact.labels == labels
    succeed("compile", model, "-o", tmp_path / "out")  # replaced, with what it listed
    assert not (tmp_path / "out" / "sample.bmp").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('["a", "b"]', "labels: 2 for the outputs output [1, 3, 32, 32]; give one for each class"),
        ('["a", "b", ""]', "labels: one is empty, or holds what can't be printed"),
        ('["a", "b", 5]', " holds no list of names; give a JSON list, or text with one a line"),
        ('{"a": 1}', " holds no list of names; give a JSON list, or text with one a line"),
        (
            "[",
            " can't be read as labels (Expecting value: line 1 column 2 (char 1)); "
            "give a JSON list, or lines",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused(model: Path, tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "names.json").write_text(content)
    message = refusal("compile", model, "-o", tmp_path / "out", "--labels", tmp_path / "names.json")
    assert message.removeprefix(str(tmp_path / "names.json")) == expected
    assert not (tmp_path / "out").exists()


def test_a_sample_that_is_no_picture_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    for path, reason in ((tmp_path / "a.png", "its format is none of"), (tmp_path / "b.png", "no such file")):
        assert reason in refusal("compile", model, "-o", tmp_path / "out", "--sample", path)
    assert not (tmp_path / "out").exists()


# -------------------------------------------------------------------------- the command line


def test_help_names_every_command_and_version_is_told() -> None:
    text = succeed("--help")
    for name in ("compile", "run", "verify", "inspect", "bench", "serve", "strip", "doctor"):
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE)
        assert f"Usage: onnx2wgsl {name} " in succeed(name, "--help")
    assert re.fullmatch(r"onnx2wgsl, version \d+\.\d+\.\d+\n", succeed("--version"))


def test_an_unknown_command_is_refused() -> None:
    assert refusal("complie") == "No such command 'complie'."


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    plain = script("compile", tmp_path / "no.onnx", "-o", tmp_path / "out")
    assert plain.status == 1
    assert plain.err == f"error: {tmp_path / 'no.onnx'}: no such file\n"
    debug = script("--debug", "compile", tmp_path / "no.onnx", "-o", tmp_path / "out")
    assert debug.status == 1
    assert debug.err.startswith("Traceback (most recent call last):\n")
    assert "CompileError" in debug.err


def test_an_error_that_nobody_made_asks_to_be_reported(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("onnx2wgsl.compiler.driver.write_artifact", fail)
    result = onnx2wgsl("compile", model, "-o", tmp_path / "out")
    assert result.status == 1
    assert result.err == (
        "error: ZeroDivisionError: division by zero\n"
        "this is a bug in onnx2wgsl; please report it with the output of "
        "onnx2wgsl --debug COMMAND\n"
    )
