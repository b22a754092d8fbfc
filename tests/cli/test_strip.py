"""onnx2wgsl strip: another file without the zero points that say nothing."""

import re
from pathlib import Path

import numpy as np
import onnx
from onnx2wgsl.compiler.reference.oracle import Oracle

from tests.command import refusal, succeed


def inputs_of(path: Path, op_type: str) -> list[int]:
    return [len(node.input) for node in onnx.load(path).graph.node if node.op_type == op_type]


def test_it_counts_what_it_strips_and_changes_no_bit(model: Path, tmp_path: Path) -> None:
    before, out = model.read_bytes(), tmp_path / "stripped.onnx"
    text = succeed("strip", model, out)
    match = re.fullmatch(rf"{out}: (\d+) zero points stripped\n", text)
    assert match
    op_types = ("QuantizeLinear", "DequantizeLinear")
    count = sum(sum(inputs_of(model, op_type)) - sum(inputs_of(out, op_type)) for op_type in op_types)
    assert int(match[1]) == count > 0
    assert model.read_bytes() == before
    x = {"input": np.random.default_rng(1).uniform(-1, 1, (1, 3, 32, 32)).astype(np.float32)}
    outputs = [Oracle(path).run(x)["output"] for path in (model, out)]
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_verbose_names_each_of_them(model: Path, tmp_path: Path) -> None:
    lines = succeed("strip", "-v", model, tmp_path / "out.onnx").splitlines()
    assert lines[-1] == f"{tmp_path / 'out.onnx'}: {len(lines) - 1} zero points stripped"
    assert any(re.match(r"DequantizeLinear .+: int32 zero point ", line) for line in lines)


def test_a_second_time_there_is_nothing_to_strip(model: Path, tmp_path: Path) -> None:
    succeed("strip", model, tmp_path / "once.onnx")
    text = succeed("strip", tmp_path / "once.onnx", tmp_path / "twice.onnx")
    assert text == f"{tmp_path / 'twice.onnx'}: 0 zero points stripped\n"


def test_a_stripped_model_compiles_and_is_exact(model: Path, tmp_path: Path) -> None:
    succeed("strip", model, tmp_path / "stripped.onnx")
    text = succeed("verify", tmp_path / "stripped.onnx", "--samples", "1")
    assert "exact: 0 of 3072 values differ" in text


def test_what_can_not_be_read_or_written_leaves_no_file(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    assert refusal("strip", tmp_path / "none.onnx", out) == f"{tmp_path / 'none.onnx'}: no such file"
    (tmp_path / "text.onnx").write_text("not a model")
    assert "text.onnx is not an ONNX file" in refusal("strip", tmp_path / "text.onnx", out)
    assert not out.exists()
    blocked = tmp_path / "text.onnx" / "out.onnx"
    assert refusal("strip", model, blocked) == (
        f"{blocked} can't be written: {tmp_path / 'text.onnx'} is a file, not a folder"
    )
