"""Where: its bits at every stage, however it is broadcast and wherever its condition comes from."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.passes.fuse_moves import FuseMoves

from tests.builders.between import X, model
from tests.builders.ir import check, seeded
from tests.builders.nodes import NodeBuilder
from tests.compiler.exactness import assert_exact, assert_exact_on_gpu
from tests.compiler.operators.kernels import kernels

Shape = tuple[int, ...]
SHAPES: list[tuple[Shape, Shape, Shape]] = [
    ((2, 5, 3, 4), (2, 5, 3, 4), (2, 5, 3, 4)),
    ((1, 1, 3, 4), (2, 5, 3, 4), (2, 5, 3, 4)),
    ((5, 1, 1), (2, 5, 3, 4), (1, 5, 1, 4)),
    ((7,), (6, 7), (6, 1)),
    ((3, 1, 6), (2, 3, 4, 6), (4, 6)),
]
RESULT = (0.05, 100)


def where(condition: Shape, a: Shape, b: Shape, dtype: type = np.uint8) -> onnx.ModelProto:
    inputs = {"condition": np.zeros(condition, bool)}
    return model("Where", [a, b], RESULT, dtype=dtype, before=inputs)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("shapes", SHAPES)
def test_an_input_as_condition(shapes: tuple[Shape, Shape, Shape], dtype: type, tmp_path: Path) -> None:
    assert "select" in kernels(assert_exact(where(*shapes, dtype), tmp_path))


@pytest.mark.parametrize("shapes", SHAPES[1:4])
def test_a_constant_as_condition(shapes: tuple[Shape, Shape, Shape], tmp_path: Path) -> None:
    onnx_model = where(*shapes)
    condition = np.random.default_rng(0).integers(0, 2, shapes[0]).astype(bool)
    onnx_model.graph.initializer.append(onnx.numpy_helper.from_array(condition, "condition"))
    del onnx_model.graph.input[0]
    assert_exact(onnx_model, tmp_path)


def test_a_float_constant_as_branch(tmp_path: Path) -> None:
    inputs = {"condition": np.zeros((1, 1, 4, 4), bool)}
    constant = np.array(-1, np.float32)
    assert_exact(model("Where", [(1, 3, 4, 4)], RESULT, before=inputs, constants=[constant]), tmp_path)


def test_bytes_get_their_meaning_from_what_dequantizes_the_choice(tmp_path: Path) -> None:
    n = NodeBuilder()
    condition = n.input(np.zeros((1, 5, 1, 4), bool))
    branches = [n.input(np.zeros((1, 5, 3, 4), np.uint8)) for _ in range(2)]
    parameters = [n.constant(np.float32(0.02)), n.constant(np.uint8(100))]
    y = n.node("Where", condition, *branches)
    n.node("DequantizeLinear", y, *parameters)
    # Taken only where it is known that a branch means the same as the choice.
    n.node("DequantizeLinear", n.node("Concat", branches[0], y, axis=1), *parameters)
    assert_exact(n.build(), tmp_path)


@pytest.mark.parametrize("condition", [(1, 1, 3, 4), (5, 1, 1)])
def test_on_the_device(condition: Shape, tmp_path: Path) -> None:
    assert_exact_on_gpu(where(condition, (2, 5, 3, 4), (2, 5, 3, 4)), tmp_path)


def test_each_branch_is_quantized() -> None:
    before = """
    graph @t (%c: bool[8], %a: f32[8], %b: f32[8]) -> ("y": %y) opset 21 {
      @s: f32[] = [0.5]
      %w: f32[8] = select([%a, %b], condition=%c)
      %y: u8[8]{s=0.5, z=0} = quantize(%w, scale=@s)
    }
    """
    after = """
    graph @t (%c: bool[8], %a: f32[8], %b: f32[8]) -> ("y": %y) opset 21 {
      @s: f32[] = [0.5]
      %y.0: u8[8]{s=0.5, z=0} = quantize(%a, scale=@s)
      %y.1: u8[8]{s=0.5, z=0} = quantize(%b, scale=@s)
      %y: u8[8]{s=0.5, z=0} = select([%y.0, %y.1], condition=%c)
    }
    """
    check(FuseMoves(), before, after)
    assert set(seeded(parse_graph(before))["c"].tolist()) == {False, True}  # so both branches are read


def test_branches_of_one_scale_are_chosen_as_bytes(tmp_path: Path) -> None:
    onnx_model = model("Where", [(2, 3), (2, 3)], None, scales=(X, X), before={"c": np.zeros((2, 3), bool)})
    assert kernels(assert_exact(onnx_model, tmp_path)) == ["select"]
