"""propagate_pairs copies quantize backward and dequantize forward over moves."""

import pytest
from onnx2wgsl.compiler.passes.propagate_pairs import PropagatePairs

from tests.builders.ir import check, unchanged

FLOAT = 'graph @t (%x: f32[1,2,2,2]) -> ("y": %y{more}) opset {opset} {{\n'
PARAMETERS = "  @s: f32[] = [0.5]\n  @z: u8[] = [7]\n"
BYTES = 'graph @t (%x: u8[1,2,2,2]{{s=0.5, z=7}}) -> ("y": %y{more}) opset 17 {{\n' + PARAMETERS
TANH = '  %t: f32[1,2,2,2] = elementwise([%x], op_type="Tanh")\n'
TYPE = "u8[{}]{{s=0.5, z=7}}"


def quantize(name: str, x: str, shape: str) -> str:
    return f"  {name}: {TYPE.format(shape)} = quantize({x}, scale=@s, zero_point=@z)\n"


def dequantize(name: str, x: str, shape: str) -> str:
    return f"  {name}: f32[{shape}] = dequantize({x}, scale=@s, zero_point=@z)\n"


MOVES = {
    "max_pool": ("max_pool({x}, kernel=[2, 1])", "1,2,1,2"),
    "reshape": ("move({x})", "2,4"),
    "transpose": ('move({x}, form="transpose", attributes={{"perm": [0, 2, 1, 3]}})', "1,2,2,2"),
    "slice": (
        'move({x}, form="slice", attributes={{"starts": [0, 1, 0, 0], "steps": [1, 1, 1, 1]}})',
        "1,1,2,2",
    ),
}


def before(move: str, shape: str, *, opset: int = 17, more: str = "") -> str:
    text = FLOAT.format(opset=opset, more=more) + PARAMETERS + TANH
    text += f"  %m: f32[{shape}] = {move.format(x='%t')}\n"
    return text + quantize("%y", "%m", shape) + "}"


@pytest.mark.parametrize("move", MOVES)
def test_quantize_goes_backward(move: str) -> None:
    text, shape = MOVES[move]
    after = FLOAT.format(opset=17, more="") + PARAMETERS + TANH
    after += quantize("%m.back.q", "%t", "1,2,2,2") + dequantize("%m.back.dq", "%m.back.q", "1,2,2,2")
    after += f"  %m: f32[{shape}] = {text.format(x='%m.back.dq')}\n"
    check(PropagatePairs(), before(text, shape), after + quantize("%y", "%m", shape) + "}")


def test_quantize_goes_backward_over_several_moves() -> None:
    head = FLOAT.format(opset=17, more="") + PARAMETERS + TANH
    transpose = MOVES["transpose"][0]
    first = f"  %m: f32[1,2,2,2] = {transpose}\n"
    second = "  %n: f32[2,4] = move({x})\n"
    text = head + first.format(x="%t") + second.format(x="%m") + quantize("%y", "%n", "2,4") + "}"
    after = head + quantize("%m.back.q", "%t", "1,2,2,2")
    after += dequantize("%m.back.dq", "%m.back.q", "1,2,2,2") + first.format(x="%m.back.dq")
    after += quantize("%n.back.q", "%m", "1,2,2,2")
    after += dequantize("%n.back.dq", "%n.back.q", "1,2,2,2") + second.format(x="%n.back.dq")
    check(PropagatePairs(), text, after + quantize("%y", "%n", "2,4") + "}")


@pytest.mark.parametrize("move", MOVES)
def test_dequantize_goes_forward(move: str) -> None:
    text, shape = MOVES[move]
    head = BYTES.format(more="") + dequantize("%d", "%x", "1,2,2,2")
    head += f"  %m: f32[{shape}] = {text.format(x='%d')}\n"
    pair = quantize("%m.forward.q", "%m", shape)
    pair += dequantize("%m.forward.dq", "%m.forward.q", shape)
    end = f'  %y: f32[{shape}] = elementwise([X], op_type="Tanh")\n}}'
    after = head + pair + end.replace("X", "%m.forward.dq")
    check(PropagatePairs(), head + end.replace("X", "%m"), after)


def test_dequantize_goes_forward_to_a_graph_output() -> None:
    head = BYTES.format(more="").replace("%y", "{y}") + dequantize("%d", "%x", "1,2,2,2")
    head += "  %m: f32[2,4] = move(%d)\n"
    pair = quantize("%m.forward.q", "%m", "2,4") + dequantize("%m.forward.dq", "%m.forward.q", "2,4")
    text, after = head.replace("{y}", "%m"), head.replace("{y}", "%m.forward.dq") + pair
    check(PropagatePairs(), text + "}", after + "}")


OTHERS = {
    "flatten": ('move({x}, attributes={{"onnx": "Flatten"}})', "2,4"),
    "gather": ('move({x}, form="expand")', "2,2,2,2"),
    "pad": ("pad({x}, pads=[1, 0, 0, 0])", "1,2,3,2"),
}


@pytest.mark.parametrize("move", OTHERS)
def test_other_moves_keep_pairs_where_they_are(move: str) -> None:
    unchanged(PropagatePairs(), before(*OTHERS[move]))


def test_max_pool_before_opset_12_keeps_pairs_where_they_are() -> None:
    unchanged(PropagatePairs(), before(*MOVES["max_pool"], opset=11))


@pytest.mark.parametrize("output", ["m", "t"])
def test_what_is_a_graph_output_too_is_not_quantized(output: str) -> None:
    text = before(*MOVES["reshape"], more=f', "o": %{output}')
    unchanged(PropagatePairs(), text)


def test_between_a_pair_nothing_is_added() -> None:
    text = BYTES.format(more="") + dequantize("%d", "%x", "1,2,2,2") + "  %m: f32[2,4] = move(%d)\n"
    unchanged(PropagatePairs(), text + quantize("%y", "%m", "2,4") + "}")
