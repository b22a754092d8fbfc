"""The passes in order: ONNX file -> Graph -> Program. Read top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from .budgets import DISPATCHES, MEMORY_BYTES, MOVED_ELEMENTS, OPERATIONS, require_within
from .errors import CompileError, InternalError, UnsupportedError
from .frontend.driver import import_model, require_runs
from .frontend.importer import PartialImportError
from .frontend.input_shapes import Shapes
from .ir.graph import Graph, Value
from .ir.program import Program, output_words
from .ir.program_verifier import verify_program
from .ir.verifier import Interface, verify
from .operators.base import FamilyOp
from .operators.quantize import Quantize
from .passes import GraphPass
from .passes.allocate_buffers import AllocateBuffers
from .passes.canonicalize import Canonicalize
from .passes.drop_activations import DropActivations
from .passes.fold_affine import FoldAffine
from .passes.fold_constants import FoldConstants
from .passes.fold_pad import FoldPad
from .passes.fold_resize import FoldResize
from .passes.fuse_groups import FuseGroups
from .passes.fuse_moves import FuseMoves
from .passes.merge_double_pairs import MergeDoublePairs
from .passes.pack_int8 import PackInt8
from .passes.place_concat import PlaceConcat
from .passes.propagate_pairs import PropagatePairs
from .passes.quantize_weights import QuantizeWeights
from .passes.schedule import Schedule
from .passes.simplify_floats import SimplifyFloats
from .passes.strip_zero_points import StripZeroPoints
from .passes.tabulate import Tabulate

REFERENCE_PASSES: tuple[GraphPass, ...] = (
    SimplifyFloats(),
    FoldAffine(),
    MergeDoublePairs(),
    PropagatePairs(),
    QuantizeWeights(),
    DropActivations(),
)
"""What ONNX Runtime does to a model before it looks for integer groups, where it changes bits."""
INTEGER_PASSES: tuple[GraphPass, ...] = (
    StripZeroPoints(),
    FoldConstants(),
    Canonicalize(),
    FuseGroups(),
    FoldConstants(dequantize=True),
    FuseMoves(),
    Canonicalize(),
    Tabulate(),
    FoldPad(),
    FoldResize(),
)
PROGRAM_PASSES = (PlaceConcat(), AllocateBuffers())
PASS_NAMES = (
    "import",
    *dict.fromkeys(step.name for step in INTEGER_PASSES),
    PackInt8.name,
    Schedule.name,
    *(step.name for step in PROGRAM_PASSES),
)

Observer = Callable[[str, Graph | Program], None]
"""Called after the import and after every pass with its name and what it left."""


def compile_model(path: Path, shapes: Shapes | None = None, observe: Observer | None = None) -> Program:
    """The program of the model in `path`.

    Raises UnsupportedError with every reason there is, those of the import and of later passes.
    """
    graph = import_or_refuse(path, shapes)
    try:
        return compile_graph(graph, observe)
    except Exception as error:
        told = isinstance(error, CompileError | MemoryError) and not isinstance(error, InternalError)
        if not told:  # is the model to blame?
            require_runs(path, shapes)
        raise


def import_or_refuse(path: Path, shapes: Shapes | None = None) -> Graph:
    """The model in `path` as a Graph; what is not taken of it, with what later passes say, is an
    UnsupportedError.
    """
    try:
        return import_model(path, shapes)
    except PartialImportError as error:
        raise UnsupportedError(error.heading, [*error.reasons, *_later_reasons(error.graph)]) from None


def _later_reasons(graph: Graph) -> list[str]:
    """What later passes say of the graph of a refused import."""
    try:
        to_integers(graph)
        return list(refusals(graph))
    except InternalError:
        return []
    except CompileError as error:
        return [str(error)]
    except Exception:  # of a graph whose parts are missing
        return []


def compile_graph(graph: Graph, observe: Observer | None = None) -> Program:
    """The program of an imported graph, which is rewritten in place."""
    if not graph.outputs:
        raise CompileError(f"{graph.name} computes nothing: it has no outputs")
    notify = observe or (lambda *_: None)
    interface = Interface.of(graph)
    signed = any(value.type.dtype == "s8" for value in activations(graph))
    to_integers(graph, observe)
    require_supported(graph)
    require_moves_within(graph)
    PackInt8().apply(graph)
    require_valid(graph, PackInt8.name, interface)
    notify(PackInt8.name, graph)
    program = Schedule().apply(graph)
    program.signed = signed
    require_work_within(program)
    require_valid(program, Schedule.name, interface)
    notify(Schedule.name, program)
    for last in PROGRAM_PASSES:
        last.apply(program)
        require_valid(program, last.name, interface)
        notify(last.name, program)
    require_memory_within(program)
    return program


def require_moves_within(graph: Graph) -> None:
    """Refuses moves of too many elements."""
    moved = sum(op.result.type.size for op in graph.ops if op.moves_values)
    require_within(
        f"{graph.name}, in the results of all its moves together,", moved, MOVED_ELEMENTS, "elements"
    )


def require_work_within(program: Program) -> None:
    """Refuses a frame that takes too much work."""
    require_within(program.name, len(program.kernels), DISPATCHES, "kernels")
    operations = {kernel.name: kernel.operations for kernel in program.kernels}
    total, most = sum(operations.values()), max(operations, key=operations.__getitem__, default="")
    what = f"{program.name}, {operations.get(most, 0):,} of them at {most!r},"
    require_within(what, total, OPERATIONS, "products and sums a frame")


def require_memory_within(program: Program) -> None:
    """Refuses buffers that are too large together."""
    words = program.arena_words or 0
    words += sum(output_words(type_) for type_ in (*program.inputs.values(), *program.outputs.values()))
    require_within(
        f"{program.name}: its arena, inputs and outputs together", words * 4, MEMORY_BYTES, "bytes"
    )


def to_integers(graph: Graph, observe: Observer | None = None) -> None:
    """An imported graph, with integer ops and tables in the place of what they compute."""
    notify = observe or (lambda *_: None)
    interface = Interface.of(graph)
    require_valid(graph, "import", interface)
    for step in REFERENCE_PASSES:  # unseen: what ONNX Runtime computes is what they leave
        step.apply(graph)
        require_valid(graph, step.name, interface)
    notify("import", graph)
    for step in INTEGER_PASSES:
        step.apply(graph)
        require_valid(graph, step.name, interface)
        notify(step.name, graph)


def require_valid(stage: Graph | Program, after: str, interface: Interface) -> None:
    """Raises InternalError where a pass left what is not well formed, or another interface."""
    if isinstance(stage, Program):
        verify_program(stage, after)
    else:
        verify(stage, after)
    interface.require(stage, after)


def activations(graph: Graph) -> list[Value]:
    """Graph inputs and what `quantize` makes of computed values."""
    return [
        *graph.inputs,
        *(op.result for op in graph.ops if isinstance(op, Quantize) and op.x.data is None),
    ]


def refusals(graph: Graph) -> Iterator[str]:
    """Why ops that no integer pass took can't be computed."""
    for op in graph.ops:
        assert isinstance(op, FamilyOp)
        reason = op.refusal()
        if reason is not None:
            yield f"{op.title()} %{op.result.name}: {reason}"


def require_supported(graph: Graph) -> None:
    """Refuses what no kernel computes, every reason in one message."""
    reasons = list(refusals(graph))
    if reasons:
        raise UnsupportedError(f"{graph.name}: parts of the model can't be computed:", reasons)
