"""What a graph prints parses back to the same text; what is wrong is told with line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.graph import Graph, Value
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import digest, format_constant, format_graph, parse_graph
from onnx2wgsl.compiler.ir.types import Quantization, TensorType
from onnx2wgsl.compiler.operators.lookup import Lookup
from onnx2wgsl.compiler.operators.onnx_op import Elementwise
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.models import model

AVATAR = Path(__file__).parents[2] / "models" / "avatar_256_u8.onnx"


def round_trip(graph: Graph) -> Graph:
    """The parsed text of `graph`, which prints the same."""
    text = format_graph(graph)
    constants = {value.name: value.array for value in graph.constants()}
    parsed = parse_graph(text, constants)
    assert format_graph(parsed) == text
    assert len(parsed.ops) == len(graph.ops)
    for old, new in zip(graph.constants(), parsed.constants(), strict=True):
        assert old.type == new.type
        np.testing.assert_array_equal(old.array, new.array, strict=True)  # any NaN is a NaN
        signs = np.signbit(np.nan_to_num(old.array)) == np.signbit(np.nan_to_num(new.array))
        assert signs.all()
    return parsed


def round_trip_stages(path: Path) -> int:
    """Round trips of the graph after every pass; returns how many."""
    count = 0

    def observe(_: str, stage: Graph | Program) -> None:
        nonlocal count
        if isinstance(stage, Graph):
            round_trip(stage)
            count += 1

    compile_model(path, observe=observe)
    return count


def test_every_stage_of_the_avatar() -> None:
    assert round_trip_stages(AVATAR) > 8


@pytest.mark.parametrize(
    "name", ["per_channel_u8_zero_points", "pad_reflect", "several_inputs_and_outputs", "s8_s8"]
)
def test_every_stage_of_small_models(name: str, tmp_path: Path) -> None:
    onnx.save(model(name), tmp_path / "m.onnx")
    assert round_trip_stages(tmp_path / "m.onnx") > 8


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.isprintable())
ANY_NAMES = st.text(min_size=1, max_size=12)
FLOATS = st.floats(width=32)
SCALES = st.floats(min_value=2.0**-120, max_value=2.0**120, width=32)


@given(st.lists(ANY_NAMES, min_size=3, max_size=3, unique=True), ANY_NAMES)
def test_any_names(names: list[str], title: str) -> None:
    type_ = TensorType("u8", (1, 1, 2, 2), Quantization(0.5, 3))
    x, table, y = (Value(name, type_) for name in names)
    table = Value.constant(names[1], np.arange(256, dtype=np.uint8))
    graph = Graph(title, [x], [y, y], ["out", names[0]], [Lookup(y, x, table)])
    parsed = round_trip(graph)
    assert parsed.name == title
    assert parsed.output_names == ["out", names[0]]
    assert [value.name for value in parsed.inputs] == names[:1]


@given(
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=3).flatmap(
        lambda shape: hnp.arrays(np.float32, shape, elements=FLOATS)
    ),
    SCALES,
    st.integers(0, 255),
)
def test_any_floats_and_shapes(data: np.ndarray, scale: float, zero_point: int) -> None:
    x = Value("x", TensorType("u8", (1, 2), Quantization(float(np.float32(scale)), zero_point)))
    y = Value("y", x.type)
    constant = Value.constant("c", data)
    held = {"alpha": float(scale), "n": zero_point, "s": 'quote " and \\', "l": [1, 2]}
    graph = Graph("g", [x], [y], ["y"], [Elementwise(y, (x, constant), "LeakyRelu", held)])
    parsed = round_trip(graph)
    assert parsed.inputs[0].type == x.type
    (op,) = parsed.ops
    assert isinstance(op, Elementwise)
    assert op.attributes == held or np.isnan(scale)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint32, np.int64])
def test_constants_of_every_dtype(dtype: type) -> None:
    info = np.iinfo(dtype)
    ends = np.array([info.min, info.max, 0], dtype)
    many = np.resize(ends, 100)
    x, y = (Value(name, TensorType("u8", (1,), Quantization(1.0, 0))) for name in "xy")
    ops = [Lookup(y, x, Value.constant("c", ends)), Lookup(y, x, Value.constant("d", many))]
    ops.append(Lookup(y, x, Value.constant("e", np.full(64, info.max, dtype))))
    for op, name in zip(ops, "pqr", strict=True):
        op.result = Value(name, y.type)
    round_trip(Graph("g", [x], [ops[0].result], ["y"], list(ops)))


def test_uniform_and_large_constants_are_short() -> None:
    x, y, z = (Value(name, TensorType("u8", (1,), Quantization(1.0, 0))) for name in "xyz")
    uniform = Value.constant("u", np.full(1000, 7, np.uint8))
    large = Value.constant("l", np.arange(1000, dtype=np.int32))
    graph = Graph("g", [x], [z], ["z"], [Lookup(y, x, uniform), Lookup(z, y, large)])
    text = format_graph(graph)
    assert "@u: u8[1000] = splat 7\n" in text
    assert f'@l: i32[1000] = external "{digest(large.array)}"\n' in text


# --- errors
# -----------------------------------------------------------------------------------------------

HEAD = 'graph @t (%x: u8[1]{s=1.0, z=0}) -> ("y": %y) opset 21 {\n'


def broken(text: str, **constants: np.ndarray) -> str:
    with pytest.raises(CompileError) as caught:
        parse_graph(text, constants)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  %y: u8[1] = frob(%x)\n}", "line 2, column 15: 'frob' is no op; known are quantize, "),
        ("  %y: u8[1] = identity(%z)\n}", "%z is used before it is defined"),
        ("  %y: u8[1] = identity(%x, %x)\n}", "identity takes x once each, not 'x'"),
        ("  %y: u8[1] = identity(%x, z=3)\n}", "identity takes x once each, not 'z'"),
        ("  %y: u8[1] = lookup(%x)\n}", "lookup: "),
        ("  %y: f16[1] = identity(%x)\n}", "line 2, column 7: 'f16' is no dtype; known are f32"),
        ("  %x: u8[1] = identity(%x)\n}", "%x is defined twice"),
        ("  %y: u8[1] = identity(%x", "found 'the end'"),
        ("  %y: u8[1] = identity(%x)\n", "found 'the end'"),
        ("  ?", "line 2, column 3: '?' is not part of the syntax"),
        ("}", "output %y is never made"),
        ("  @c: u8[3] = [1, 2]\n}", "@c has 2 elements for shape (3,)"),
        ('  @c: u8[3] = external "sha256:00"\n}', "the data of @c was not given"),
        ("  %y: u8[1] = \n}", "expected a word, found '}'"),
        ('  %y: u8[1] = identity("\n")\n}', "is not part of the syntax"),
    ],
)
def test_errors_name_the_place_and_the_reason(body: str, message: str) -> None:
    told = broken(HEAD + body)
    assert told.startswith("IR text, line ")
    assert message in told


def test_lines_and_columns_are_counted_from_1() -> None:
    assert broken("?").startswith("IR text, line 1, column 1: ")
    assert broken("\n\n ?").startswith("IR text, line 3, column 2: ")


def test_the_wrong_digest_is_refused() -> None:
    data = np.arange(40, dtype=np.uint8)
    body = f'  @c: u8[40] = external "{digest(data)}"\n  %y: u8[1] = lookup(%x, table=@c)\n}}'
    parse_graph(HEAD + body, {"c": data})
    told = broken(HEAD + body, c=data + 1)
    assert f"@c has data {digest(data + 1)}, not {digest(data)}" in told


def test_data_of_the_wrong_size_is_refused() -> None:
    data = np.arange(40, dtype=np.uint8)
    body = f'  @c: u8[40] = external "{digest(data)}"\n}}'
    assert f"@c has data {digest(data[:39])}" in broken(HEAD + body, c=data[:39])
    short = body.replace(digest(data), digest(data[:39]))
    assert "@c is no u8[40]: cannot reshape" in broken(HEAD + short, c=data[:39])


def test_a_number_that_does_not_fit_is_refused() -> None:
    assert "@c" in broken(HEAD + "  @c: u8[1] = [256]\n}")
    assert "@c" in broken(HEAD + "  @c: s8[64] = splat -129\n}")


def test_comments_and_layout_do_not_matter() -> None:
    text = HEAD + "  %y: u8[1]{s=1.0, z=0} = identity(%x) # the same\n}"
    spread = text.replace(" ", " \n ")
    assert format_graph(parse_graph(text)) == format_graph(
        parse_graph(spread.replace("# \n the \n same", "# the same"))
    )


@pytest.mark.parametrize("values", [[True, False], [True] * 40])
def test_booleans_print_as_numbers(values: list[bool]) -> None:
    value = Value.constant("c", np.array(values))
    text = f"""graph @t (%x: f32[{len(values)}]) -> ("y": %y) opset 21 {{
      {format_constant(value)}
      %y: f32[{len(values)}] = float([@c, %x], op="Where")
    }}"""
    graph = parse_graph(text)
    (held,) = graph.constants()
    assert held.array.dtype == np.bool_
    assert held.array.tolist() == values
