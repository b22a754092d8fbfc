"""What random nets found, each as its smallest case."""

import re
from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.compiler.cli.on_device import temporary_artifact
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.exact import compare_model
from onnx2wgsl.compiler.verify.stages import run_stage

from tests.builders.edit import save
from tests.builders.qdq import QDQBuilder, QuantParams, Weights

from .gpu import in_every_variant

PARAMS = QuantParams(0.02, 128)
ONE = Weights(np.ones((1, 1, 1, 1), np.int8), 0.01)


def test_one_tensor_that_is_nine_float_outputs_needs_no_more_bindings_than_webgpu_has(
    tmp_path: Path,
) -> None:
    b = QDQBuilder()
    x = b.conv(b.input((1, 1, 2, 2), PARAMS), ONE, PARAMS)
    for op in ("Relu", "Tanh", "Sigmoid", "Abs", "Neg", "Exp", "Erf", "Floor", "Ceil"):
        b.output(b.unary(x, op))
    path = save(model := b.build(), tmp_path)
    program = compile_model(path)
    feed = {"x0": np.array([[[[-1, 0], [0.5, 2]]]], np.float32)}
    with temporary_artifact(model, program) as artifact:
        assert max(len(kernel.bindings) for kernel in artifact.kernels) <= 8
    for _, outputs in in_every_variant(model, program, feed):
        assert same_bits(outputs, run_stage(program, feed))


def test_kernels_of_one_name_can_be_told_apart_in_the_artifact(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.pad(b.input((1, 1, 2, 2), PARAMS), (1, 0, 0, 0)), as_float=False)
    path = save(model := b.build(), tmp_path)
    with temporary_artifact(model, compile_model(path)) as artifact:
        names = [kernel.name for kernel in artifact.kernels]
    assert len(names) > len({re.sub(r"\.\d+$", "", name) for name in names})
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("bias", [2.0**31 * 0.0002, -(2.0**40), np.inf, np.nan])
def test_a_float_bias_beyond_int32_is_not_taken_for_exact(bias: float) -> None:
    b = QDQBuilder()
    bias_data = np.array([bias], np.float32)
    b.output(b.conv(b.input((1, 1, 2, 2), PARAMS), ONE, PARAMS, bias=bias_data))
    comparison = compare_model(b.build(), [{"x0": np.zeros((1, 1, 2, 2), np.float32)}])
    assert comparison.refused or comparison.in_float


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil"])
@pytest.mark.parametrize(("rows", "result"), [(7, 2), (7, 4), (21, 196)])
def test_resize_takes_a_coordinate_within_a_millionth_of_a_half_for_a_half(
    rows: int, result: int, rounding: str, tmp_path: Path
) -> None:
    """7 rows to 2: row 1 comes from 1 / f32(2 / 7) = 3.4999998, which round_prefer_ceil makes 4."""
    b = QDQBuilder()
    x = b.input((1, 1, rows, 1), PARAMS, as_float=False)
    modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": rounding}
    b.output(b.resize(x, sizes=(result, 1), **modes), as_float=False)
    path = save(b.build(), tmp_path)
    feed = {"x0": np.arange(rows, dtype=np.uint8).reshape(1, 1, rows, 1)}
    assert same_bits(run_stage(compile_model(path), feed), Oracle(path).run(feed))
