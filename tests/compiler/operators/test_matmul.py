"""Matrix products: which are integer, and that they are exact at every stage and on the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import format_graph, parse_graph
from onnx2wgsl.compiler.operators.catalogue import explain
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.operators.matmul.op import QMatMul
from onnx2wgsl.compiler.operators.onnx_op import FloatOp
from onnx2wgsl.compiler.passes.fuse_groups import FuseGroups
from onnx2wgsl.compiler.passes.quantize_weights import QuantizeWeights

from tests.builders.ir import check_left_in_float
from tests.builders.qdq import QDQBuilder, QuantParams, Tensor
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu

RESULTS = {"u8": QuantParams(0.1, 5), "s8": QuantParams(0.1, -4, "s8"), "f32": None}


def product(
    *,
    x: tuple[int, ...] = (5, 7),
    weights: tuple[int, ...] = (7, 6),
    of: str = "u8",
    result: str | None = None,
    weights_of: str = "s8",
    zero_point: int = 0,
    per_column: bool = False,
    bias: Any = None,
    add: Any = None,
    op_type: str = "MatMul",
    **attributes: Any,
) -> Any:
    """x times constant weights, and a bias."""
    random = np.random.default_rng(0)
    b = QDQBuilder()
    a = b.input(x, QuantParams(0.02, 3, of), as_float=False)
    low, high = (0, 256) if weights_of == "u8" else (-128, 128)
    values = random.integers(low, high, weights).astype(np.uint8 if low == 0 else np.int8)
    axis = 0 if attributes.get("transB") else len(weights) - 1
    columns = weights[axis]
    scale: Any = 0.01
    zero: Any = zero_point
    if per_column:
        scale = random.uniform(0.005, 0.02, columns)
        zero = np.arange(columns) % (zero_point + 1)
    operands: list[Any] = [a, b.constant_tensor(values, scale, zero, axis)]
    if isinstance(bias, str):
        operands.append(i32_bias(b, (columns,)))
    elif bias is not None:
        operands.append(np.asarray(bias, np.float32))
    to = RESULTS[result or of]
    if add is None:
        y = b.node(op_type, operands, to, **attributes)
    else:
        y = b.node(op_type, operands, None, **attributes)
        y = b.node("Add", [y, i32_bias(b, (columns,)) if isinstance(add, str) else add], to)
    b.output(y, as_float=to is None)
    return b.build()


def i32_bias(b: QDQBuilder, shape: tuple[int, ...]) -> Tensor:
    values = np.random.default_rng(1).integers(-4000, 4000, shape).astype(np.int32)
    return b.constant_tensor(values, float(np.float32(0.02) * np.float32(0.01)))


def two(a: tuple[int, ...], b: tuple[int, ...], kinds: tuple[str, str], result: QuantParams | None) -> Any:
    builder = QDQBuilder()
    x = builder.input(a, QuantParams(0.02, 3, kinds[0]), as_float=False)
    y = builder.input(b, QuantParams(0.013, 7, kinds[1]), as_float=False)
    builder.output(builder.node("MatMul", [x, y], result), as_float=result is None)
    return builder.build()


def kernels(program: Program) -> list[str]:
    return [kernel.kind for kernel in program.kernels if kernel.kind not in ("pack", "unpack")]


COLUMN = np.linspace(-1, 1, 6).astype(np.float32)
CASES: dict[str, dict[str, Any]] = {
    "s8": {"of": "s8", "per_column": True, "zero_point": 3},
    "float": {"result": "f32"},
    "float columns": {"result": "f32", "per_column": True, "zero_point": 3, "x": (2, 3, 5, 7)},
    "one row": {"x": (1, 33), "weights": (33, 70)},
    "a vector": {"x": (7,)},
    "gemm": {"op_type": "Gemm", "bias": "i32", "x": (7, 5), "weights": (6, 7), "transA": 1, "transB": 1},
    "batched weights": {"x": (2, 5, 8), "weights": (2, 8, 6), "zero_point": 4},
}
STAGES: dict[str, dict[str, Any]] = {
    "u8 weights": {"weights_of": "u8", "zero_point": 130},
    "a vector b": {"weights": (7,)},
    "a vector b, float": {"weights": (7,), "result": "f32"},
    "alpha": {"op_type": "Gemm", "alpha": 0.3},
    "gemm float bias": {"op_type": "Gemm", "bias": COLUMN, "per_column": True},
    "gemm one float bias": {"op_type": "Gemm", "bias": [0.7]},
    "gemm float result": {"op_type": "Gemm", "bias": "i32", "result": "f32"},
    "added float": {"add": COLUMN, "x": (2, 5, 7)},
    "added float to a vector": {"add": COLUMN, "x": (7,)},
    "added int32": {"add": "i32", "x": (2, 5, 7)},
    "added int32, float": {"add": "i32", "result": "f32"},
}


@pytest.mark.parametrize("case", CASES)
def test_products_on_the_device(case: str, tmp_path: Path) -> None:
    program = assert_exact_on_gpu(product(**CASES[case]), tmp_path)
    assert kernels(program) == ["matmul" if case == "batched weights" else "conv"]


@pytest.mark.parametrize("case", STAGES)
def test_products_at_every_stage(case: str, tmp_path: Path) -> None:
    assert_exact(product(**STAGES[case]), tmp_path)


@pytest.mark.parametrize("result", [QuantParams(0.1, 5), None])
@pytest.mark.parametrize("kinds", [("u8", "u8"), ("u8", "s8")])
def test_two_activations(kinds: tuple[str, str], result: QuantParams | None, tmp_path: Path) -> None:
    model = two((2, 1, 5, 7), (3, 7, 6), kinds, result)
    assert kernels(assert_exact_on_gpu(model, tmp_path)) == ["matmul"]


def test_two_signed_activations(tmp_path: Path) -> None:
    model = two((9, 12), (12, 5), ("s8", "s8"), QuantParams(0.1, 5, "s8"))
    assert_exact_on_gpu(model, tmp_path)


def test_a_bias_for_each_row(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input((5, 7), QuantParams(0.02, 3), as_float=False)
    weights = np.random.default_rng(0).integers(-128, 128, (7, 6)).astype(np.int8)
    operands = [x, b.constant_tensor(weights, 0.01), i32_bias(b, (5, 6))]
    b.output(b.node("Gemm", operands, QuantParams(0.1, 5)), as_float=False)
    assert kernels(assert_exact_on_gpu(b.build(), tmp_path)) == ["matmul"]


def test_transposed_constant_weights(tmp_path: Path) -> None:
    b = QDQBuilder()
    x = b.input((5, 7), QuantParams(0.02, 3), as_float=False)
    weights = np.random.default_rng(0).integers(-128, 128, (6, 7)).astype(np.int8)
    turned = b.node("Transpose", [b.constant_tensor(weights, 0.01)], None, perm=[1, 0])
    b.output(b.node("MatMul", [x, turned], QuantParams(0.1, 5)), as_float=False)
    assert kernels(assert_exact(b.build(), tmp_path)) == ["conv"]


def test_few_rows_spread_over_columns(tmp_path: Path) -> None:
    program = assert_exact(product(x=(1, 64), weights=(64, 512)), tmp_path)
    (conv,) = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)]
    assert (conv.tile.pixels, conv.tile.workgroup) == (1, (1, 32))


# --- the rule

TEXT = """graph @t (%x: {x}[2,3]{{s=0.5, z=7}}) -> ("y": %{out}{more}) opset 21 {{
  @sx: f32[] = [0.5]
  @zx: {x}[] = [7]
  %d: f32[2,3] = dequantize(%x, scale=@sx, zero_point=@zx)
  @wq: {w}[3,2] = [1, 2, 3, 90, 4, 5]
  @sw: f32[] = [0.01]
  %w: f32[3,2] = dequantize(@wq, scale=@sw)
{body}
  @sy: f32[] = [0.25]
  @zy: {x}[] = [9]
  %y: {x}[2,2]{{s=0.25, z=9}} = quantize(%{last}, scale=@sy, zero_point=@zy)
}}
"""
MATMUL = '  %m: f32[2,2] = float([%d, %w], op_type="MatMul")'
BIAS = "  @b: f32[2] = [0.5, 1.0]\n"
ADD = MATMUL + "\n" + BIAS + '  %a: f32[2,2] = elementwise([%m, @b], op_type="Add")'


def text(body: str = MATMUL, last: str = "m", x: str = "u8", w: str = "s8", **changes: str) -> str:
    fields = {"out": "y", "more": ""} | changes
    return TEXT.format(body=body, last=last, x=x, w=w, **fields)


def group_of(source: str) -> QMatMul:
    graph = parse_graph(source)
    QuantizeWeights().apply(graph)
    assert FuseGroups().apply(graph)
    (op,) = [op for op in graph.ops if isinstance(op, QMatMul)]
    again = parse_graph(format_graph(graph))
    assert format_graph(again) == format_graph(graph)
    return op


def reason(source: str) -> str | None:
    check_left_in_float(source)
    graph = parse_graph(source)
    (op,) = [op for op in graph.ops if isinstance(op, FloatOp)]
    return explain(graph, op)


def test_the_plain_group() -> None:
    op = group_of(text())
    assert (op.result.type.dtype, op.bias, op.alpha) == ("u8", None, 1.0)


def test_an_added_constant_is_the_bias() -> None:
    op = group_of(text(ADD, "a"))
    assert op.bias is not None
    assert op.bias.array.tolist() == [100, 200]


def test_without_quantize_the_result_is_float() -> None:
    body = MATMUL + '\n  %t: f32[2,2] = elementwise([%m], op_type="Tanh")'
    op = group_of(text(body, "t"))
    assert op.result.type.dtype == "f32"


GEMM = '  %m: f32[2,2] = float([%d, %w, @b], op_type="Gemm"{more})'


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (text(x="s8", w="u8"), "s8 times u8 is not integer"),
        (text(more=', "m": %m'), "float graph output"),
        (text(MATMUL + '\n  %r: f32[2,2] = elementwise([%m], op_type="Tanh")', more=', "r": %r'),
         "2 readers"),
        (text(BIAS + GEMM.format(more=', attributes={"alpha": 0.5}')), "alpha 0.5 and beta 1.0"),
        (text("  @b: f32[1,2] = [0.5, 1.0]\n" + GEMM.format(more="")), "its bias is float, for which"),
        (text("  @b: f32[2] = [0.5, 1e30]\n" + GEMM.format(more="")), "its float bias @b reaches 1e+30"),
        (text(ADD + '\n  %t: f32[2,2] = elementwise([%a], op_type="Tanh")', "t"), "Add after it"),
        (text('  %e: f32[3,2] = elementwise([%w], op_type="Tanh")\n' + MATMUL.replace("%w", "%e")),
         "does not come straight from"),
    ],
)  # fmt: skip
def test_what_stays_in_float(source: str, why: str) -> None:
    message = reason(source)
    assert message is not None
    assert why in message
