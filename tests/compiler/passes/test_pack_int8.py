"""pack_int8: four s8 channels to a word, zero points out of the inner loop, nothing changed."""

import numpy as np
import pytest
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.layout import physical_channels
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.ir.verifier import verify
from onnx2wgsl.compiler.operators.borders import Pack, Unpack
from onnx2wgsl.compiler.operators.convolution.packed import PackedConv, pack_weights, unpack_weights
from onnx2wgsl.compiler.operators.lookup import Lookup
from onnx2wgsl.compiler.operators.moves.op import Move
from onnx2wgsl.compiler.passes.pack_int8 import PackInt8
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph

from tests.builders.ir import seeded

SEGMENTS = [(4,), (1,), (3,), (5,), (8,), (3, 5), (1, 1, 1), (4, 4), (7, 2, 6), (16,)]


@pytest.mark.parametrize("segments", SEGMENTS)
@pytest.mark.parametrize("outputs", [1, 4, 6])
def test_pack_weights_and_unpack_weights_are_inverse(segments: tuple[int, ...], outputs: int) -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-128, 128, (outputs, sum(segments), 3, 2))
    words = pack_weights(weight, segments, -(-outputs // 4))
    in_words = sum(-(-count // 4) for count in segments)
    assert words.shape == (-(-outputs // 4), 3, in_words, 2, 4)
    assert words.dtype == np.uint32
    assert np.array_equal(unpack_weights(words, segments, outputs), weight)


def test_byte_k_of_a_word_is_input_channel_4_cw_plus_k() -> None:
    weight = np.arange(8).reshape(1, 8, 1, 1)
    words = pack_weights(weight, (8,), 1)
    assert [hex(word) for word in words[0, 0, :, 0, 0]] == ["0x3020100", "0x7060504"]


def test_padding_lanes_have_zero_weights() -> None:
    words = pack_weights(np.full((1, 3, 1, 1), -1), (1, 2), 1)
    assert [hex(word) for word in words[0, 0, :, 0, 0]] == ["0xff", "0xffff"]
    assert not words[..., 1:].any()


def test_physical_channels_start_each_segment_on_a_word() -> None:
    assert physical_channels((3, 5)) == [0, 1, 2, -1, 3, 4, 5, 6, 7, -1, -1, -1]
    assert physical_channels((4, 4)) == list(range(8))


def packed(text: str) -> Graph:
    """The packed graph of `text`, which must compute the same."""
    graph = parse_graph(text)
    feed = seeded(graph)
    expected = run_graph(parse_graph(text), feed)
    assert PackInt8().apply(graph)
    verify(graph, PackInt8.name)
    assert same_bits(run_graph(graph, feed), expected)
    assert not PackInt8().apply(graph)
    return graph


def test_uint8_becomes_int8_by_xor_0x80_everywhere() -> None:
    graph = packed(
        """
        graph @t (%x: f32[1,3,4,4]) -> ("y": %y, "f": %f) opset 21 {
          @s: f32[] = [0.0625]
          @z: u8[] = [130]
          @w: s8[2,3,1,1] = [1, -2, 3, 90, 5, -128]
          @sw: f32[1] = [0.01]
          @t: u8[256] = splat 5
          @f: f32[256] = splat 0.5
          %q: u8[1,3,4,4]{s=0.0625, z=130} = quantize(%x, scale=@s, zero_point=@z)
          %p: u8[1,3,5,6]{s=0.0625, z=130} = pad(%q, pads=[1, 0, 0, 2], value=200)
          %c: u8[1,2,5,6]{s=0.03, z=9} = qconv(%p, weight=@w, weight_scale=@sw)
          %r: u8[1,2,10,6]{s=0.03, z=9} = resize(%c, scales=[2.0, 1.0])
          %y: u8[1,2,10,6]{s=0.5, z=0} = lookup(%r, table=@t)
          %f: f32[1,2,5,6] = lookup(%c, table=@f)
        }
        """
    )
    kinds = [op.kind for op in graph.ops]
    assert kinds == ["quantize_by_thresholds", "pad", "packed_conv", "resize", "lookup", "lookup", "unpack"]
    for op in graph.ops:
        if not isinstance(op, Unpack) and op.result.type.dtype != "f32":
            assert op.result.type.dtype == "s8"
            assert op.result.type.segments == (op.result.type.shape[1],)
    (pad,) = [op for op in graph.ops if op.kind == "pad"]
    assert pad.value == 200 - 128  # type: ignore[attr-defined]
    assert pad.result.type.quantization.zero_point == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("x", ["u8", "s8"])
@pytest.mark.parametrize("w", ["s8", "u8"])
def test_zero_points_of_input_and_weights(x: str, w: str) -> None:
    graph = packed(
        f"""
        graph @t (%x: {x}[1,6,5,5]{{s=0.5, z=7}}) -> ("y": %y) opset 21 {{
          @w: {w}[3,2,2,2] = [{", ".join(str(value % 100) for value in range(3, 51, 2))}]
          @sw: f32[3] = [0.01, 0.02, 0.005]
          @zw: {w}[3] = [0, 50, 127]
          @b: i32[3] = [5, -5, 1000]
          %y: {x}[1,3,5,5]{{s=0.9, z=3}} =
            qconv(%x, weight=@w, bias=@b, pads=[1, 0, 0, 1], weight_scale=@sw,
                  weight_zero_point=@zw, group=3)
        }}
        """
    )
    (conv,) = [op for op in graph.ops if isinstance(op, PackedConv)]
    assert conv.weight_zero_point is not None


def test_a_convolution_without_weight_zero_points_needs_no_window_sum() -> None:
    graph = packed(
        """
        graph @t (%x: u8[1,1,2,2]{s=0.5, z=7}) -> ("y": %y) opset 21 {
          @w: s8[1,1,1,1] = [7]
          @sw: f32[1] = [0.01]
          %y: u8[1,1,2,2]{s=0.9, z=3} = qconv(%x, weight=@w, weight_scale=@sw)
        }
        """
    )
    (conv,) = [op for op in graph.ops if isinstance(op, PackedConv)]
    assert conv.weight_zero_point is None
    assert conv.bias is not None
    assert conv.bias.array[0] == -(7 - 128) * 7


def test_concat_gets_a_segment_for_each_part() -> None:
    graph = packed(
        """
        graph @t (%a: u8[1,3,2,2]{s=0.5, z=7}, %b: u8[1,5,2,2]{s=0.5, z=7}) -> ("y": %y)
        opset 21 {
          %c: u8[1,8,2,2]{s=0.5, z=7} = concat([%a, %b])
          %y: u8[1,11,2,2]{s=0.5, z=7} = concat([%c, %a])
        }
        """
    )
    segments = [op.result.type.segments for op in graph.ops if op.kind == "concat"]
    assert segments == [(3, 5), (3, 5, 3)]


def test_a_byte_input_and_output_keep_their_type() -> None:
    graph = packed(
        """
        graph @t (%x: s8[1,3,2,2]{s=0.5, z=7}) -> ("y": %y, "z": %y) opset 21 {
          %y: s8[1,2,3,2]{s=0.5, z=7} = move(%x, form="transpose", attributes={"perm": [0, 2, 1, 3]})
        }
        """
    )
    assert [value.type.dtype for value in graph.outputs] == ["s8", "s8"]
    assert [op.kind for op in graph.ops] == ["pack", "move", "unpack"]


def test_an_input_and_a_constant_are_copied_to_outputs() -> None:
    graph = packed(
        """
        graph @t (%x: s8[3], %n: i64[2]) -> ("x": %x, "same": %x, "n": %n, "c": @c) opset 21 {
          @c: u8[5] = [1, 2, 3, 4, 255]
        }
        """
    )
    assert [op.kind for op in graph.ops] == ["copy"] * 3


def test_tables_are_indexed_and_filled_with_packed_bytes() -> None:
    graph = packed(
        """
        graph @t (%x: u8[1,1,16,16]{s=0.5, z=7}) -> ("y": %y) opset 21 {
          @t: u8[256] = splat 3
          %y: u8[1,1,16,16]{s=0.5, z=7} = lookup(%x, table=@t)
        }
        """
    )
    (op,) = [op for op in graph.ops if isinstance(op, Lookup)]
    assert set(op.table.array.tolist()) == {3 - 128}


def test_a_float_op_works_on_row_major_floats() -> None:
    graph = parse_graph(
        """
        graph @t (%x: f32[1,1,2,2]) -> ("y": %y) opset 21 {
          %y: f32[1,1,2,2] = elementwise([%x], op_type="Tanh")
        }
        """
    )
    PackInt8().apply(graph)
    assert all(value.type.segments is None for op in graph.ops for value in op.operands)


def test_a_value_lies_along_the_axis_that_its_reader_wants() -> None:
    graph = packed(
        """
        graph @t (%x: u8[1,4,3]{s=0.5, z=7}) -> ("y": %y) opset 21 {
          @w: s8[2,4,1,1] = splat 1
          @s: f32[1] = [0.5]
          %y: u8[1,2,3]{s=0.5, z=7} = qconv(%x, weight=@w, weight_scale=@s)
        }
        """
    )
    (pack,) = [op for op in graph.ops if isinstance(op, Pack)]
    assert (pack.result.type.axis, pack.result.type.segments) == (1, (4,))


def test_a_reader_that_wants_another_axis_gets_a_move() -> None:
    graph = packed(
        """
        graph @t (%x: u8[1,4,6]{s=0.5, z=7}) -> ("y": %y, "k": %k) opset 21 {
          @w: s8[2,4,1,1] = splat 1
          @s: f32[1] = [0.5]
          %y: u8[1,2,6]{s=0.5, z=7} = qconv(%x, weight=@w, weight_scale=@s)
          %k: u8[1,4,12]{s=0.5, z=7} = concat([%x, %x], axis=2)
        }
        """
    )
    moves = [op for op in graph.ops if isinstance(op, Move)]
    assert [(op.form, op.result.type.axis) for op in moves] == [("layout", 2)]
