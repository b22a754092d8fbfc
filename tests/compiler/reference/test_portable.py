"""What `compile --keep-onnx` keeps gives the same bits in onnxruntime and in onnxruntime-web."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.compiler.reference.facts import PURE_UNARY, WEB_FUNCTIONS, domain_and_type
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.compiler.reference.portable import with_tables
from onnx2wgsl.compiler.strip import strip_zero_points

from tests.builders.between import between
from tests.builders.convolutions import CONVOLUTIONS
from tests.builders.models import model
from tests.builders.nodes import MICROSOFT, Array, NodeBuilder, model_of
from tests.builders.qdq import PAD, QDQBuilder, QuantParams, weights
from tests.compiler.exactness import feeds_for
from tests.web import require_packages

SHAPE = (1, 5, 6, 7)
X, Y = QuantParams(0.05, 120), QuantParams(0.03, 110)
A, B = (0.04140978306531906, 117), (0.03974740207195282, 122)
SUM = (0.027887457981705666, 0)
"""Of a pair of which onnxruntime-web makes 109, where onnxruntime has 108."""


@pytest.fixture(scope="module", autouse=True)
def package() -> None:
    require_packages("onnxruntime-web")


def operators(kept: onnx.ModelProto) -> list[str]:
    return sorted({node.op_type for node in kept.graph.node})


def kept_exactly(source: onnx.ModelProto, feeds: list[dict[str, Array]] | None = None) -> onnx.ModelProto:
    """What is kept of a model, which gives its bits in onnxruntime and in onnxruntime-web."""
    before = source.SerializeToString()
    kept = with_tables(source)
    assert source.SerializeToString() == before
    oracle, web = reference_of(source), reference_of(kept).in_web()
    assert not web.otherwise
    feeds = feeds or feeds_for(oracle)
    for feed, there in zip(feeds, web.run(feeds), strict=True):
        expected, here = oracle.run(feed), reference_of(kept).run(feed)
        assert list(there) == list(here) == list(expected)
        for name, want in expected.items():
            assert (there[name].dtype, there[name].shape) == (want.dtype, want.shape)
            assert there[name].tobytes() == here[name].tobytes() == want.tobytes()
    return kept


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_functions_of_bytes_are_tables(dtype: type) -> None:
    n = NodeBuilder()
    low = np.iinfo(dtype).min
    x = n.input(np.arange(low, low + 256).astype(dtype).reshape(1, 4, 8, 8))
    names = sorted(PURE_UNARY & WEB_FUNCTIONS)
    for name in names:
        domain, kind = domain_and_type(name)
        parameters = [n.constant(np.float32(0.05)), n.constant(dtype(low + 120))]
        n.node(kind, n.node("DequantizeLinear", x, *parameters), domain=domain)
    kept = kept_exactly(n.build(), [n.inputs])
    assert operators(kept) == ["Add", "Cast", "Gather"][dtype == np.uint8 :]
    assert [node.op_type for node in kept.graph.node].count("Gather") == len(names)


def test_a_function_between_convolutions_and_its_other_readers() -> None:
    b = QDQBuilder()
    x = b.conv(b.input(SHAPE, X), weights(5), Y, pads=PAD)
    gate = b.unary(x, "Sigmoid", QuantParams(1 / 256, 0))
    b.output(b.conv(b.node("Mul", [x, gate], Y), weights(), X))
    b.output(b.unary(x, "Tanh"))
    kept = kept_exactly(b.build())
    assert [node.op_type for node in kept.graph.node].count("Gather") == 3


def test_zero_points_may_be_left_out() -> None:
    b = QDQBuilder()
    x = b.conv(b.input(SHAPE, X), weights(), QuantParams(0.03, 0), pads=PAD)
    b.output(b.unary(x, "Tanh"))
    source = b.build()
    strip_zero_points(source)
    assert "Gather" in operators(kept_exactly(source))


@pytest.mark.parametrize("op_type", ["Add", "Mul"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a_sum_or_product_of_bytes_is_a_table_of_all_pairs(op_type: str, dtype: type) -> None:
    low = np.iinfo(dtype).min
    values = np.arange(low, low + 256).astype(dtype)
    feeds = [values.repeat(256), np.tile(values, 256)]
    parameters = [(scale, zero + low) for scale, zero in (A, B)]
    result = (SUM[0], SUM[1] + low)
    source = between(op_type, list(zip(feeds, parameters, strict=True)), result)
    kept = kept_exactly(source, [{"x0": feeds[0], "x1": feeds[1]}])
    assert "Gather" in operators(kept)
    assert "QuantizeLinear" not in operators(kept)


def test_without_tables_a_near_tie_is_another_step() -> None:
    """The comparison would tell."""
    operands = [(np.full(4, 120, np.uint8), A), (np.full(4, 195, np.uint8), B)]
    source = between("Add", operands, SUM)
    feed = {"x0": operands[0][0], "x1": operands[1][0]}
    (plain,) = reference_of(source).in_web().run([feed])
    (tabled,) = reference_of(with_tables(source)).in_web().run([feed])
    assert (plain["y"][0], tabled["y"][0]) == (109, 108)


@pytest.mark.parametrize("relu", [False, True])
def test_a_skip_with_and_without_a_relu(relu: bool) -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, X)
    y = b.conv(x, weights(5), Y, pads=PAD)
    total = b.node("Add", [x, y], None if relu else Y)
    if relu:
        total = b.unary(total, "Relu", QuantParams(0.03, 0))
    b.output(b.conv(total, weights(), X))
    kept = kept_exactly(b.build())
    assert "Relu" not in operators(kept)
    assert "Gather" in operators(kept)


def test_a_tensor_with_itself() -> None:
    b = QDQBuilder()
    x = b.input(SHAPE, X)
    b.output(b.node("Add", [x, x], Y))
    b.output(b.node("Mul", [x, x], Y))
    kept = kept_exactly(b.build())
    assert {tuple(t.dims) for t in kept.graph.initializer if t.name.endswith("table")} == {(256,)}


def test_operators_on_bytes() -> None:
    n = NodeBuilder()
    random = np.random.default_rng(0)
    a, b = (n.input(random.integers(0, 256, SHAPE, np.uint8)) for _ in range(2))
    one, two, three = (
        [n.constant(np.float32(scale)), n.constant(np.uint8(zero))] for scale, zero in (A, B, SUM)
    )
    total = n.node("QLinearAdd", a, *one, b, *two, *three, domain=MICROSOFT)
    product = n.node("QLinearMul", total, *three, b, *two, *one, domain=MICROSOFT)
    last = [n.constant(np.float32(1 / 256)), n.constant(np.uint8(0))]
    n.node("QLinearSigmoid", product, *one, *last, domain=MICROSOFT)
    kept = kept_exactly(n.build(), [n.inputs])
    assert operators(kept) == ["Add", "Cast", "Gather", "Mul"]


@pytest.mark.parametrize("name", ["per_channel", "s8_s8"])
def test_a_model_without_such_operators_stays_as_it_is(name: str) -> None:
    source = CONVOLUTIONS[name]()
    assert with_tables(source) is source
    assert kept_exactly(source) is source


def test_what_has_no_table_stays_as_it_is() -> None:
    """A sum of two shapes, one that is read in float, a function of floats, and an impure one."""
    b = QDQBuilder()
    x = b.input(SHAPE, X)
    b.output(b.node("Add", [x, b.input((1, 5, 1, 1), X)], Y))
    b.output(b.unary(b.unary(b.input(SHAPE, None), "Neg"), "Tanh"))
    b.output(b.unary(x, "Softplus"))
    b.output(b.node("Add", [x, b.input(SHAPE, Y)], None))
    source = b.build()
    assert with_tables(source) is source


def test_a_function_by_channel_stays_as_it_is() -> None:
    constants = {"s": np.array([0.1, 0.2], np.float32), "z": np.array([1, 2], np.uint8)}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["d"], axis=1),
        helper.make_node("Tanh", ["d"], ["y"]),
    ]
    source = model_of(nodes, {"x": np.zeros((1, 2, 3), np.uint8)}, constants, ["y"])
    assert with_tables(source) is source


def test_scales_may_be_vectors_of_one_and_come_of_nodes() -> None:
    nodes = [
        helper.make_node("Constant", [], ["s"], value=numpy_helper.from_array(np.array([0.05], np.float32))),
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["d"], axis=0),
        helper.make_node("Tanh", ["d"], ["y"]),
    ]
    feed = {"x": np.arange(256, dtype=np.uint8)}
    # Of one axis, as the scale is.
    source = model_of(nodes, {"x": feed["x"][:1]}, {"z": np.array([7], np.uint8)}, ["y"])
    assert operators(kept_exactly(source, [{"x": feed["x"][200:201]}])) == ["Cast", "Constant", "Gather"]


def test_the_same_model_is_kept_in_the_same_bytes() -> None:
    source = model("multiply_by_a_gate")
    assert with_tables(source).SerializeToString() == with_tables(source).SerializeToString()


def test_symbols_are_sides_that_are_alike() -> None:
    operands = [(np.arange(6, dtype=np.uint8), A), (np.arange(6, dtype=np.uint8), B)]
    source = between("Add", operands, SUM)
    for value in source.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del source.graph.value_info[:]
    assert "Gather" in operators(with_tables(source))
    source.graph.input[1].type.tensor_type.shape.dim[0].dim_param = "m"
    assert source.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert with_tables(source) is source
