"""References have whole integer sums on every x86 CPU, also on one without VNNI."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx2wgsl.compiler.reference.exact_sums import sums_saturate, with_exact_sums
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.reference.session import open_as_is

from tests.builders.nodes import model_of
from tests.builders.qdq import QDQBuilder, QuantParams, Weights
from tests.builders.unet import unet
from tests.compiler.exactness import feeds_for

U8, S8 = QuantParams(0.5, 3), QuantParams(0.5, -3, "s8")
FULL = np.full((4, 64), 255, np.uint8)
LARGE = np.full((64, 16), 127, np.int8)
SUM = 64 * 255 * 127

Feed = dict[str, Any]


def integer_product(constant: bool, zero_point: int | None) -> tuple[onnx.ModelProto, Feed]:
    constants: Feed = {} if zero_point is None else {"z": np.int8(zero_point)}
    inputs = {"a": FULL}
    (constants if constant else inputs)["b"] = LARGE
    names = ["a", "b"] if zero_point is None else ["a", "b", "", "z"]
    return model_of([helper.make_node("MatMulInteger", names, ["y"])], inputs, constants), inputs


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("zero_point", [None, 0, -5])
def test_the_largest_products_are_added_up_whole(constant: bool, zero_point: int | None) -> None:
    model, feed = integer_product(constant, zero_point)
    expected = SUM - 64 * 255 * (zero_point or 0)
    assert (Oracle(model).run(feed)["y"] == expected).all()


def test_a_zero_point_that_is_computed_moves_along() -> None:
    nodes = [
        helper.make_node("Identity", ["zero"], ["z"]),
        helper.make_node("MatMulInteger", ["a", "b", "", "z"], ["y"]),
    ]
    feed: Feed = {"a": FULL, "b": LARGE, "zero": np.arange(16, dtype=np.int8)}
    y = Oracle(model_of(nodes, feed, {})).run(feed)["y"]
    assert (y == SUM - 64 * 255 * np.arange(16)).all()


def test_a_convolution_of_large_weights_is_added_up_whole() -> None:
    b = QDQBuilder()
    x = b.input((1, 64, 5, 5), QuantParams(1.0, 0), as_float=False)
    weights = Weights(np.full((8, 64, 1, 1), 127, np.int8), 1.0)
    b.output(b.conv(x, weights, QuantParams(SUM / 200, 0)), as_float=False)
    (y,) = Oracle(b.build()).run({"x0": np.full((1, 64, 5, 5), 255, np.uint8)}).values()
    assert (y == 200).all()


def test_two_convolutions_may_share_their_weights() -> None:
    """With x64quantprecision=1, which is for such CPUs, onnxruntime 1.31.1 can't load this."""
    constants: Feed = {
        "s": np.float32(0.05),
        "z": np.uint8(3),
        "w": np.random.default_rng(0).integers(-127, 128, (6, 6, 1, 1), np.int8),
        "zw": np.int8(0),
    }
    parameters = ["s", "z", "w", "s", "zw", "s", "z"]
    nodes = [
        helper.make_node("QLinearConv", ["x", *parameters], ["a"]),
        helper.make_node("QLinearConv", ["a", *parameters], ["y"]),
    ]
    model = model_of(nodes, {"x": np.zeros((1, 6, 5, 4), np.uint8)}, constants)
    exact = with_exact_sums(Oracle(model).optimized)
    assert exact is not None
    assert [tensor.name for tensor in exact.graph.initializer].count("w_as_u8") == 1
    open_as_is(exact)


def test_only_products_of_u8_and_s8_change() -> None:
    """s8 * s8 is exact everywhere, and there is no kernel of s8 * u8."""
    b = QDQBuilder()
    weights = Weights(np.random.default_rng(0).integers(-127, 128, (4, 3, 3, 3), np.int8), 0.01)
    b.output(b.conv(b.input((1, 3, 6, 6), S8, as_float=False), weights, S8), as_float=False)
    oracle = Oracle(b.build(), signed_integer_kernels=True)
    assert "QLinearConv" in [node.op_type for node in oracle.optimized.graph.node]
    assert with_exact_sums(oracle.optimized) is None


def test_the_optimized_graph_names_no_change() -> None:
    """What `integer_groups` and the layouts are read off is the same graph on every CPU."""
    optimized = Oracle(unet()).optimized
    kinds = {tensor.data_type for tensor in optimized.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {TensorProto.INT8}


def products() -> onnx.ModelProto:
    """A product of activations, one to floats, and what is left in float between them."""
    b = QDQBuilder()
    x = b.input((7, 12), U8, as_float=False)
    y = b.input((12, 9), QuantParams(0.013, 7, "s8"), as_float=False)
    product = b.node("Softmax", [b.node("MatMul", [x, y], U8)], QuantParams(1 / 256, 0))
    weights = np.random.default_rng(0).integers(-128, 128, (9, 6)).astype(np.int8)
    b.output(b.node("MatMul", [product, b.constant_tensor(weights, 0.01)], None))
    return b.build()


@pytest.mark.parametrize("make", [unet, products])
def test_the_changed_graph_computes_the_same_bits(make: Any) -> None:
    """A real comparison where there is VNNI: elsewhere the oracle runs the changed graph itself."""
    oracle = Oracle(make())
    exact = with_exact_sums(oracle.optimized)
    assert exact is not None
    operands = [node.input for node in exact.graph.node if node.op_type.startswith("QLinearConv")]
    assert all(names[3].endswith("_as_u8") for names in operands)
    for feed in feeds_for(oracle):
        expected = oracle.run(feed)
        results = open_as_is(exact).run(list(expected), feed)
        for result, want in zip(results, expected.values(), strict=True):
            assert result.tobytes() == want.tobytes()


def test_floats_are_the_same_bits_when_the_optimized_graph_is_run_as_it_is() -> None:
    b = QDQBuilder()
    x = b.input((1, 8, 9, 10), None)
    random = np.random.default_rng(0)
    parameters = [random.normal(size=size).astype(np.float32) for size in ((16, 8, 3, 3), (16,))]
    y = b.node("Conv", [x, *parameters], None, pads=[1, 1, 1, 1])
    y = b.node("Softmax", [b.node("Softplus", [y], None)], None, axis=-1)
    b.output(y)
    oracle = Oracle(b.build())
    assert with_exact_sums(oracle.optimized) is None
    for feed in feeds_for(oracle):
        (want,) = oracle.run(feed).values()
        (result,) = open_as_is(oracle.optimized).run(None, feed)
        assert result.tobytes() == want.tobytes()


def test_the_cpu_is_tried_out() -> None:
    """Where products are added up whole, the oracle's own session runs; both are exact."""
    model, feed = integer_product(constant=True, zero_point=None)
    plain = open_as_is(model).run(None, feed)[0]
    assert sums_saturate() == bool((plain != SUM).any())
