"""What a graph prints parses back to the same; what is wrong is told with line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.graph import Graph, Stage, Value
from onnx2wgsl.compiler.ir.program import Program
from onnx2wgsl.compiler.ir.text import digest, external_data, format_graph, parse_graph
from onnx2wgsl.compiler.ir.types import Quantization, TensorType
from onnx2wgsl.compiler.operators.lookup import Lookup
from onnx2wgsl.compiler.operators.moves.pad import Pad
from onnx2wgsl.compiler.operators.onnx_op import Elementwise
from onnx2wgsl.compiler.passes.fuse_groups import FuseGroups
from onnx2wgsl.compiler.passes.fuse_moves import FuseMoves
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph

from tests.builders.ir import reparsed
from tests.builders.models import model
from tests.compiler.artifacts import AVATAR

BYTES = TensorType("u8", (1,), Quantization(1.0, 0))


def round_trip(graph: Graph) -> Graph:
    """The parsed text of `graph`, which prints the same and has the same constants, bit for bit."""
    parsed = reparsed(graph)
    assert len(parsed.ops) == len(graph.ops)
    for old, new in zip(graph.constants(), parsed.constants(), strict=True):
        assert (old.name, old.type) == (new.name, new.type)
        assert (old.array.dtype, old.array.shape) == (new.array.dtype, new.array.shape)
        assert old.array.tobytes() == new.array.tobytes()
    return parsed


def round_trip_stages(path: Path) -> list[Stage]:
    """Round trips of the graph after every pass; their stages."""
    stages = []

    def observe(_: str, stage: Graph | Program) -> None:
        if isinstance(stage, Graph):
            stages.append(round_trip(stage).stage)

    compile_model(path, observe=observe)
    return stages


def lookups(*tables: np.ndarray) -> Graph:
    """A graph with these constants @c0, @c1, ..."""
    x = Value("x", BYTES)
    constants = [Value.constant(f"c{number}", table) for number, table in enumerate(tables)]
    ops = [Lookup(Value(f"y{number}", BYTES), x, c) for number, c in enumerate(constants)]
    return Graph("g", [x], [ops[0].result], ["y"], list(ops))


def test_every_stage_of_the_avatar() -> None:
    stages = round_trip_stages(AVATAR)
    assert list(dict.fromkeys(stages)) == [Stage.IMPORTED, Stage.INTEGER, Stage.PACKED]
    assert len(stages) > 8


@pytest.mark.parametrize(
    "name", ["per_channel_u8_zero_points", "pad_reflect", "several_inputs_and_outputs", "s8_s8"]
)
def test_every_stage_of_small_models(name: str, tmp_path: Path) -> None:
    onnx.save(model(name), tmp_path / "m.onnx")
    assert len(round_trip_stages(tmp_path / "m.onnx")) > 8


# ---------------------------------------------------------------------------------- the stage

CONVOLUTION = """graph @t (%x: u8[1,1,16,16]{s=1.0, z=128}) -> ("y": %y) opset 21 {
  @sx: f32[] = [1.0]
  @zx: u8[] = [128]
  @w: s8[1,1,1,1] = [25]
  @sw: f32[] = [0.051]
  @sy: f32[] = [2.55]
  @zy: u8[] = [100]
  %dx: f32[1,1,16,16] = dequantize(%x, scale=@sx, zero_point=@zx)
  %dw: f32[1,1,1,1] = dequantize(@w, scale=@sw)
  %c: f32[1,1,16,16] = conv(%dx, weight=%dw)
  %r: f32[1,1,32,32] = resize(%c, scales=[2.0, 2.0])
  %y: u8[1,1,32,32]{s=2.55, z=100} = quantize(%r, scale=@sy, zero_point=@zy)
}"""


def test_a_convolution_that_onnxruntime_leaves_in_float_stays_so_in_the_text() -> None:
    """Behind FuseMoves quantize stands behind the convolution, as if it were an integer group."""
    graph = parse_graph(CONVOLUTION)
    FuseGroups().apply(graph)
    assert FuseMoves().apply(graph)
    assert [op.kind for op in graph.ops] == ["dequantize", "dequantize", "conv", "quantize", "resize"]
    feed = {"x": np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)}
    expected = run_graph(graph, feed)
    assert same_bits(run_graph(round_trip(graph), feed), expected)
    graph.stage = Stage.IMPORTED
    assert not same_bits(run_graph(graph, feed), expected)


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_is_printed_and_parsed(stage: Stage) -> None:
    graph = parse_graph(CONVOLUTION)
    assert graph.stage is Stage.IMPORTED, "without a word"
    graph.stage = stage
    assert f" opset 21 stage {stage} {{\n" in format_graph(graph)
    assert round_trip(graph).stage is stage


# ---------------------------------------------------------------------------------- values

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
    attributes = {"alpha": float(scale), "n": zero_point, "s": 'quote " and \\', "l": [1, 2]}
    graph = Graph("g", [x], [y], ["y"], [Elementwise(y, (x, constant), "LeakyRelu", attributes)])
    parsed = round_trip(graph)
    assert parsed.inputs[0].type == x.type
    (op,) = parsed.ops
    assert isinstance(op, Elementwise)
    assert op.attributes == attributes


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint32, np.int64])
def test_constants_of_every_dtype(dtype: type) -> None:
    info = np.iinfo(dtype)
    ends = np.array([info.min, info.max, 0], dtype)
    round_trip(lookups(ends, np.resize(ends, 100), np.full(64, info.max, dtype)))


def test_uniform_and_large_constants_are_short() -> None:
    large = np.arange(1000, dtype=np.int32)
    text = format_graph(lookups(np.full(1000, 7, np.uint8), large))
    assert "@c0: u8[1000] = splat 7\n" in text
    assert f'@c1: i32[1000] = external "{digest(large)}"\n' in text


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.parametrize("bits", [0x7FC00000, 0x7FC00001, 0xFFC00000, 0x7F800001])
def test_every_bit_of_a_nan_is_kept(bits: int, count: int) -> None:
    round_trip(lookups(np.full(count, bits, np.uint32).view(np.float32)))


def test_zeros_of_both_signs_are_not_uniform() -> None:
    round_trip(lookups(np.resize(np.array([0.0, -0.0], np.float32), 100)))


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -np.inf])
def test_a_value_of_either_sign_is_kept(value: float) -> None:
    x, y = (Value(name, TensorType("f32", (1, 1, 2, 2))) for name in "xy")
    (op,) = round_trip(Graph("g", [x], [y], ["y"], [Pad(y, x, value=value)])).ops
    assert isinstance(op, Pad)
    assert np.float32(op.value).tobytes() == np.float32(value).tobytes()


@pytest.mark.parametrize("values", [[True, False], [True] * 40, [True, False] * 40])
def test_booleans_print_as_numbers(values: list[bool]) -> None:
    data = np.array(values)
    assert "@c0: bool[" in format_graph(lookups(data))
    assert "rue" not in format_graph(lookups(data))
    (constant,) = round_trip(lookups(data)).constants()
    assert constant.array.dtype == np.bool_


def test_integers_that_count_up_print_as_a_range() -> None:
    x, y = (Value(name, TensorType("f32", (1,))) for name in "xy")
    attributes = {"axes": [3, 0, 1, 2, 3, 4, -1, 7, 8], "floats": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
    graph = Graph("g", [x], [y], ["y"], [Elementwise(y, (x,), "Abs", attributes)])
    assert '"axes": [3, 0..4, -1, 7, 8], "floats": [0.0, 1.0, ' in format_graph(graph)
    (op,) = round_trip(graph).ops
    assert isinstance(op, Elementwise)
    assert op.attributes == attributes


def test_what_has_no_text_form_is_told() -> None:
    x, y = (Value(name, TensorType("f32", (1,))) for name in "xy")
    op = Elementwise(y, (x,), "Abs", {"a": object()})
    with pytest.raises(TypeError, match="object has no text form"):
        format_graph(Graph("g", [x], [y], ["y"], [op]))


# ---------------------------------------------------------------------------------- errors

HEAD = 'graph @t (%x: u8[1]{s=1.0, z=0}) -> ("y": %y) opset 21 {\n'


def error_of(text: str, constants: dict[str, np.ndarray] | None = None) -> str:
    with pytest.raises(CompileError) as caught:
        parse_graph(text, constants)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  %y: u8[1] = frob(%x)\n}", "line 2, column 15: 'frob' is no op; known are "),
        ("  %y: u8[1] = identity(%z)\n}", "%z is used before it is defined"),
        ("  %y: u8[1] = identity(%x, %x)\n}", "identity takes x, flip once each, not 'x'"),
        ("  %y: u8[1] = identity(%x, z=3)\n}", "identity takes x, flip once each, not 'z'"),
        ("  %y: u8[1] = lookup(%x)\n}", "lookup: table is missing"),
        ("  %y: u8[1] = pad(%x, mode=3)\n}", "line 2, column 28: pad: mode: 3 is no str"),
        ("  %y: u8[1] = pad(3)\n}", "pad: x: 3 is no value"),
        ("  %y: f16[1] = identity(%x)\n}", "line 2, column 7: 'f16' is no dtype; known are f32"),
        ("  %x: u8[1] = identity(%x)\n}", "%x is defined twice"),
        ("  %y: u8[1] = identity(%x", "found 'the end'"),
        ("  %y: u8[1] = identity(%x)\n", "found 'the end'"),
        ("  ?", "line 2, column 3: '?' is not part of the syntax"),
        ("}", "output %y is never made"),
        ("  @c: u8[3] = [1, 2]\n}", "@c has 2 elements for shape (3,)"),
        ('  @c: u8[3] = external "sha256:00"\n}', "the data of @c was not given"),
        ("  %y: u8[1] = \n}", "expected a word, found '}'"),
        ("  %y: u8[1] = [3]\n}", "expected a word, found '['"),
        ("  %y: u8[1] = identity(%x)\n} }", "expected the end, found '}'"),
        ('  %y: u8[1] = identity("\n")\n}', "is not part of the syntax"),
    ],
)
def test_errors_name_the_place_and_the_reason(body: str, message: str) -> None:
    error = error_of(HEAD + body)
    assert error.startswith("IR text, line ")
    assert message in error


def test_lines_and_columns_are_counted_from_1() -> None:
    assert error_of("?").startswith("IR text, line 1, column 1: ")
    assert error_of("\n\n ?").startswith("IR text, line 3, column 2: ")


def test_the_wrong_digest_is_refused() -> None:
    data = np.arange(40, dtype=np.uint8)
    body = f'  @c: u8[40] = external "{digest(data)}"\n  %y: u8[1] = lookup(%x, table=@c)\n}}'
    parse_graph(HEAD + body, {digest(data): data})
    error = error_of(HEAD + body, {digest(data): data + 1})
    assert f"@c has data {digest(data + 1)}, not {digest(data)}" in error


def test_data_of_the_wrong_size_is_refused() -> None:
    data = np.arange(39, dtype=np.uint8)
    body = f'  @c: u8[40] = external "{digest(data)}"\n}}'
    assert "@c is no u8[40]: cannot reshape" in error_of(HEAD + body, {digest(data): data})


def test_data_is_taken_by_its_bytes() -> None:
    """Equal bytes of two dtypes are one entry."""
    data = np.linspace(-1, 1, 64, dtype=np.float32)
    round_trip(lookups(data, data.view(np.uint32), data.view(np.uint32).reshape(8, 8)))
    assert list(external_data(lookups(data, data.view(np.uint32)))) == [digest(data)]


def test_a_number_that_does_not_fit_is_refused() -> None:
    assert "@c" in error_of(HEAD + "  @c: u8[1] = [256]\n}")
    assert "@c" in error_of(HEAD + "  @c: s8[64] = splat -129\n}")
    assert "a whole number, found '1.5'" in error_of(HEAD + "  @c: u8[1] = [1.5]\n}")


def test_comments_and_layout_do_not_matter() -> None:
    text = HEAD + "  %y: u8[1]{s=1.0, z=0} = identity(%x) # the same\n}"
    spread = text.replace(" ", " \n ")
    assert format_graph(parse_graph(text)) == format_graph(
        parse_graph(spread.replace("# \n the \n same", "# the same"))
    )
