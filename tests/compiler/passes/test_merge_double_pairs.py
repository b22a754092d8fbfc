"""Two Q-DQ pairs in a row are merged as onnxruntime merges them, and no others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.ir.types import Quantization
from onnx2wgsl.compiler.operators.quantize import Quantize
from onnx2wgsl.compiler.passes.merge_double_pairs import MergeDoublePairs

from tests.builders.qdq import QDQBuilder, QuantParams, Tensor, Weights
from tests.compiler.exactness import assert_exact

A, B, C = QuantParams(0.02, 3), QuantParams(0.03, 5), QuantParams(0.025, 20)
SHAPE = (1, 3, 16, 16)


def conv(b: QDQBuilder, x: Tensor, dtype: str = "u8") -> Tensor:
    values = np.random.default_rng(3).integers(-127, 128, (2, x.shape[1], 1, 1), np.int8)
    return b.conv(x, Weights(values, 0.004), QuantParams(0.05, 9, dtype))


def chain(*pairs: QuantParams) -> QDQBuilder:
    """input -> a Q-DQ pair for each of `pairs` -> conv, and out."""
    b = QDQBuilder()
    x = b.input(SHAPE, pairs[0])
    for params in pairs[1:]:
        x = b.quantize(x, params)
    b.output(conv(b, x, pairs[0].dtype))
    return b


def quantizations(model: onnx.ModelProto, folder: Path) -> list[Quantization | None]:
    """What the quantize ops make after the import and this pass."""
    onnx.save(model, folder / "m.onnx")
    graph = import_model(folder / "m.onnx")
    MergeDoublePairs().apply(graph)
    return [op.result.type.quantization for op in graph.ops if isinstance(op, Quantize)]


@pytest.mark.parametrize("dtype", ["u8", "s8"])
def test_merged_parameters_equal_onnxruntimes(dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    low, high = (0, 256) if dtype == "u8" else (-128, 128)
    for _ in range(12):
        scales = rng.choice([0.02, 0.03, 0.0078125, 0.011, 0.05, 0.1], 3)
        middle = rng.integers(low + 30, high - 30, 3)
        pairs = [QuantParams(float(s), int(z), dtype) for s, z in zip(scales, middle, strict=True)]
        assert_exact(chain(*pairs[: rng.integers(2, 4)]).build(), tmp_path)


def test_the_merged_pair_covers_the_intersection(tmp_path: Path) -> None:
    (first, _) = quantizations(chain(A, B).build(), tmp_path)
    assert first == Quantization(float(np.float32(0.02)), 3)


def test_a_chain_of_three_is_merged_from_its_start(tmp_path: Path) -> None:
    assert len(quantizations(chain(A, B, C).build(), tmp_path)) == 2
    assert_exact(chain(A, B, C).build(), tmp_path)


def test_equal_pairs_become_one(tmp_path: Path) -> None:
    (first, _) = quantizations(chain(A, A).build(), tmp_path)
    assert first == Quantization(float(np.float32(0.02)), 3)
    assert_exact(chain(A, A).build(), tmp_path)


@pytest.mark.parametrize(
    ("op", "constants"),
    [("Identity", ()), ("Dropout", ()), ("Mul", (1,)), ("Div", (1,)), ("Add", (0,)), ("Sub", (0,))],
)
def test_what_does_nothing_is_looked_through(op: str, constants: tuple[float, ...], tmp_path: Path) -> None:
    b = QDQBuilder()
    between = b.unary(b.input(SHAPE, A), op, None, *constants)
    b.output(conv(b, b.quantize(between, B)))
    assert len(quantizations(b.build(), tmp_path)) == 2
    assert_exact(b.build(), tmp_path)


def clipped(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.unary(x, "Relu")


def powered(b: QDQBuilder, x: Tensor) -> Tensor:
    return b.unary(x, "Mul", None, 1.0000001)


@pytest.mark.parametrize("between", [clipped, powered])
def test_an_op_between_the_pairs_keeps_them_apart(
    between: Callable[[QDQBuilder, Tensor], Tensor], tmp_path: Path
) -> None:
    b = QDQBuilder()
    b.output(conv(b, b.quantize(between(b, b.input(SHAPE, A)), B)))
    assert len(quantizations(b.build(), tmp_path)) == 3
    assert_exact(b.build(), tmp_path)


def test_a_second_reader_of_the_first_pair_keeps_them_apart(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, A)
    b.output(conv(b, b.quantize(x, B)))
    b.output(conv(b, x))
    assert len(quantizations(b.build(), tmp_path)) == 4
    assert_exact(b.build(), tmp_path)


def test_several_dequantizes_of_the_second_pair_are_all_merged(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.quantize(b.input(SHAPE, A), B)
    b.output(conv(b, x))
    b.output(x)
    assert len(quantizations(b.build(), tmp_path)) == 2
    assert_exact(b.build(), tmp_path)


def test_stored_bytes_that_go_out_keep_the_pairs_apart(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.quantize(b.input(SHAPE, A), B), as_float=False)
    assert len(quantizations(b.build(), tmp_path)) == 2
    assert_exact(b.build(), tmp_path)


def test_different_dtypes_keep_the_pairs_apart(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(conv(b, b.quantize(b.input(SHAPE, QuantParams(0.02, 3, "s8")), B)))
    assert len(quantizations(b.build(), tmp_path)) == 3
    assert_exact(b.build(), tmp_path)


def test_absent_zero_points_keep_the_pairs_apart(tmp_path: Path) -> None:
    model = chain(QuantParams(0.02), QuantParams(0.03)).build()
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            del node.input[2:]
    assert len(quantizations(model, tmp_path)) == 3
    assert_exact(model, tmp_path)


def test_a_graph_input_of_bytes_is_no_pair(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(conv(b, b.quantize(b.input(SHAPE, A, as_float=False), B)))
    assert len(quantizations(b.build(), tmp_path)) == 2
    assert_exact(b.build(), tmp_path)


def test_ranges_that_meet_in_a_point_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"no range in common.*take out the second"):
        quantizations(chain(QuantParams(0.02, 0), QuantParams(0.03, 255)).build(), tmp_path)


@pytest.mark.parametrize(
    ("op", "constants", "merged"),
    [("Expand", [[1, 3, 1, 1]], True), ("Slice", [[0], [2**40], [2]], False)],
)
def test_an_expand_that_does_nothing_is_looked_through_but_no_slice(
    op: str, constants: list[list[int]], merged: bool, tmp_path: Path
) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, A)
    b.output(conv(b, b.op(op, [x, *map(np.array, constants)], B)))
    assert (len(quantizations(b.build(), tmp_path)) == 2) == merged
    assert_exact(b.build(), tmp_path)
