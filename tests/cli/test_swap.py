"""onnx2wgsl swap: other weights in the same structure, or what differs."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from tests.builders.models import model as small_model
from tests.builders.unet import unet
from tests.command import onnx2wgsl, refusal, succeed
from tests.compiler.artifacts import contents


def retrained(source: Path, path: Path) -> Path:
    """The model with its int8 weights in another order, and other names of its nodes."""
    model = onnx.load(source)
    random = np.random.default_rng(5)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.int8 and values.ndim == 4:
            mixed = random.permutation(values.reshape(-1)).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    for number, node in enumerate(model.graph.node):
        node.name = f"node_{number}"
    onnx.save(model, path)
    return path


@pytest.fixture
def other(model: Path, tmp_path: Path) -> Path:
    """A retrained model of the same file name."""
    (tmp_path / "new").mkdir()
    return retrained(model, tmp_path / "new" / model.name)


@pytest.fixture
def refused(artifact: Path) -> Iterator[Path]:
    """The artifact, of which a refusal leaves every byte, and nothing beside it."""
    before, beside = contents(artifact), sorted(os.listdir(artifact.parent))
    yield artifact
    assert contents(artifact) == before
    assert sorted(os.listdir(artifact.parent)) == beside


def test_other_weights_come_into_the_same_structure(artifact: Path, other: Path, tmp_path: Path) -> None:
    before = contents(artifact)
    text = succeed("swap", artifact, other)
    succeed("compile", other, "-o", tmp_path / "anew")
    after = contents(artifact)
    assert after == contents(tmp_path / "anew")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert sorted(name.partition("-")[0] for name in changed) == [
        "files.json", "model.json", "self_test", "self_test", "weights", "weights",
    ]  # fmt: skip
    description = json.loads(after["model.json"])
    assert text == (
        f"{artifact}: {len(description['kernels'])} kernels, shaders, inputs and outputs are the same; "
        f"{description['weights']['file']} has the weights of {other}, "
        f"{description['weights']['bytes']:,} bytes\n"
    )


def test_the_swapped_artifact_is_exact(artifact: Path, other: Path) -> None:
    succeed("swap", artifact, other)
    assert "exact: 0 of " in succeed("verify", artifact, "--model", other, "--samples", "1")
    assert "self-test passed: " in succeed("verify", artifact)


def test_there_and_back_is_nothing(artifact: Path, model: Path, other: Path) -> None:
    before = contents(artifact)
    succeed("swap", artifact, other)
    assert contents(artifact) != before
    succeed("swap", artifact, model)
    assert contents(artifact) == before


def test_what_it_was_compiled_with_stays(model: Path, tmp_path: Path) -> None:
    """Shape, normalisation, fit, pad, sample, no self-test, and the bundle, also by its name."""
    dynamic = onnx.load(model)
    del dynamic.graph.value_info[:]
    for tensor in (*dynamic.graph.input, *dynamic.graph.output):
        for index in (2, 3):
            tensor.type.tensor_type.shape.dim[index].dim_param = f"size_{index}"
    onnx.save(dynamic, tmp_path / "first.onnx")
    retrained(tmp_path / "first.onnx", tmp_path / "second.onnx")
    Image.new("RGB", (4, 4), (9, 8, 7)).save(tmp_path / "picture.png")
    options = [
        "--shape", "input=1,3,64,32", "--mean", "0.1,0.2,0.3", "--std", "0.3,0.5,0.7", "--channels", "bgr",
        "--fit", "contain", "--pad", "1,2,3", "--sample", tmp_path / "picture.png", "--no-self-test",
        "--bundle",
    ]  # fmt: skip
    succeed("compile", tmp_path / "first.onnx", "-o", tmp_path / "swapped", *options)
    succeed("swap", tmp_path / "swapped", tmp_path / "second.onnx")
    succeed("compile", tmp_path / "second.onnx", "-o", tmp_path / "anew", *options)
    swapped, anew = contents(tmp_path / "swapped"), contents(tmp_path / "anew")
    anew["first.onnx2wgsl"] = anew.pop("second.onnx2wgsl")
    assert swapped.keys() == anew.keys()
    assert {name for name in swapped if swapped[name] != anew[name]} == {"files.json"}  # the bundle's name


def test_labels_stay(tmp_path: Path) -> None:
    onnx.save(small_model("u8_s8"), tmp_path / "first.onnx")
    shape = json.loads(contents_of_compiled(tmp_path))["outputs"][0]["shape"]
    (tmp_path / "labels.txt").write_text("\n".join(f"class {k}" for k in range(shape[1])))
    succeed("compile", tmp_path / "first.onnx", "-o", tmp_path / "out", "--labels", tmp_path / "labels.txt")
    before = json.loads((tmp_path / "out" / "model.json").read_text())
    succeed("swap", tmp_path / "out", retrained(tmp_path / "first.onnx", tmp_path / "second.onnx"))
    after = json.loads((tmp_path / "out" / "model.json").read_text())
    assert after["labels"] == before["labels"]
    assert after["weights"] != before["weights"]


def contents_of_compiled(folder: Path) -> str:
    """model.json of first.onnx."""
    succeed("compile", folder / "first.onnx", "-o", folder / "out")
    return (folder / "out" / "model.json").read_text()


def test_another_size_is_refused(refused: Path, tmp_path: Path) -> None:
    onnx.save(unet(64), tmp_path / "large.onnx")
    lines = refusal("swap", refused, tmp_path / "large.onnx").splitlines()
    (tmp_path / "large.onnx").unlink()
    assert lines[0] == (
        f"{tmp_path}/large.onnx has another structure than what is in {refused}, which is left as it is:"
    )
    assert lines[1] == "  input input: float32[1, 3, 64, 64], not float32[1, 3, 32, 32]"
    assert lines[2] == "  output output: float32[1, 3, 64, 64], not float32[1, 3, 32, 32]"
    assert re.match(r"  kernel 0 \w+: quantize of other workgroups, stores$", lines[3])
    assert lines[-2].startswith("  and ")
    assert lines[-1] == f"compile it anew: onnx2wgsl compile {tmp_path}/large.onnx -o {refused}"


def test_other_widths_are_refused_kernel_by_kernel(refused: Path, tmp_path: Path) -> None:
    onnx.save(unet(32, channels=8), tmp_path / "wide.onnx")
    message = refusal("swap", refused, tmp_path / "wide.onnx")
    (tmp_path / "wide.onnx").unlink()
    assert re.match(r"  kernel 1 \w+: conv of other stores$", message.splitlines()[1])


def test_another_operator_is_refused(refused: Path, model: Path, tmp_path: Path) -> None:
    proto = onnx.load(model)
    (last,) = [node for node in proto.graph.node if node.op_type == "Tanh"]
    last.op_type = "Sigmoid"
    onnx.save(proto, tmp_path / "sigmoid.onnx")
    message = refusal("swap", refused, tmp_path / "sigmoid.onnx")
    (tmp_path / "sigmoid.onnx").unlink()
    assert "  output output: scale 255.0, not 127.5\n" in message


def test_what_cannot_be_compiled_is_refused_as_ever(refused: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    assert refusal("swap", refused, text) == refusal("compile", text, "-o", tmp_path / "none")
    text.unlink()


def test_a_changed_folder_is_left_as_it_is(artifact: Path, other: Path) -> None:
    (artifact / "index.html").write_text("mine")
    before = contents(artifact)
    assert f"{artifact} holds index.html, changed since onnx2wgsl wrote it" in refusal(
        "swap", artifact, other
    )
    assert contents(artifact) == before


def test_a_folder_without_an_artifact_is_refused(other: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no artifact" in refusal("swap", tmp_path / "empty", other)


def test_a_refusal_is_no_success(artifact: Path, tmp_path: Path) -> None:
    onnx.save(unet(64), tmp_path / "large.onnx")
    assert onnx2wgsl("swap", artifact, tmp_path / "large.onnx").status == 1
