import pytest
from onnx2wgsl.compiler.ir.editor import Editor
from onnx2wgsl.compiler.ir.graph import Graph, Op, Value
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.ir.verifier import verify
from onnx2wgsl.compiler.operators.identity import Identity

Q = "{s=0.5, z=3}"


@pytest.fixture
def graph() -> Graph:
    """a of x, b of a twice, c of a, d of c; b and d are outputs."""
    graph = parse_graph(
        f"""
        graph @t (%x: u8[1,1,2,2]{Q}) -> ("y": %b, "z": %d) opset 21 {{
          %a: u8[1,1,2,2]{Q} = identity(%x)
          %b: u8[1,2,2,2]{Q} = concat([%a, %a])
          %c: u8[1,1,2,2]{Q} = identity(%a)
          %d: u8[1,1,2,2]{Q} = identity(%c)
        }}
        """
    )
    verify(graph, "the text")
    return graph


def identity(name: str, x: Value) -> Op:
    return Identity(Value(name, x.type), x)


def test_it_tells_who_makes_and_who_reads_a_value(graph: Graph) -> None:
    a, b, c, d = graph.ops
    editor = Editor(graph)
    assert editor.producer(a.result) is a
    assert editor.producer(graph.inputs[0]) is None
    assert editor.users(a.result) == [b, c]
    assert editor.only_user(a.result) is None
    assert editor.only_user(c.result) is d
    assert editor.is_output(d.result)
    assert editor.only_user(d.result) is None
    assert not editor.close()


def test_every_edit_is_seen_at_once(graph: Graph) -> None:
    a, b, c, d = graph.ops
    (x,), editor = graph.inputs, Editor(graph)
    before, behind = identity("before", x), identity("behind", a.result)
    editor.insert_before(a, [before])
    editor.assign(a, x=before.result)
    editor.insert_behind(a, [behind])
    editor.replace_operand(c, a.result, behind.result)
    assert editor.only_user(x) is before
    assert editor.users(a.result) == [b, behind]
    assert editor.only_user(behind.result) is c
    assert editor.close()
    assert graph.ops == [before, a, behind, b, c, d]
    verify(graph, "edits")


def test_a_value_is_replaced_where_it_is_read_and_where_it_is_an_output(graph: Graph) -> None:
    a, b, c, d = graph.ops
    editor = Editor(graph)
    editor.replace_value(d.result, a.result)
    editor.replace_value(a.result, graph.inputs[0])
    editor.remove_dead_ops()
    assert editor.close()
    assert graph.outputs == [b.result, graph.inputs[0]]
    assert b.operands == [graph.inputs[0]] * 2
    assert graph.ops == [b]
    assert c not in editor


def test_what_only_a_replaced_op_reads_goes_with_it(graph: Graph) -> None:
    a, b, _, d = graph.ops
    editor = Editor(graph)
    part = identity("part", graph.inputs[0])
    last = Identity(d.result, part.result)
    editor.replace(d, [part, last])
    assert editor.producer(d.result) is last
    assert editor.close()
    assert graph.ops == [a, b, part, last]
    verify(graph, "edits")
