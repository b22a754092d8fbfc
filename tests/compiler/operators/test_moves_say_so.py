"""What an op says of itself, so that passes need not know it, is so: `Op.moves_values` and its like."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.compiler.arithmetic import dequantize_linear
from onnx2wgsl.compiler.ir.graph import Graph, Op
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.verify.interpreter import run_graph

TYPE = "s8[1,4,4,4]{s=0.5, z=3}"
MOVES = {
    "identity": ("identity(%x)", "1,4,4,4"),
    "concat": ("concat([%x, %x], axis=2)", "1,4,8,4"),
    "resize": ("resize(%x, scales=[2.0, 2.0])", "1,4,8,8"),
    "pad": ('pad(%x, pads=[0, 1, 2, 0], mode="reflect")', "1,4,6,5"),
    "move": ('move(%x, form="transpose", attributes={"perm": [3, 0, 2, 1]})', "4,1,4,4"),
    "select": ("select([%x, %y], condition=@c)", "1,4,4,4"),
}
EXTREMES = {
    "max_pool": ("max_pool(%x, kernel=[2, 2])", "1,4,3,3"),
    "extreme": ('extreme(%x, extreme="min", axes=[1, 3])', "1,1,4,1"),
}
ORDERS = {"arg_extreme": ("arg_extreme(%x, axis=1)", "1,1,4,4")}
REPEATS = {
    "identity": ("identity(%x)", "1,4,4,4"),
    "concat": ("concat([%x])", "1,4,4,4"),
    "resize": ("resize(%x)", "1,4,4,4"),
    "pad": ("pad(%x)", "1,4,4,4"),
    "move": ('move(%x, form="transpose", attributes={"perm": [0, 1, 2, 3]})', "1,4,4,4"),
}
Bytes = NDArray[np.int8]


def graph_of(op: str, shape: str, type_: str = TYPE) -> Graph:
    result = f"i64[{shape}]" if op.startswith("arg") else f"s8[{shape}]{{s=0.5, z=3}}"
    return parse_graph(
        f'graph @t (%x: {type_}, %y: {type_}) -> ("z": %z) opset 21 {{\n'
        f"  @c: bool[1,4,1,1] = [1, 0, 0, 1]\n  %z: {result} = {op}\n}}"
    )


def result(graph: Graph, table: Bytes, x: Bytes, y: Bytes) -> NDArray[np.generic]:
    """The graph's, for x and y through a table of all bytes."""
    inputs = {"x": table[x.view(np.uint8)], "y": table[y.view(np.uint8)]}
    return run_graph(graph, inputs)["z"]


RANDOM = np.random.default_rng(1)
X, Y = RANDOM.integers(-128, 128, (2, 1, 4, 4, 4)).astype(np.int8)
SAME = np.arange(256, dtype=np.uint8).view(np.int8)
ANY: Bytes = RANDOM.permutation(SAME)
# Half of the levels, each twice: what quantize does with a larger scale.
INCREASING: Bytes = (SAME >> 1).astype(np.int8)


@pytest.mark.parametrize("kind", MOVES)
def test_what_moves_values_commutes_with_any_table(kind: str) -> None:
    graph = graph_of(*MOVES[kind])
    assert np.array_equal(result(graph, ANY, X, Y), ANY[result(graph, SAME, X, Y).view(np.uint8)])


@pytest.mark.parametrize("kind", EXTREMES)
def test_what_picks_extremes_commutes_with_tables_that_keep_the_order(kind: str) -> None:
    graph = graph_of(*EXTREMES[kind])
    plain = result(graph, SAME, X, Y).view(np.uint8)
    assert np.array_equal(result(graph, INCREASING, X, Y), INCREASING[plain])
    assert not np.array_equal(result(graph, ANY, X, Y), ANY[plain])


@pytest.mark.parametrize("kind", ORDERS)
def test_what_reads_the_order_is_the_same_of_bytes_and_of_the_reals_they_stand_for(kind: str) -> None:
    graph, of_reals = (graph_of(*ORDERS[kind], type_) for type_ in (TYPE, "f32[1,4,4,4]"))
    order = result(graph, SAME, X, Y)
    reals = {name: dequantize_linear(bytes_, 0.5, 3) for name, bytes_ in (("x", X), ("y", Y))}
    assert np.array_equal(run_graph(of_reals, reals)["z"], order)
    assert not np.array_equal(result(graph, ANY, X, Y), order)


@pytest.mark.parametrize("kind", REPEATS)
def test_what_repeats_its_operand_gives_the_same_values(kind: str) -> None:
    graph = graph_of(*REPEATS[kind])
    assert graph.ops[-1].repeats() is graph.inputs[0]
    assert np.array_equal(result(graph, SAME, X, Y), X)


@pytest.mark.parametrize("kind", [kind for kind in MOVES if kind != "identity"])
def test_what_moves_does_not_always_repeat(kind: str) -> None:
    assert graph_of(*MOVES[kind]).ops[-1].repeats() is None


@pytest.mark.parametrize("kind", [*MOVES, *EXTREMES, *ORDERS])
def test_an_op_on_other_sources_is_the_same_op(kind: str) -> None:
    graph = graph_of(*(MOVES | EXTREMES | ORDERS)[kind])
    op = graph.ops[-1]
    y = graph.inputs[1]
    other = op.on([y for _ in op.takes_from], op.result)
    assert type(other) is type(op)
    assert set(other.takes_from) == {y}
    assert op.takes_from[0] is graph.inputs[0]


def test_every_op_that_says_so_is_tested_here() -> None:
    said = {name: {kind for kind, cls in Op.classes.items() if getattr(cls, name)} for name in
            ("moves_values", "picks_extremes", "reads_order")}  # fmt: skip
    assert said == {"moves_values": set(MOVES), "picks_extremes": set(EXTREMES), "reads_order": set(ORDERS)}
