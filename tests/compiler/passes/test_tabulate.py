"""tabulate turns chains of unary ops on one quantized value into tables."""

import numpy as np
from onnx2wgsl.compiler.arithmetic import dequantize_linear, quantize_linear
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.binary import Lookup2
from onnx2wgsl.compiler.operators.lookup import Lookup
from onnx2wgsl.compiler.passes.tabulate import Tabulate
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph

from tests.builders.ir import seeded, unchanged

TEXT = """
graph @t (%x: {x}[1,2,16,16]{{s=0.05, z=7}}) -> ({outputs}) opset 21 {{
  @sx: f32[] = [0.05]
  @zx: {x}[] = [7]
  @sy: f32[] = [0.01]
  @zy: u8[] = [100]
  %d: f32[1,2,16,16] = dequantize(%x, scale=@sx, zero_point=@zx)
  {chain}
}}
"""
QUANTIZE = "%y: u8[1,2,16,16]{{s=0.01, z=100}} = quantize({x}, scale=@sy, zero_point=@zy)"


def tabulated(text: str) -> list[Lookup]:
    """The lookups that the pass makes of `text`, which must all be the same as the chain."""
    graph = parse_graph(text)
    expected = run_graph(parse_graph(text), seeded(graph))
    assert Tabulate().apply(graph)
    assert same_bits(run_graph(graph, seeded(graph)), expected)
    assert not Tabulate().apply(graph)
    return [op for op in graph.ops if isinstance(op, Lookup)]


def test_a_chain_to_quantize_becomes_one_byte_table() -> None:
    chain = '%a: f32[1,2,16,16] = elementwise([%d], op_type="Tanh")\n'
    chain += '@half: f32[] = [0.5]\n%b: f32[1,2,16,16] = elementwise([%a, @half], op_type="Mul")\n'
    text = TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b"))
    (op,) = tabulated(text)
    assert op.table.type.dtype == "u8"
    assert op.x.name == "x"


def test_an_empty_chain_is_a_requantization() -> None:
    (op,) = tabulated(TEXT.format(x="u8", outputs='"y": %y', chain=QUANTIZE.format(x="%d")))
    real = dequantize_linear(np.arange(256, dtype=np.uint8), 0.05, 7)
    assert op.table.array.tolist() == quantize_linear(real, 0.01, 100, (0, 255)).tolist()


def test_a_float_output_gets_a_float_table() -> None:
    chain = '%y: f32[1,2,16,16] = elementwise([%d], op_type="Sigmoid")'
    (op,) = tabulated(TEXT.format(x="u8", outputs='"y": %y', chain=chain))
    assert op.table.type.dtype == "f32"


def test_a_dequantized_output_gets_a_float_table() -> None:
    (op,) = tabulated(TEXT.format(x="u8", outputs='"d": %d', chain=""))
    assert op.table.array.tolist() == dequantize_linear(np.arange(256), 0.05, 7).tolist()


def test_an_int8_table_is_indexed_by_the_bits() -> None:
    (op,) = tabulated(TEXT.format(x="s8", outputs='"d": %d', chain=""))
    levels = np.arange(256).astype(np.uint8).view(np.int8)
    assert op.table.array.tolist() == dequantize_linear(levels, 0.05, 7).tolist()


def test_a_value_in_the_middle_of_a_chain_may_be_an_output_too() -> None:
    chain = '%a: f32[1,2,16,16] = elementwise([%d], op_type="Tanh")\n'
    chain += '%b: f32[1,2,16,16] = elementwise([%a], op_type="Neg")'
    assert len(tabulated(TEXT.format(x="u8", outputs='"a": %a, "b": %b', chain=chain))) == 2


def lookups(text: str) -> list[Lookup | Lookup2]:
    """Like `tabulated`, of one and of two bytes."""
    tabulated(text)
    graph = parse_graph(text)
    Tabulate().apply(graph)
    return [op for op in graph.ops if isinstance(op, Lookup | Lookup2)]


def test_a_number_for_each_channel_is_a_second_byte() -> None:
    chain = "@k: f32[2,1,1] = [0.3, -1.7]\n@o: f32[1,2,1,1] = [0.1, 2.0]\n"
    chain += '%a: f32[1,2,16,16] = elementwise([%d, @k], op_type="PRelu")\n'
    chain += '%b: f32[1,2,16,16] = elementwise([@o, %a], op_type="Sub")\n'
    text = TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b"))
    (op,) = lookups(text)
    assert isinstance(op, Lookup2)
    assert op.b.array.tolist() == [[[[0]], [[1]]]] or op.b.array.tolist() == [[[[1]], [[0]]]]


def test_an_expression_of_two_tensors_is_a_table_of_pairs() -> None:
    chain = "%e: f32[1,2,16,16] = dequantize(%z, scale=@sx, zero_point=@zx)\n"
    chain += '%a: f32[1,2,16,16] = elementwise([%e], op_type="HardSigmoid")\n'
    chain += '%b: f32[1,2,16,16] = elementwise([%d, %a], op_type="Mul")\n'
    text = TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b"))
    text = text.replace("{s=0.05, z=7})", "{s=0.05, z=7}, %z: u8[1,2,16,16]{s=0.05, z=7})")
    (op,) = lookups(text)
    assert isinstance(op, Lookup2)
    assert (op.a.name, op.b.name) == ("x", "z")


def test_an_erf_chain_is_what_onnxruntime_fuses_it_into() -> None:
    chain = "@r: f32[] = [1.4142135]\n@i: f32[] = [1.0]\n@h: f32[] = [0.5]\n"
    chain += '%a: f32[1,2,16,16] = elementwise([%d, @r], op_type="Div")\n'
    chain += '%b: f32[1,2,16,16] = elementwise([%a], op_type="Erf")\n'
    chain += '%e: f32[1,2,16,16] = elementwise([%b, @i], op_type="Add")\n'
    chain += '%f: f32[1,2,16,16] = elementwise([%d, %e], op_type="Mul")\n'
    chain += '%g: f32[1,2,16,16] = elementwise([%f, @h], op_type="Mul")\n'
    (op,) = tabulated(TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%g")))
    assert op.table.type.dtype == "u8"


def test_two_dtypes_stay() -> None:
    chain = "%e: f32[1,2,16,16] = dequantize(%z, scale=@sx)\n"
    chain += '%b: f32[1,2,16,16] = elementwise([%d, %e], op_type="Sub")\n'
    text = TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b"))
    text = text.replace("{s=0.05, z=7})", "{s=0.05, z=7}, %z: s8[1,2,16,16]{s=0.05, z=0})")
    assert not any(isinstance(op, Lookup2) for op in lookups(text))


def test_more_than_256_numbers_stay() -> None:
    chain = "@k: f32[1,2,16,16] = [" + ", ".join(f"{n}.5" for n in range(512)) + "]\n"
    chain += '%b: f32[1,2,16,16] = elementwise([%d, @k], op_type="Mul")\n'
    text = TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b"))
    assert not any(isinstance(op, Lookup2) for op in lookups(text))


def test_a_chain_from_a_float_input_stays() -> None:
    unchanged(
        Tabulate(),
        """
        graph @t (%x: f32[1,2,4,4]) -> ("y": %y) opset 21 {
          @s: f32[] = [0.01]
          %a: f32[1,2,4,4] = elementwise([%x], op_type="Tanh")
          %y: u8[1,2,4,4]{s=0.01, z=0} = quantize(%a, scale=@s)
        }
        """,
    )


def test_quantize_of_a_float_input_stays() -> None:
    unchanged(
        Tabulate(),
        """
        graph @t (%x: f32[1,2,4,4]) -> ("y": %y) opset 21 {
          @s: f32[] = [0.01]
          %y: u8[1,2,4,4]{s=0.01, z=0} = quantize(%x, scale=@s)
        }
        """,
    )


def test_bytes_that_are_cast_back_to_bytes_become_a_table() -> None:
    """A Cast to floats is a table of its own, and a leaf as a DequantizeLinear is."""
    text = """graph @t (%x: s8[1,2,16,16]) -> ("y": %y) opset 21 {
      @t: f32[256] = splat 3.0
      @half: f32[] = [0.5]
      %d: f32[1,2,16,16] = lookup(%x, table=@t)
      %a: f32[1,2,16,16] = elementwise([%d, @half], op_type="Mul")
      %y: u8[1,2,16,16] = cast_to_byte(%a)
    }"""
    (op,) = tabulated(text)
    assert op.x.name == "x"
    assert op.table.array.tolist() == [1] * 256


def test_a_tensor_that_is_read_with_two_scales_is_one_leaf() -> None:
    same = f"@same: u8[256] = [{', '.join(map(str, range(256)))}]\n"
    chain = same + "%z: u8[1,2,16,16]{s=0.1, z=0} = lookup(%x, table=@same)\n"
    chain += "@sz: f32[] = [0.1]\n@zz: u8[] = [0]\n"
    chain += "%e: f32[1,2,16,16] = dequantize(%z, scale=@sz, zero_point=@zz)\n"
    chain += '%b: f32[1,2,16,16] = elementwise([%d, %e], op_type="Add")\n'
    (op,) = tabulated(TEXT.format(x="u8", outputs='"y": %y', chain=chain + QUANTIZE.format(x="%b")))
    assert op.x.name == "x"
