"""allocate_buffers: what is live together never overlaps, in an arena near the lower bound."""

from hypothesis import given
from hypothesis import strategies as st
from onnx2wgsl.compiler.ir.program import Buffer, BufferStore, Kernel, Program, View
from onnx2wgsl.compiler.operators.borders import PackKernel
from onnx2wgsl.compiler.operators.copy import CopyKernel
from onnx2wgsl.compiler.passes.allocate_buffers import AllocateBuffers

KERNELS = 12
RANGES = st.tuples(st.integers(0, KERNELS - 1), st.integers(0, KERNELS - 1)).map(sorted)
BUFFERS = st.lists(st.tuples(RANGES, st.integers(1, 4096)), min_size=1, max_size=20)


def view(buffer: Buffer) -> View:
    return View(buffer, 1, buffer.words, buffer.words)


def program_of(buffers: list[tuple[list[int], int]]) -> Program:
    """Kernels that write each buffer first at the start of its range and last at its end."""
    spans = [(Buffer(f"b{n}", words), span) for n, (span, words) in enumerate(buffers)]
    kernels: list[Kernel] = []
    for index in range(KERNELS):
        stores = [BufferStore(view(buffer)) for buffer, span in spans if index in span]
        kernels.append(PackKernel(f"k{index}", (1, 1, 1), 1, list(stores), source="x"))
    return Program("p", {}, {}, kernels)


@given(BUFFERS)
def test_live_buffers_do_not_overlap(buffers: list[tuple[list[int], int]]) -> None:
    program = program_of(buffers)
    AllocateBuffers().apply(program)
    ranges = program.live_ranges()
    assert len(ranges) == len(buffers)
    assert program.arena_words is not None
    assert program.lower_bound_words is not None
    assert program.arena_words >= program.lower_bound_words
    for one, (first, last) in ranges.items():
        assert one.offset is not None
        assert one.offset % 4 == 0
        assert one.offset + one.words <= program.arena_words
        for other, (start, end) in ranges.items():
            if one is other or start > last or end < first:
                continue
            assert other.offset is not None
            assert one.offset + one.words <= other.offset or (other.offset + other.words <= one.offset), (
                f"{one} and {other} overlap"
            )


def test_the_lower_bound_is_the_most_that_is_live_at_once() -> None:
    program = program_of([([0, 3], 100), ([2, 5], 40), ([4, 6], 80), ([7, 7], 130)])
    AllocateBuffers().apply(program)
    assert program.lower_bound_words == 140


def test_space_is_used_again() -> None:
    program = program_of([([0, 1], 64), ([2, 3], 64), ([4, 5], 64)])
    AllocateBuffers().apply(program)
    assert program.arena_words == 64


def test_a_kernel_reads_and_writes_different_places() -> None:
    a, b = Buffer("a", 16), Buffer("b", 16)
    write = PackKernel("w", (1, 1, 1), 1, [BufferStore(view(a))], source="x")
    move = CopyKernel("c", (1, 1, 1), 1, [BufferStore(view(b))], source=view(a))
    program = Program("p", {}, {}, [write, move])
    AllocateBuffers().apply(program)
    assert a.offset != b.offset
    assert program.arena_words == 32


def test_an_arena_is_never_empty() -> None:
    program = Program("p", {}, {}, [])
    AllocateBuffers().apply(program)
    assert program.arena_words == 4
    assert program.lower_bound_words == 0
