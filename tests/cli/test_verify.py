"""onnx2wgsl verify: exact, or the first stage and kernel that is not."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx2wgsl.compiler.cli import verify
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.operators.convolution.op import QConv
from onnx2wgsl.compiler.passes.fold_resize import FoldResize
from onnx2wgsl.compiler.pipeline import INTEGER_PASSES, PROGRAM_PASSES, compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.builders.convolutions import CONVOLUTIONS
from tests.builders.nodes import Array, model_of
from tests.cli.conftest import SIZE
from tests.command import onnx2wgsl, refusal, script, succeed
from tests.sealed import part_of, seal
from tests.web import require_packages

VALUES = 3 * SIZE * SIZE


def damage(folder: Path, model: Path, number: int) -> str:
    """Flips bits of convolution `number`, with the checksum made to match; its kernel's name."""
    program = compile_model(model)
    kernel = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)][number]
    path = part_of(folder, "weights")
    weights = bytearray(path.read_bytes())
    words = kernel.weight.astype("<u4").tobytes()
    assert weights.count(words) == 1
    at = weights.index(words)
    for offset in range(len(words)):
        weights[at + offset] ^= 0x40
    path.write_bytes(weights)
    description = json.loads((folder / "model.json").read_text())
    description["weights"]["sha256"] = hashlib.sha256(weights).hexdigest()
    seal(folder, description)
    return kernel.name


def stages(text: str) -> list[tuple[str, int, int]]:
    """The table's rows: stage, values, differing."""
    rows = re.findall(r"│ (.+?) +│ (\d+) +│ (\d+) +│", text)
    return [(stage, int(values), int(differing)) for stage, values, differing in rows]


def test_a_model_is_exact(model: Path) -> None:
    text = succeed("verify", model, "--samples", "3")
    assert re.match(rf"onnxruntime 1\.31\.\d+ on {model}:\nIn integers: .*QLinearConv", text)
    (stage,) = stages(text)
    assert stage[0].startswith("on ")
    assert stage[1:] == (3 * VALUES, 0)
    assert re.search(
        rf"^exact: 0 of {3 * VALUES} values differ from onnxruntime 1\.31\.\d+ "
        rf"in 3 samples on .+, Vulkan\)$",
        text,
        re.MULTILINE,
    )


def test_given_inputs_replace_the_drawn_ones(model: Path, array: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "inputs.npz"
    np.savez(inputs, input=np.load(array))
    text = succeed("verify", model, "--input", inputs, "--input", inputs)
    assert f"exact: 0 of {2 * VALUES} values differ" in text
    np.savez(inputs, other=np.load(array))
    result = onnx2wgsl("verify", model, "--input", inputs)
    message = f"{model} takes the inputs ['input'], but was given ['other']."
    assert (result.status, result.err) == (1, f"error: {message}\n")


def test_inputs_that_are_no_npz_are_refused(model: Path, compiled: Path, array: Path) -> None:
    assert refusal("verify", model, "--input", model).startswith(f"{model} is no whole .npz file")
    message = refusal("verify", compiled, "--input", array)
    assert message.endswith("--input needs the model it was compiled from; give it with --model")


def test_inputs_of_bools_and_integers_are_drawn_too(tmp_path: Path) -> None:
    node = helper.make_node("Where", ["c", "a", "b"], ["y"])
    operands = {"c": np.zeros(64, bool), "a": np.zeros(64, np.int64), "b": np.zeros(64, np.int64)}
    onnx.save(model_of([node], operands, {}), tmp_path / "where.onnx")
    assert "exact: 0 of 128 values differ" in succeed("verify", tmp_path / "where.onnx", "--samples", "2")


def test_a_refused_model_is_told_with_every_reason_that_compile_has(tmp_path: Path) -> None:
    """One of the import, and one of what a later pass finds."""
    nodes = [
        helper.make_node("Det", ["x"], ["d"]),
        helper.make_node("DequantizeLinear", ["a", "scale", "zero"], ["r"]),
        helper.make_node("Add", ["a", "a"], ["n"]),
    ]
    operands = {"x": np.zeros((2, 2), np.float32), "a": np.zeros((2, 2), np.int8)}
    constants = {"scale": np.float32(0.5), "zero": np.int8(0)}
    onnx.save(model_of(nodes, operands, constants, ["d", "r", "n"]), tmp_path / "m.onnx")
    message = refusal("verify", tmp_path / "m.onnx")
    assert re.findall(r"^  - (\w+)", message, re.M) == ["Det", "Add"]
    assert message == refusal("compile", tmp_path / "m.onnx", "-o", tmp_path / "out")


def test_an_array_is_the_input_of_a_model_that_has_one(model: Path, array: Path, tmp_path: Path) -> None:
    assert f"exact: 0 of {VALUES} values differ" in succeed("verify", model, "--input", array)
    operands = {"a": np.zeros((1, 2), np.float32), "b": np.zeros((1, 2), np.float32)}
    onnx.save(model_of([helper.make_node("Add", ["a", "b"], ["y"])], operands, {}), tmp_path / "m.onnx")
    message = refusal("verify", tmp_path / "m.onnx", "--input", array)
    assert message == f"{array} holds one array, and the inputs are a, b: give an .npz file with each"


def test_integers_are_drawn_within_the_range_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [
        helper.make_node("Cast", ["ids"], ["f"], to=onnx.TensorProto.FLOAT),
        helper.make_node("QuantizeLinear", ["f", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    constants = {"s": np.float32(0.5), "z": np.uint8(0)}
    onnx.save(model_of(nodes, {"ids": np.zeros((1, 40), np.int64)}, constants), tmp_path / "m.onnx")
    drawn: list[np.ndarray] = []
    draw = verify.random_sample
    monkeypatch.setattr(verify, "random_sample", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    assert "exact: 0 of " in succeed("verify", tmp_path / "m.onnx", "--range", "ids=3,5")
    assert {int(value) for sample in drawn for value in sample["ids"].flat} == {3, 4, 5}
    message = refusal("verify", tmp_path / "m.onnx", "--range", "ids=3,1e10")
    assert message.startswith("--range ids: input ids is int64; 3 to 1e+10 is no range of its values")
    assert refusal("verify", tmp_path / "m.onnx", "--range", "x=0,1") == "--range x: the inputs are ids"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--range", "input=1,0"], "'input=1,0' is not of the form NAME=0,1"),
        (["--range", "input=0,nan"], "'input=0,nan' is not of the form NAME=0,1"),
        (["--range", "input=0,1", "--input", "x.npz"], "give one of the two"),
        (["--against", "tensorflow"], "is not one of 'onnxruntime', 'onnxruntime-web'"),
        (["--against", "onnxruntime-web", "--each-pass"], "--each-pass is not for"),
    ],
)
def test_options_that_mean_nothing_are_refused(model: Path, options: list[str], expected: str) -> None:
    assert expected in refusal("verify", model, *options)


def test_onnxruntime_web_judges(model: Path) -> None:
    require_packages("onnxruntime-web")
    text = succeed("verify", model, "--against", "onnxruntime-web", "--samples", "2")
    assert re.search(
        rf"^exact: 0 of {2 * VALUES} values differ from onnxruntime-web 1\.31\S+ in 2 samples on .+, Vulkan",
        text,
        re.MULTILINE,
    )


def test_what_onnxruntime_web_finds_different_is_told(artifact: Path, model: Path) -> None:
    require_packages("onnxruntime-web")
    damage(artifact, model, -1)
    result = onnx2wgsl("verify", artifact, "--model", model, "--samples", "1", "--against", "onnxruntime-web")
    assert result.status == 1
    assert re.search(r"^NOT exact: [1-9]\d* of .* onnxruntime itself differs from it in 0", result.out, re.M)


def test_every_pass_is_evaluated(model: Path) -> None:
    rows = stages(succeed("verify", model, "--samples", "1", "--each-pass"))
    graph_passes = [step.name for step in INTEGER_PASSES]
    program_passes = ["schedule", *(step.name for step in PROGRAM_PASSES)]
    passes = ["import", *graph_passes, "pack_int8", *program_passes]
    assert [name for name, _, _ in rows[:-1]] == [f"after {name}" for name in passes]
    assert all(counts == [VALUES, 0] for _, *counts in rows)


def test_the_first_pass_that_changes_a_bit_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = FoldResize.apply

    def wrong(self: FoldResize, graph: Graph) -> bool:
        changed = apply(self, graph)
        last = [op for op in graph.ops if isinstance(op, QConv)][-1]
        assert last.bias is not None
        last.bias.data = last.bias.array + 1000
        return changed

    monkeypatch.setattr(FoldResize, "apply", wrong)
    result = onnx2wgsl("verify", model, "--samples", "1", "--each-pass")
    assert result.status == 1
    wrong_stages = [name for name, _, differing in stages(result.out) if differing]
    assert wrong_stages[0] == "after fold_resize"
    assert re.search(r"^NOT exact: \d+ of \d+ values differ .* after fold_resize$", result.out, re.M)
    assert "exact: 0" not in result.out


def test_a_folder_is_compared_with_the_model_that_is_given(compiled: Path, model: Path) -> None:
    text = succeed("verify", compiled, "--model", model, "--samples", "1")
    assert f"exact: 0 of {VALUES} values differ" in text


def test_a_folder_finds_its_model_beside_it(artifact: Path, model: Path) -> None:
    shutil.copy(model, artifact.parent / "small.onnx")
    text = succeed("verify", artifact, "--samples", "1")
    assert f"exact: 0 of {VALUES} values differ" in text


def test_a_folder_without_its_model_replays_its_test_vectors(compiled: Path) -> None:
    text = succeed("verify", compiled)
    assert text.startswith(
        "small.onnx is not at hand (--model gives it): replaying the recorded test vectors\n"
        "self-test passed: "
    )


def test_a_bundle_is_compared_and_replayed_as_its_folder(bundle: Path, model: Path) -> None:
    text = succeed("verify", bundle, "--model", model, "--samples", "1")
    assert f"exact: 0 of {VALUES} values differ" in text
    assert "self-test passed: " in succeed("verify", bundle)


@pytest.mark.parametrize("number", [0, 5, -1])
def test_damaged_weights_are_traced_to_their_kernel(artifact: Path, model: Path, number: int) -> None:
    name = damage(artifact, model, number)
    result = onnx2wgsl("verify", artifact, "--model", model, "--samples", "2")
    assert result.status == 1
    assert re.search(rf"^NOT exact: [1-9]\d* of {2 * VALUES} values differ ", result.out, re.M)
    assert f"; first in kernel {name!r}: " in result.out
    result = onnx2wgsl("verify", artifact)
    assert result.status == 1
    assert "self-test failed: " in result.out


def test_the_installed_script_ends_with_the_verdict(artifact: Path, model: Path) -> None:
    assert script("verify", artifact).status == 0
    damage(artifact, model, 0)
    assert script("verify", artifact).status == 1
    result = script("verify", artifact, "--model", model)
    assert (result.status, result.err) == (1, "")
    assert "NOT exact" in result.out


def test_another_model_is_refused(compiled: Path, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "small.onnx"
    succeed("strip", model, other)
    message = refusal("verify", compiled, "--model", other)
    assert message.startswith(
        f"{other} is not the model that {compiled} was compiled from: that was small.onnx with SHA-256 "
    )
    assert refusal("verify", compiled, "--model", tmp_path / "none.onnx") == (
        f"{tmp_path / 'none.onnx'}: no such file"
    )


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--samples", "0", "0 is not in the range x>=1"),
        ("--seed", "-1", "-1 is not in the range x>=0"),
        ("--dot", "fast", "'fast' is not one of 'packed', 'emulated'"),
    ],
)
def test_options_out_of_range_are_refused(model: Path, option: str, value: str, expected: str) -> None:
    assert expected in refusal("verify", model, option, value)


def test_the_seed_draws_the_samples(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples: list[bytes] = []
    draw = verify.random_sample

    def record(*args: object) -> dict[str, np.ndarray]:
        sample = draw(*args)  # type: ignore[arg-type]
        samples.append(sample["input"].tobytes())
        return sample

    monkeypatch.setattr(verify, "random_sample", record)
    for seed in ("1", "1", "2"):
        succeed("verify", model, "--samples", "1", "--seed", seed)
    assert samples[0] == samples[1] != samples[2]


# ------------------------------------------------------------------- where onnxruntime's own sums saturate

SATURATES = (
    r"this CPU has no VNNI instructions, and onnxruntime's sums of u8 \* s8 products saturate on it: by "
    r"itself it differs from the reference, whose sums are whole, in (\d+) of (\d+) values; a model "
    r"quantized with reduce_range=True gives the same on every CPU"
)


def test_a_cpu_whose_sums_saturate_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a planted fault in the place of what such a CPU gives."""
    monkeypatch.setattr("onnx2wgsl.compiler.reference.oracle.sums_saturate", lambda: True)
    whole = Oracle.run

    def saturated(self: Oracle, inputs: dict[str, Array]) -> dict[str, Array]:
        outputs = whole(self, inputs)
        for values in outputs.values():
            values.reshape(-1)[:5] += 1
        return outputs

    monkeypatch.setattr(Oracle, "run_plain", saturated)
    text = " ".join(succeed("verify", model, "--samples", "2").split())
    note = re.search(SATURATES, text)
    assert note
    assert note.groups() == ("10", f"{2 * VALUES}")
    assert f"exact: 0 of {2 * VALUES} values differ" in text


def test_a_cpu_that_adds_whole_sums_is_not_spoken_of(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Oracle, "sums_saturate", property(lambda _: False))
    assert "VNNI" not in succeed("verify", model, "--samples", "1")


def test_the_model_that_was_kept_is_found(tmp_path: Path) -> None:
    source = tmp_path / "net.onnx"
    onnx.save(CONVOLUTIONS["per_channel"](), source)
    succeed("compile", source, "-o", tmp_path / "a" / "b" / "net", "--keep-onnx")
    source.unlink()
    text = succeed("verify", tmp_path / "a" / "b" / "net", "--samples", "1")
    assert re.search(r"^onnxruntime 1\.31\.\d+ on .*/model-[0-9a-f]{16}\.onnx:", text)
    assert "exact: 0 of" in text
