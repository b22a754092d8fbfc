"""What must hold of every random net beside its bits: the text form, and the places of buffers."""

from itertools import combinations

from hypothesis import given
from onnx2wgsl.compiler.fuzzing.checks import same_bits
from onnx2wgsl.compiler.fuzzing.models import Net, feed
from onnx2wgsl.compiler.fuzzing.nets import nets
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Buffer, Program
from onnx2wgsl.compiler.ir.text import format_graph, parse_graph
from onnx2wgsl.compiler.verify.interpreter import run_graph

from .checks import compile_net
from .profiles import examples


@examples(60)
@given(nets(8))
def test_text_parses_back_to_the_same_text_and_bits_after_every_pass(net: Net) -> None:
    given_feed = feed(net)

    def check(name: str, stage: Graph | Program) -> None:
        if isinstance(stage, Graph):
            text = format_graph(stage)
            constants = {value.name: value.array for value in stage.constants()}
            parsed = parse_graph(text, constants)
            assert format_graph(parsed) == text, name
            assert same_bits(run_graph(parsed, given_feed), run_graph(stage, given_feed)), name

    compile_net(net, check)


@examples(100)
@given(nets())
def test_buffers_that_live_together_lie_apart(net: Net) -> None:
    _, program = compile_net(net)
    ranges = program.live_ranges()
    assert program.arena_words is not None
    assert program.lower_bound_words is not None
    assert program.arena_words >= program.lower_bound_words
    for a, b in combinations(ranges, 2):
        together = ranges[a][0] <= ranges[b][1] and ranges[b][0] <= ranges[a][1]
        assert not together or _end(a) <= _start(b) or _end(b) <= _start(a), (a, b)
    assert all(_end(buffer) <= program.arena_words for buffer in ranges)


def _start(buffer: Buffer) -> int:
    assert buffer.offset is not None, f"{buffer.name} has no place"
    return buffer.offset


def _end(buffer: Buffer) -> int:
    return _start(buffer) + buffer.words
