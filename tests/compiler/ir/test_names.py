"""What a text calls things: plain short names as they are, any other by an id that it keeps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.graph import Graph, Value
from onnx2wgsl.compiler.ir.program import Buffer, BufferStore, Program, View
from onnx2wgsl.compiler.ir.text import Namer, external_data, format_graph, format_program, parse_graph
from onnx2wgsl.compiler.ir.types import Quantization, TensorType
from onnx2wgsl.compiler.operators.identity import Identity
from onnx2wgsl.compiler.operators.lookup import Lookup
from onnx2wgsl.compiler.operators.moves.gather import Addresses, GatherKernel

BYTES = TensorType("u8", (1,), Quantization(1.0, 0))
LONG = "/model/layer.0/Conv_output_0"


def chain(*names: str) -> Graph:
    """Each value the identity of the one before it."""
    values = [Value(name, BYTES) for name in names]
    ops = [Identity(after, before) for before, after in pairwise(values)]
    return Graph("g", values[:1], values[-1:], ["y"], list(ops))


def body(graph: Graph, namer: Namer | None = None) -> list[str]:
    return [line.strip() for line in format_graph(graph, namer).splitlines()[1:-1]]


def called(graph: Graph, namer: Namer | None = None) -> list[str]:
    """How each op's result is declared."""
    return [line.split(":")[0] for line in body(graph, namer)]


@pytest.mark.parametrize("name", ["y", "c12", "down.0/conv", "12", "a_b-c$"])
def test_a_plain_and_short_name_stands_for_itself(name: str) -> None:
    assert called(chain("x", name)) == [f"%{name}"]


@pytest.mark.parametrize("name", [LONG, "a b", "", 'a"b', "ü"])
def test_any_other_name_stands_beside_an_id_of_its_ops_first_letter(name: str) -> None:
    (line,) = body(chain("x", name))
    assert line.startswith("%i0 ")
    (op,) = parse_graph(format_graph(chain("x", name))).ops
    assert op.result.name == name


def test_a_name_is_told_once() -> None:
    text = format_graph(chain("x", LONG, "y", "z"))
    assert text.count(LONG) == 1
    assert "%y: u8[1]{s=1.0, z=0} = identity(%i0)" in text


def test_an_id_is_none_that_the_model_has() -> None:
    assert called(chain("x", LONG, "i0", LONG + "_1", "i2")) == [
        f'%i1 "{LONG}"',
        "%i0",
        f'%i3 "{LONG}_1"',
        "%i2",
    ]


def test_a_constant_has_the_letter_of_the_operand_that_it_is() -> None:
    x, y = (Value(name, BYTES) for name in "xy")
    table = Value.constant("/model/tanh/table", np.zeros(256, np.uint8))
    text = format_graph(Graph("g", [x], [y], ["y"], [Lookup(y, x, table)]))
    assert '@t0 "/model/tanh/table": u8[256] = splat 0' in text
    assert "lookup(%x, table=@t0)" in text


def test_an_id_stays_whatever_stands_before_it_in_a_later_text() -> None:
    namer = Namer()
    assert called(chain("x", LONG), namer) == [f'%i0 "{LONG}"']
    assert called(chain("x", LONG + "_1", LONG), namer) == [f'%i1 "{LONG}_1"', f'%i0 "{LONG}"']
    assert called(chain("x", "i0"), namer) == ['%i2 "i0"'], "the id is taken"


def test_new_namers_agree() -> None:
    graph = chain("x", LONG, LONG + "_1")
    assert format_graph(graph, Namer()) == format_graph(graph, Namer()) == format_graph(graph)


def test_a_namer_learns_the_ids_of_a_text() -> None:
    text = f"""graph @g (%x: u8[1]) -> ("y": %b7) opset 21 stage integer {{
  @k: u8[2] = [1, 2]
  %a3 "{LONG}": u8[1] = lookup(%x, table=@k)
  %b7 "k": u8[1] = identity(%a3)
}}
"""
    namer = Namer()
    graph = parse_graph(text, None, namer)
    assert [op.result.name for op in graph.ops] == [LONG, "k"]
    assert format_graph(graph, namer) == text
    assert called(graph) == ["@k", f'%l0 "{LONG}"', "%k"], "by a new one"


def test_two_values_of_one_name_are_told_apart() -> None:
    graph = chain("x", "y", "y")
    assert called(graph) == ["%y", '%i0 "y"']
    first, second = parse_graph(format_graph(graph)).ops
    assert second.operands == [first.result]
    assert (first.result.name, second.result.name) == ("y", "y")


def names_of_form(value: Value) -> list[str]:
    """The names of a value and of its origins, printed and parsed."""
    x = Value("x", BYTES)
    (op,) = parse_graph(format_graph(Graph("g", [x], [value], ["y"], [Identity(value, x)]))).ops
    found, names = op.result, []
    while found is not None:
        names.append(found.name)
        found = found.origin  # type: ignore[assignment]
    return names


def test_a_form_of_another_value_keeps_the_name_of_its_origin() -> None:
    origin = Value(LONG, BYTES)
    form = Value(f"{LONG}.packed", BYTES, origin=origin)
    (line,) = body(Graph("g", [Value("x", BYTES)], [form], ["y"], [Identity(form, Value("x", BYTES))]))
    assert line.startswith(f'%i0 "{LONG}" + ".packed": u8[1]')
    assert names_of_form(form) == [f"{LONG}.packed", LONG]
    assert names_of_form(Value("q.p", BYTES, origin=Value("q", BYTES))) == ["q.p", "q"]
    assert names_of_form(Value("other", BYTES, origin=origin)) == ["other", LONG]
    assert names_of_form(Value("z", BYTES, origin=form)) == ["z", f"{LONG}.packed", LONG]
    assert names_of_form(Value(f"{LONG}.packed.0", BYTES, origin=form)) == [
        f"{LONG}.packed.0",
        f"{LONG}.packed",
        LONG,
    ]


def test_a_constant_keeps_the_name_of_its_origin() -> None:
    x, y = (Value(name, BYTES) for name in "xy")
    table = Value.constant("/t.packed", np.zeros(256, np.uint8), Value("/t", BYTES))
    text = format_graph(Graph("g", [x], [y], ["y"], [Lookup(y, x, table)]))
    assert '@/t.packed "/t" + ".packed": u8[256] = splat 0' in text
    (constant,) = parse_graph(text).constants()
    assert constant.model_name == "/t"


# ---------------------------------------------------------------------------------- programs


def gather(data: np.ndarray) -> Program:
    """A constant into a buffer."""
    buffer = Buffer(LONG, 4)
    index = np.zeros(1, np.int64)
    kernel = GatherKernel(
        "k",
        (1, 1, 1),
        4,
        [BufferStore(View(buffer, 1, 4, 4))],
        source=data,
        tables=Addresses((), (), (), index, index),
    )
    return Program("g", {}, {}, [kernel])


def test_a_constant_keeps_its_id_as_a_kernels_array() -> None:
    data = np.arange(99, dtype=np.uint32)
    x, y = (Value(name, BYTES) for name in "xy")
    namer = Namer()
    graph = Graph("g", [x], [y], ["y"], [Lookup(y, x, Value.constant(LONG, data))])
    assert f'@t0 "{LONG}": u32[99] = external' in format_graph(graph, namer)
    assert "  @t0: u32[99] = external" in format_program(gather(data.copy()), namer)
    assert "  @s0: u32[99] = external" in format_program(gather(data)), "without the graph"
    assert external_data(graph).keys() == external_data(gather(data)).keys()


def test_a_buffer_is_no_value_of_the_same_name() -> None:
    namer = Namer()
    format_graph(chain("x", LONG), namer)
    assert f'%b0 "{LONG}": 4 words' in format_program(gather(np.zeros(4, np.uint32)), namer)
