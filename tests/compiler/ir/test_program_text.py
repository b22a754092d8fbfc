"""What a program prints parses back to the same program, whatever its kernels hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.ir.graph import Graph, Value
from onnx2wgsl.compiler.ir.program import Buffer, BufferStore, Kernel, Program, Source, View
from onnx2wgsl.compiler.ir.text import external_data, format_program, parse_program
from onnx2wgsl.compiler.ir.types import Array, TensorType
from onnx2wgsl.compiler.operators.onnx_op import Elementwise, OnnxOp
from onnx2wgsl.compiler.pipeline import compile_model
from onnx2wgsl.compiler.reference.oracle import Oracle
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.simulator import run_program

from tests.builders.ir import reparsed
from tests.builders.models import model
from tests.compiler.exactness import feeds_for

FACTS = ("name", "inputs", "outputs", "signed", "arena_words", "lower_bound_words")
MODELS = (
    "u8_s8",
    "s8_s8_zero_point",
    "concat_of_concat_with_other_scales",
    "several_inputs_and_outputs",
    "pad_reflect",
    "resize_by_a_fraction",
    "multiply_by_a_gate",
    "product_of_two_activations",
    "pools",
    "softmax_of_rows",
    "greatest_and_where",
    "dynamic_quantization",
    "concat_of_floats",
    "depthwise_and_groups",
    "linear_resize",
    "float_head",
)


def allocated(name: str, folder: Path) -> Program:
    onnx.save(model(name), folder / "m.onnx")
    return compile_model(folder / "m.onnx")


@pytest.mark.parametrize("name", MODELS)
def test_a_program_evaluates_to_the_same_after_every_pass(name: str, tmp_path: Path) -> None:
    onnx.save(model(name), tmp_path / "m.onnx")
    (feed,) = feeds_for(Oracle(tmp_path / "m.onnx"), 1)
    steps = []

    def observe(step: str, stage: Graph | Program) -> None:
        if isinstance(stage, Program):
            steps.append(step)
            parsed = reparsed(stage)
            assert [getattr(parsed, fact) for fact in FACTS] == [getattr(stage, fact) for fact in FACTS]
            assert same_bits(run_program(parsed, feed), run_program(stage, feed)), step

    compile_model(tmp_path / "m.onnx", observe=observe)
    assert steps == ["schedule", "place_concat", "allocate_buffers"]


def test_buffers_keep_their_places_and_live_ranges(tmp_path: Path) -> None:
    program = allocated("concat_of_concat_with_other_scales", tmp_path)
    parsed = reparsed(program)
    old, new = program.live_ranges(), parsed.live_ranges()
    assert list(old.values()) == list(new.values())
    assert [(b.name, b.words, b.offset) for b in old] == [(b.name, b.words, b.offset) for b in new]
    lines = format_program(program).splitlines()
    first, last = next(iter(old.values()))
    assert sum(" words at " in line for line in lines) == len(old) > 2
    assert f"  # live {first}..{last}" in next(line for line in lines if " words at " in line)


def test_a_kernel_is_a_line_that_tells_what_it_is(tmp_path: Path) -> None:
    program = allocated("depthwise_and_groups", tmp_path)
    lines = [line for line in format_program(program).splitlines() if line.startswith("  kernel ")]
    assert len(lines) == len(program.kernels)
    for kernel, line in zip(program.kernels, lines, strict=True):
        assert f' {kernel.kind} "{kernel.name}" ' in line
        assert kernel.title() in line
        assert (f", {kernel.macs} MACs" in line) == (kernel.macs > 0)
    (depthwise,) = [line for line in lines if "depthwise=true" in line]
    for detail in ("3x3, stride 1", "pads=[1, 1, 1, 1]", "tile=Tile(", "weight=@w0", "x_type=s8["):
        assert detail in depthwise


def test_equal_arrays_are_one_constant(tmp_path: Path) -> None:
    text = format_program(allocated("one_value_at_two_outputs", tmp_path))
    tables = [line for line in text.splitlines() if "f32[256] = external" in line]
    assert len(tables) == 1
    assert text.count("table=" + tables[0].split(":")[0].strip()) > 1


# ---------------------------------------------------------------------------------- any class


class Turns(NamedTuple):
    count: int
    table: Array


@dataclass(frozen=True)
class Knob:
    label: str = "k"
    turns: Turns | None = None
    gains: Mapping[int, float] = field(default_factory=dict)


@dataclass(eq=False)
class KnobKernel(Kernel):
    """No file but this knows it."""

    kind = "test_knob"
    sources: tuple[Source, ...] = field(kw_only=True)
    knobs: tuple[Knob, ...] = ()
    type: TensorType = field(kw_only=True)
    nodes: tuple[OnnxOp, ...] = ()
    leaf: Value | None = None
    bias: Array = field(default_factory=lambda: np.zeros(3, np.int32))
    odd: tuple[tuple[int, float, bool], ...] = ()


def knobs(**fields: Any) -> KnobKernel:
    """Such a kernel that was printed and parsed."""
    buffer = Buffer("b", 40)
    view = View(buffer, 4, 2, 10, 3)
    settings = {"sources": (view, "x", np.arange(40, dtype=np.uint32)), "type": TensorType("s8", ())} | fields
    kernel = KnobKernel("knob", (1, 2, 2), 2, [BufferStore(view)], **settings)
    (copy,) = reparsed(Program("t", {}, {}, [kernel], signed=True)).kernels
    assert isinstance(copy, KnobKernel)
    assert (copy.name, copy.shape, copy.words) == ("knob", (1, 2, 2), 2)
    return copy


def test_sources_of_every_sort() -> None:
    view, name, array = knobs().sources
    assert isinstance(view, View)
    assert (view.buffer.name, view.pixels, view.words, view.pitch, view.first) == ("b", 4, 2, 10, 3)
    assert name == "x"
    np.testing.assert_array_equal(array, np.arange(40, dtype=np.uint32), strict=True)


def test_records_in_records() -> None:
    knob = Knob("it's", Turns(-3, np.full(50, 0.25, np.float32)), {2: -0.0, -1: np.inf})
    first, second = knobs(knobs=(knob, Knob())).knobs
    assert (first.label, first.gains) == (knob.label, knob.gains)
    assert np.signbit(first.gains[2])
    assert first.turns is not None
    assert first.turns.count == -3
    assert first.turns.table.tobytes() == np.full(50, 0.25, np.float32).tobytes()
    assert (second.label, second.turns, second.gains) == ("k", None, {})


def test_arrays_that_are_as_by_default_are_kept() -> None:
    np.testing.assert_array_equal(knobs().bias, np.zeros(3, np.int32), strict=True)
    np.testing.assert_array_equal(knobs(bias=np.arange(99)).bias, np.arange(99), strict=True)


def test_types_and_tuples_of_tuples() -> None:
    type_ = TensorType("s8", (1, 5), None, (3, 2), 0)
    kernel = knobs(type=type_, odd=((1, 1.0, True), (2, -0.5, False)))
    assert kernel.type == type_
    assert kernel.odd == ((1, 1.0, True), (2, -0.5, False))


def test_a_value_is_one_for_all_that_mention_it() -> None:
    x, y, z = (Value(name, TensorType("f32", (2,))) for name in ("x", "/a/long/name", "z"))
    steps = (Elementwise(y, (x,), "Abs"), Elementwise(z, (y, x, y), "Sum"))
    kernel = knobs(leaf=x, nodes=steps)
    first, second = kernel.nodes
    assert first.xs == (kernel.leaf,)
    assert second.xs == (first.result, kernel.leaf, first.result)
    assert [value.name for value in second.xs] == ["/a/long/name", "x", "/a/long/name"]


def test_a_constant_may_be_a_value_and_an_array() -> None:
    leaf = Value.constant("/a/long/name/of/it", np.arange(40, dtype=np.uint32))
    value = knobs(leaf=leaf).leaf
    assert value is not None
    assert value.name == leaf.name
    assert value.array.tobytes() == leaf.array.tobytes()


# ---------------------------------------------------------------------------------- errors

HEAD = """program @t ("x": f32[1,4]) -> ("y": f32[1,4]) arena_words=8 lower_bound_words=4 {
  @k: u32[2] = [1, 2]
  %b: 8 words at 0
"""
LINE = '  kernel 0 test_knob "k" [1, 1, 4] x 1 ([%b[4 x 1], "x"]) -> %b[4 x 1] {type=f32[4]}\n}'


def test_the_text_of_these_errors_parses_where_nothing_is_wrong() -> None:
    program = parse_program(HEAD + LINE)
    assert (program.arena_words, program.lower_bound_words, program.signed) == (8, 4, False)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("test_knob", "frob", "line 4, column 12: 'frob' is no kernel; known are "),
        ("%b[4 x 1] {", "%c[4 x 1] {", "line 4, column 62: %c is used before it is defined"),
        ("4 x 1] {", "4 1] {", "line 4, column 67: expected 'x', found '1'"),
        ("type=f32[4]", "type=f32[4], odd=3", "line 4, column 90: test_knob: odd: 3 is no list"),
        (
            "type=f32[4]",
            "tile=3",
            "test_knob takes knobs, type, nodes, leaf, bias, odd once each, not 'tile'",
        ),
        (" {type=f32[4]}", "", "test_knob: type is missing"),
        ("type=f32[4]", "type=f32[4], knobs=[Frob()]", "'Frob' is no record; known are "),
        ("type=f32[4]", "type=f32[4], knobs=[Tile()]", "test_knob: knobs: a Tile is no Knob"),
        ("type=f32[4]", "type=f32[4], knobs=[Knob(turns=Turns(1))]", "Turns: table is missing"),
        ("type=f32[4]", "type=f32[4], bias=[1, 2]", "test_knob: bias: a list is no constant"),
        ("-> %b[4 x 1]", '-> "y"', "line 4, column 62: a store: 'y' is no View or BufferStore"),
        ("-> %b[4 x 1]", "-> %b[4 x 1] by 3", "line 4, column 75: by: 3 is no constant"),
        ("[1, 1, 4]", "[1, 1.5, 4]", "line 4, column 30: expected a whole number, found '1.5'"),
        ("8 words", "8 bytes", "line 3, column 9: expected 'words', found 'bytes'"),
        ("arena_words=8", "arena=8", "program takes signed, arena_words, lower_bound_words once each"),
        ("\n}", "\n} }", "line 5, column 3: expected the end, found '}'"),
        ("\n}", "\n", "found 'the end'"),
        ("  %b:", "  %b: 8 words\n  %b:", "line 4, column 3: %b is defined twice"),
    ],
)
def test_errors_name_the_place_and_the_reason(right: str, wrong: str, message: str) -> None:
    assert right in HEAD + LINE
    with pytest.raises(CompileError) as caught:
        parse_program((HEAD + LINE).replace(right, wrong))
    assert message in str(caught.value)
    assert str(caught.value).startswith("IR text, line ")


def test_data_that_the_text_lacks_must_be_given(tmp_path: Path) -> None:
    program = allocated("u8_s8", tmp_path)
    text, data = format_program(program), external_data(program)
    for key in data:
        rest: dict[str, NDArray[Any]] = {one: array for one, array in data.items() if one != key}
        with pytest.raises(CompileError, match=r"the data of @\w+ was not given"):
            parse_program(text, rest)
