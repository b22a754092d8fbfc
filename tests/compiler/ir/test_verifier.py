"""verify: each rule of a well-formed graph, broken, gives its message."""

import pytest
from onnx2wgsl.compiler.errors import InternalError
from onnx2wgsl.compiler.ir.graph import Graph, Value
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.ir.types import TensorType
from onnx2wgsl.compiler.ir.verifier import verify
from onnx2wgsl.compiler.operators.identity import Identity

Q = "{s=0.5, z=3}"
INPUTS = f"%x: u8[1,4,3,3]{Q}, %f: f32[1,4,3,3]"
CONSTANTS = """
  @w: s8[2,4,2,2] = splat 1
  @s: f32[] = [0.5]
  @sw: f32[1] = [0.1]
  @t: u8[256] = splat 0
  @m: f32[4] = [1.0, 1.0, 1.0, 1.0]
  @pw: u32[1,2,1,2,4] = splat 0
  @pb: i32[4] = splat 0
"""


def problems(*ops: str, output: str = "%x") -> str:
    graph = parse_graph(
        f'graph @t ({INPUTS}) -> ("y": {output}) opset 21 {{ {CONSTANTS} ' + "\n".join(ops) + "}"
    )
    with pytest.raises(InternalError) as caught:
        verify(graph, "a_pass")
    message = str(caught.value)
    assert message.startswith("internal error: the graph is not valid after a_pass:\n  - ")
    return message


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (f"%y: u8[1,4,3,4]{Q} = identity(%x)", "(1, 4, 3, 4), its rule gives (1, 4, 3, 3)"),
        (f"%y: u8[1,2,3,3]{Q} = qconv(%x, weight=@w, weight_scale=@sw)", "gives (1, 2, 2, 2)"),
        ("%y: f32[1,2,3,3] = conv(%f, weight=@w)", "its rule gives (1, 2, 2, 2)"),
        (
            f"%y: u8[1,2,2,2]{Q} = qconv(%x, weight=@w, weight_scale=@sw, upsample=[2, 2],"
            " strides=[2, 1], pads=[0, 1, 0, 0])",
            "its rule gives (1, 2, 3, 6)",
        ),
        (f"%y: u8[1,4,3,3]{Q} = concat([%x, %x])", "its rule gives (1, 8, 3, 3)"),
        (f"%y: u8[1,4,3,3]{Q} = pad(%x, pads=[1, 2, 3, 4])", "its rule gives (1, 4, 7, 9)"),
        ("%y: u8[1,4,3,3] = quantize(%f, scale=@s)", "must be a quantized byte type"),
        ("%y: f32[1,4,3,3] = quantize(%f, scale=@s)", "must be a quantized byte type"),
        ("%y: u8[1,4,3,3]{s=0.5, z=256} = quantize(%f, scale=@s)", "lies outside (0, 255)"),
        ("%y: s8[1,4,3,3]{s=0.5, z=128} = quantize(%f, scale=@s)", "lies outside (-128, 127)"),
        (
            f"%y: u8[1,2,2,2]{Q} = qconv(%f, weight=@w, weight_scale=@sw)",
            "the operand f32[1,4,3,3] has no quantization",
        ),
        (
            f"%y: u8[1,4,2,2]{Q} = packed_conv(%x, weight=@pw, bias=@pb, multiplier=@m)",
            "operand and result must be packed",
        ),
        (
            "%y: u8[1,4,6,3]{s=0.5, z=4} = resize(%x, scales=[2.0, 1.0])",
            "is moved into u8[1,4,6,3]{s=0.5, z=4} without a lookup",
        ),
        (f"%y: s8[1,4,3,3]{Q} = pad(%x)", "without a lookup"),
        ("%y: u8[1,36]{s=0.5, z=4} = move(%x)", "without a lookup"),
        (f"%y: u8[1,4,3,3]{Q} = lookup(%x, table=@m)", "the table has shape (4,), not (256,)"),
    ],
)
def test_a_broken_rule_is_told(op: str, message: str) -> None:
    assert message in problems(op)


def test_a_value_must_be_made_before_it_is_read() -> None:
    a, b = (Value(name, TensorType("f32", (1,))) for name in "ab")
    x = Value("x", TensorType("f32", (1,)))
    graph = Graph("t", [x], [b], ["y"], [Identity(b, a), Identity(a, x)])
    with pytest.raises(InternalError, match=r"%b = identity reads %a before it is made"):
        verify(graph, "a_pass")


def test_a_name_is_taken_once() -> None:
    x, again = (Value("x", TensorType("f32", (1,))) for _ in range(2))
    with pytest.raises(InternalError, match=r"%x = identity: the name is taken already"):
        verify(Graph("t", [x], [again], ["y"], [Identity(again, x)]), "a_pass")


def test_an_output_must_be_made() -> None:
    graph = Graph("t", [], [Value("y", TensorType("f32", (1,)))], ["y"], [])
    with pytest.raises(InternalError, match=r"output %y is never made"):
        verify(graph, "a_pass")


def test_all_problems_are_told_at_once() -> None:
    message = problems(
        "%a: u8[1,4,3,3] = quantize(%f, scale=@s)",
        f"%b: u8[1,4,3,4]{Q} = identity(%x)",
    )
    assert message.count("\n  - ") == 2


def test_users_and_dead_ops() -> None:
    graph = parse_graph(
        f"""
        graph @t (%x: u8[1,1,2,2]{Q}) -> ("y": %b) opset 21 {{
          %a: u8[1,1,2,2]{Q} = identity(%x)
          %b: u8[1,2,2,2]{Q} = concat([%a, %a])
          %c: u8[1,1,2,2]{Q} = identity(%a)
        }}
        """
    )
    verify(graph, "the text")
    a, b, c = graph.ops
    assert graph.users()[a.result] == [b, c]
    assert graph.remove_dead_ops()
    assert graph.ops == [a, b]
    assert not graph.remove_dead_ops()
