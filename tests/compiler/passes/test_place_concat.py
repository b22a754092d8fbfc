"""place_concat lets producers write where their values are wanted."""

import numpy as np
from onnx2wgsl.compiler.ir.program import BufferStore, Kernel, OutputStore, Program
from onnx2wgsl.compiler.ir.text import parse_graph
from onnx2wgsl.compiler.passes.pack_int8 import PackInt8
from onnx2wgsl.compiler.passes.place_concat import PlaceConcat
from onnx2wgsl.compiler.passes.schedule import Schedule
from onnx2wgsl.compiler.verify.compare import same_bits
from onnx2wgsl.compiler.verify.interpreter import run_graph
from onnx2wgsl.compiler.verify.simulator import run_program

from tests.builders.ir import seeded

Q = "{s=0.5, z=7}"
CONV = "@w: s8[3,5,1,1] = [1, 2, 3, 4, 5, -1, -2, -3, -4, -5, 9, 8, 7, 6, 5]\n@sw: f32[1] = [0.1]\n"
CONV += f"%c: u8[1,3,4,4]{Q} = qconv(%x, weight=@w, weight_scale=@sw)\n"
TABLE = f"@t: u8[256] = [{', '.join(str(i * 7 % 256) for i in range(256))}]\n"


def placed(body: str, outputs: str = '"y": %y') -> Program:
    """The program after the pass, which must compute what the graph does."""
    graph = parse_graph(f"graph @t (%x: u8[1,5,4,4]{Q}) -> ({outputs}) opset 21 {{ {body} }}")
    feed = seeded(graph)
    expected = run_graph(graph, feed)
    PackInt8().apply(graph)
    program = Schedule().apply(graph)
    assert PlaceConcat().apply(program)
    assert same_bits(run_program(program, feed), expected)
    assert not PlaceConcat().apply(program)
    return program


def kernel(program: Program, kind: str) -> Kernel:
    (match,) = [kernel for kernel in program.kernels if kernel.kind == kind]
    return match


def kinds(program: Program) -> list[str]:
    return [kernel.kind for kernel in program.kernels]


def test_the_parts_of_a_concat_are_written_by_their_producers() -> None:
    program = placed(CONV + f"%y: u8[1,8,4,4]{Q} = concat([%c, %x])")
    assert kinds(program) == ["pack", "conv", "unpack"]
    (store,) = kernel(program, "conv").stores
    assert isinstance(store, BufferStore)
    assert (store.view.first, store.view.words, store.view.pitch) == (0, 1, 3)


def test_a_table_is_applied_by_the_store() -> None:
    program = placed(TABLE + CONV + f"%y: u8[1,3,4,4]{Q} = lookup(%c, table=@t)")
    assert kinds(program) == ["pack", "conv", "unpack"]
    (store,) = kernel(program, "conv").stores
    assert store.table is not None


def test_tables_in_a_row_become_one() -> None:
    body = TABLE + CONV + f"%l: u8[1,3,4,4]{Q} = lookup(%c, table=@t)\n"
    program = placed(body + f"%y: u8[1,3,4,4]{Q} = lookup(%l, table=@t)")
    (store,) = kernel(program, "conv").stores
    assert isinstance(store, BufferStore)
    assert store.table is not None
    once = np.array([i * 7 % 256 for i in range(256)], np.uint8)
    packed_table = once[once][np.arange(256) ^ 0x80] ^ 0x80
    assert store.table.view(np.uint8).tolist() == packed_table.tolist()


def test_a_float_output_is_written_by_the_producer() -> None:
    body = CONV + "@f: f32[256] = splat 0.5\n%y: f32[1,3,4,4] = lookup(%c, table=@f)"
    program = placed(body)
    assert kinds(program) == ["pack", "conv"]
    (store,) = kernel(program, "conv").stores
    assert isinstance(store, OutputStore)


def test_a_float_output_of_a_concat_is_written_in_parts() -> None:
    body = CONV + f"%k: u8[1,8,4,4]{Q} = concat([%c, %x])\n@f: f32[256] = splat 0.5\n"
    program = placed(body + "%y: f32[1,8,4,4] = lookup(%k, table=@f)")
    assert kinds(program) == ["pack", "conv"]
    (of_conv,) = [s for s in kernel(program, "conv").stores if isinstance(s, OutputStore)]
    (of_pack,) = [s for s in kernel(program, "pack").stores if isinstance(s, OutputStore)]
    assert of_conv.channels == (0, 1, 2, -1)
    assert of_pack.channels == (3, 4, 5, 6, 7, -1, -1, -1)


def test_a_value_in_a_slice_is_read_from_there() -> None:
    program = placed(CONV + f"%y: u8[1,8,4,4]{Q} = concat([%c, %x])", '"y": %y, "c": %c')
    (store,) = kernel(program, "conv").stores
    assert isinstance(store, BufferStore)
    assert not store.view.whole
    readers = [k for k in program.kernels if k.kind == "unpack" and k.reads()[0] == store.view]
    assert len(readers) == 1


def test_a_value_in_a_slice_by_table_keeps_its_own_buffer() -> None:
    body = TABLE + CONV + f"%l: u8[1,3,4,4]{Q} = lookup(%c, table=@t)\n"
    program = placed(body + f"%y: u8[1,8,4,4]{Q} = concat([%l, %x])", '"y": %y, "c": %c')
    assert len(kernel(program, "conv").stores) == 2


def test_a_repeated_part_is_stored_twice() -> None:
    program = placed(CONV + f"%y: u8[1,6,4,4]{Q} = concat([%c, %c])")
    slices = [s.view.first for s in kernel(program, "conv").stores if isinstance(s, BufferStore)]
    assert slices == [0, 1]


def test_a_resize_that_was_not_folded_stays_a_kernel_and_is_placed() -> None:
    body = CONV + f"%r: u8[1,3,6,4]{Q} = resize(%c, scales=[1.5, 1.0])\n"
    program = placed(body + f"%y: u8[1,6,6,4]{Q} = concat([%r, %r])")
    assert kinds(program) == ["pack", "conv", "gather", "unpack"]
    assert len(kernel(program, "gather").stores) == 2


def test_what_nobody_reads_is_not_stored() -> None:
    body = CONV + "@f: f32[256] = splat 0.5\n%y: f32[1,3,4,4] = lookup(%c, table=@f)"
    assert not [s for s in kernel(placed(body), "conv").stores if isinstance(s, BufferStore)]


def test_a_copy_of_a_view_of_another_shape_stays() -> None:
    body = TABLE + f'%v: u8[1,2,2,20]{Q} = move(%x, form="reshape")\n'
    program = placed(body + f"%y: u8[1,2,2,20]{Q} = lookup(%v, table=@t)")
    assert kinds(program) == ["pack", "gather", "unpack"]
    (store,) = kernel(program, "gather").stores
    assert isinstance(store, BufferStore)
    assert store.table is not None
