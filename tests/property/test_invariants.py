"""What must hold of every random net beside its bits: the text form, and the places of buffers."""

from itertools import combinations

import pytest
from hypothesis import given
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.fuzzing.kinds import KINDS
from onnx2wgsl.compiler.fuzzing.models import Net, build, feed
from onnx2wgsl.compiler.fuzzing.nets import batches, nets, wild_nets
from onnx2wgsl.compiler.ir.graph import Graph
from onnx2wgsl.compiler.ir.program import Buffer, Program
from onnx2wgsl.compiler.ir.program_verifier import verify_program
from onnx2wgsl.compiler.ir.verifier import verify
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.compiled import compile_in_memory
from onnx2wgsl.compiler.verify.stages import run_stage

from tests.builders.ir import reparsed

from .checks import compile_net
from .profiles import examples


def check_text(net: Net) -> None:
    """What each pass leaves, where the model is taken, prints and parses back to the same: the text,
    a valid graph or program, and its outputs in every bit.
    """
    inputs = feed(net)

    def check(name: str, stage: Graph | Program) -> None:
        parsed = reparsed(stage)
        if isinstance(parsed, Graph):
            verify(parsed, name)
        else:
            verify_program(parsed, name)
        assert same_bits(run_stage(parsed, inputs), run_stage(stage, inputs)), name

    try:
        compile_in_memory(build(net), check)
    except CompileError as error:
        if "internal error" in str(error):  # also among the reasons of a refusal
            raise


@pytest.mark.parametrize("kind", KINDS)
def test_text_of_every_kind_parses_back_to_the_same_bits_after_every_pass(kind: str) -> None:
    examples(2)(given(batches(kind))(check_text))()


@examples(15)
@given(nets(8))
def test_text_of_nets_parses_back_to_the_same_bits_after_every_pass(net: Net) -> None:
    check_text(net)


@examples(15)
@given(wild_nets())
def test_text_of_what_stays_in_float_parses_back_to_the_same_bits_after_every_pass(net: Net) -> None:
    check_text(net)


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
