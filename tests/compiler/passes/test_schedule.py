"""schedule makes a kernel of every op and a buffer of every value."""

import pytest
from onnx2wgsl.compiler.backend.codegen import generate
from onnx2wgsl.compiler.ir.program import BufferStore, OutputStore, Program
from onnx2wgsl.compiler.ir.program_verifier import verify_program
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.operators.convolution.kernel import ConvKernel
from onnx2wgsl.compiler.operators.convolution.tile import choose_tile
from onnx2wgsl.compiler.operators.moves.gather import GatherKernel
from onnx2wgsl.compiler.passes.allocate_buffers import AllocateBuffers
from onnx2wgsl.compiler.passes.pack_int8 import PackInt8
from onnx2wgsl.compiler.passes.schedule import Schedule
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph
from onnx2wgsl.compiler.verify.simulator import run_program

from tests.builders.ir import seeded

Q = "{s=0.5, z=7}"


def scheduled(body: str, outputs: str = '"y": %y') -> Program:
    """The program of a graph with input %x u8[1,5,4,4], which must compute the same."""
    text = f"graph @t (%x: u8[1,5,4,4]{Q}) -> ({outputs}) opset 21 {{ {body} }}"
    graph = parse_graph(text)
    feed = seeded(graph)
    expected = run_graph(graph, feed)
    PackInt8().apply(graph)
    program = Schedule().apply(graph)
    assert same_bits(run_program(program, feed), expected)
    return program


def test_each_op_becomes_a_kernel() -> None:
    program = scheduled(
        f"""
        @w: s8[3,5,1,1] = [1, 2, 3, 4, 5, -1, -2, -3, -4, -5, 9, 8, 7, 6, 5]
        @sw: f32[1] = [0.1]
        @t: u8[256] = splat 9
        %c: u8[1,3,4,4]{Q} = qconv(%x, weight=@w, weight_scale=@sw)
        %l: u8[1,3,4,4]{Q} = lookup(%c, table=@t)
        %k: u8[1,8,4,4]{Q} = concat([%l, %x])
        %r: u8[1,8,6,4]{Q} = resize(%k, scales=[1.5, 1.0])
        %y: u8[1,8,7,5]{Q} = pad(%r, pads=[1, 0, 0, 1], mode="edge")
        """
    )
    ops = ["pack", "conv", "copy", "copy", "copy", "gather", "unpack"]
    assert [kernel.kind for kernel in program.kernels] == ops
    assert len({kernel.name for kernel in program.kernels}) == len(ops)


def test_parts_of_a_concat_stand_on_words() -> None:
    program = scheduled(
        f"""
        %y: u8[1,10,4,4]{Q} = concat([%x, %x])
        """
    )
    stores = [k.stores[0] for k in program.kernels if k.kind == "copy"]
    assert all(isinstance(store, BufferStore) for store in stores)
    assert [(s.view.first, s.view.words, s.view.pitch) for s in stores] == [(0, 2, 4), (2, 2, 4)]  # type: ignore[union-attr]


def test_a_float_lookup_fills_an_output() -> None:
    program = scheduled("@t: f32[256] = splat 0.5\n %y: f32[1,5,4,4] = lookup(%x, table=@t)")
    (store,) = program.kernels[-1].stores
    assert isinstance(store, OutputStore)
    assert store.channels == (0, 1, 2, 3, 4, -1, -1, -1)


def test_a_value_may_fill_several_outputs() -> None:
    program = scheduled(
        "@t: f32[256] = splat 0.5\n %y: f32[1,5,4,4] = lookup(%x, table=@t)",
        '"y": %y, "z": %y, "x": %x, "again": %x',
    )
    assert set(program.outputs) == {"y", "z", "x", "again"}
    assert len({kernel.name for kernel in program.kernels}) == len(program.kernels)


def test_macs_are_those_of_the_logical_convolution() -> None:
    program = scheduled(
        f"""
        @w: s8[3,5,2,2] = splat 1
        @sw: f32[1] = [0.1]
        %y: u8[1,3,7,7]{Q} = qconv(%x, weight=@w, weight_scale=@sw, upsample=[2, 2])
        """
    )
    (kernel,) = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)]
    assert kernel.macs == 3 * 5 * 2 * 2 * 7 * 7


@pytest.mark.parametrize("width", [1, 3, 7, 8, 12, 17, 64, 250, 256])
@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("words", [1, 2, 3, 64])
def test_tiles_fit(width: int, factor: int, words: int) -> None:
    tile = choose_tile((1, 16, width), words, factor)
    assert tile.pixels % factor == 0
    wasted = -width % tile.pixels
    assert wasted * 8 <= width or tile.pixels == factor
    assert 1 <= tile.workgroup[0] * tile.workgroup[1] <= 256


def test_a_move_that_keeps_the_words_is_a_view() -> None:
    program = scheduled(
        f"""
        %t: u8[4,1,4,5]{Q} = move(%x, form="transpose", attributes={{"perm": [2, 0, 3, 1]}})
        """,
        '"t": %t',
    )
    assert [kernel.kind for kernel in program.kernels] == ["pack", "unpack"]
    assert program.kernels[1].reads()[0].buffer is program.kernels[0].stores[0].view.buffer  # type: ignore[union-attr]


def test_a_slice_at_a_word_is_a_view_of_the_words() -> None:
    program = scheduled(
        f"""
        %y: u8[1,1,4,4]{Q} = move(%x, form="slice", attributes={{
            "starts": [0, 4, 0, 0], "steps": [1, 1, 1, 1]}})
        """
    )
    assert [kernel.kind for kernel in program.kernels] == ["pack", "unpack"]
    view = program.kernels[1].reads()[0]
    assert (view.first, view.words, view.pitch) == (1, 1, 2)


def test_a_slice_within_a_word_is_gathered() -> None:
    program = scheduled(
        f"""
        %y: u8[1,2,4,4]{Q} = move(%x, form="slice", attributes={{
            "starts": [0, 1, 0, 0], "steps": [1, 1, 1, 1]}})
        """
    )
    assert [kernel.kind for kernel in program.kernels] == ["pack", "gather", "unpack"]


def test_addresses_that_are_sums_over_the_axes_take_one_table_an_axis() -> None:
    program = scheduled(f'%y: u8[1,5,4,6]{Q} = pad(%x, pads=[0, 1, 0, 1], mode="reflect")')
    gather = program.kernels[1]
    assert isinstance(gather, GatherKernel)
    assert gather.tables.whole is None
    assert [len(table) for table in gather.tables.pixels] == [1, 4, 6]


def test_addresses_that_are_no_sums_are_listed_whole() -> None:
    program = scheduled(f'%y: u8[2,8,5]{Q} = move(%x, form="reshape")')
    gather = next(kernel for kernel in program.kernels if isinstance(kernel, GatherKernel))
    assert gather.tables.whole is not None


def test_moves_in_a_row_are_one_gather() -> None:
    program = scheduled(
        f"""
        %a: u8[1,5,2,8]{Q} = move(%x, form="reshape")
        %b: u8[1,2,5,8]{Q} = move(%a, form="transpose", attributes={{"perm": [0, 2, 1, 3]}})
        %c: u8[1,4,5,4]{Q} = move(%b, form="reshape")
        %y: u8[1,4,5,2]{Q} = move(%c, form="slice", attributes={{
            "starts": [0, 0, 0, 1], "steps": [1, 1, 1, 2]}})
        """
    )
    assert [kernel.kind for kernel in program.kernels] == ["pack", "gather", "unpack"]


def test_two_pads_with_other_constants_are_two_gathers() -> None:
    program = scheduled(
        f"""
        %a: u8[1,5,5,4]{Q} = pad(%x, pads=[1, 0, 0, 0], value=7)
        %y: u8[1,5,5,6]{Q} = pad(%a, pads=[0, 1, 0, 1], value=9)
        """
    )
    assert [kernel.kind for kernel in program.kernels] == ["pack", "gather", "gather", "unpack"]


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 5), (1, 6), (1, 14), (3, 3), (3, 9)])
def test_a_value_may_be_more_outputs_than_a_kernel_can_bind(inputs: int, outputs: int) -> None:
    names = ", ".join(f'"y{number}": %y' for number in range(outputs))
    declarations = ", ".join(f"%x{number}: f32[2,3]" for number in range(inputs))
    text = f"""graph @t ({declarations}) -> ({names}) opset 21 {{
      %s: f32[2,3] = elementwise([{", ".join(f"%x{number}" for number in range(inputs))}], op_type="Sum")
      %y: f32[2,3] = float([%s], op_type="Softplus")
    }}"""
    graph = parse_graph(text)
    feed = seeded(graph)
    expected = run_graph(graph, feed)
    PackInt8().apply(graph)
    program = Schedule().apply(graph)
    verify_program(program, Schedule.name)
    assert same_bits(run_program(program, feed), expected)
    AllocateBuffers().apply(program)
    assert max(len(kernel["bindings"]) for kernel in generate(program, {}).kernels) <= 8
    assert ("copy" in [kernel.kind for kernel in program.kernels]) == (inputs + outputs > 6)
