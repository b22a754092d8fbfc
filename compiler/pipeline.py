"""The passes in order: ONNX file -> Graph -> Program. Read top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .errors import CompileError, UnsupportedError
from .frontend import import_model
from .ir import Conv, Dequantize, Elementwise, Graph, Lookup, Op, Quantize, Value
from .model_file import Shapes
from .passes import GraphPass
from .passes.allocate_buffers import AllocateBuffers
from .passes.canonicalize import Canonicalize
from .passes.fold_constants import FoldConstants
from .passes.fold_pad import FoldPad
from .passes.fold_resize import FoldResize
from .passes.fuse_conv import FuseConv, explain
from .passes.fuse_moves import FuseMoves
from .passes.merge_double_pairs import MergeDoublePairs
from .passes.pack_int8 import PackInt8
from .passes.place_concat import PlaceConcat
from .passes.schedule import Schedule
from .passes.strip_zero_points import StripZeroPoints
from .passes.tabulate import Tabulate
from .program import Program
from .verifier import verify

INTEGER_PASSES: tuple[GraphPass, ...] = (
    StripZeroPoints(),
    FoldConstants(),
    Canonicalize(),
    FuseConv(),
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


def compile_model(
    path: Path, shapes: Shapes | None = None, observe: Observer | None = None
) -> Program:
    """The program of the model in `path`."""
    return compile_graph(import_model(path, shapes), observe)


def compile_graph(graph: Graph, observe: Observer | None = None) -> Program:
    """The program of an imported graph, which is rewritten in place."""
    seen = observe or (lambda *_: None)
    signed = any(value.type.dtype == "s8" for value in activations(graph))
    verify(graph, "import")
    MergeDoublePairs().apply(graph)  # unseen: what ONNX Runtime computes is what it leaves
    verify(graph, MergeDoublePairs.name)
    seen("import", graph)
    for step in INTEGER_PASSES:
        step.apply(graph)
        verify(graph, step.name)
        seen(step.name, graph)
    require_integer(graph)
    require_images(graph)
    PackInt8().apply(graph)
    verify(graph, PackInt8.name)
    seen(PackInt8.name, graph)
    program = Schedule().apply(graph)
    program.signed = signed
    seen(Schedule.name, program)
    for last in PROGRAM_PASSES:
        last.apply(program)
        seen(last.name, program)
    if not program.kernels:
        raise CompileError(f"{graph.name} computes nothing: its outputs are its inputs")
    return program


def activations(graph: Graph) -> list[Value]:
    """Graph inputs and what `quantize` makes of computed values."""
    return [
        *graph.inputs,
        *(op.result for op in graph.ops if isinstance(op, Quantize) and op.x.data is None),
    ]


def require_integer(graph: Graph) -> None:
    """Refuses what is left in float, every reason in one message."""
    producers = graph.producers()
    reasons = []
    for op in graph.ops:
        if isinstance(op, Conv):
            reasons.append(f"Conv %{op.result.name} stays in float: {explain(graph, op)}")
            continue
        ends_chain = (isinstance(op, Quantize) and op.x not in graph.inputs) or (
            isinstance(op, Elementwise | Dequantize) and op.result in graph.outputs
        )
        if ends_chain and not isinstance(producers.get(op.operands[0]), Conv):
            reasons.append(_float_chain(op, producers))
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        made = producers.get(value)
        if value in graph.inputs:
            reasons.append(f"output {name!r} is the graph input %{value.name} itself")
        elif not value.type.is_byte and not isinstance(made, Lookup | Conv | Elementwise):
            kind = made.kind if made else "nothing"
            reasons.append(f"output {name!r} is made by {kind} in float")
    if reasons:
        raise UnsupportedError(
            f"{graph.name}: parts of the model are not integer; "
            "onnx2wgsl takes models that ONNX Runtime runs wholly in integers:",
            reasons,
        )


def require_images(graph: Graph) -> None:
    """Refuses activations that have no rows and columns: the packed layout is one of images."""
    values = [*graph.inputs, *(op.result for op in graph.ops)]
    reasons = [
        f"%{value.name} is {value.type}, which has {len(value.type.shape)} dimensions"
        for value in values
        if len(value.type.shape) != 4
    ]
    if reasons:
        raise UnsupportedError(
            f"{graph.name}: only tensors [N, C, H, W] are supported; "
            "give such a shape by --shape, or reshape in the model before it is quantized:",
            reasons,
        )


def _float_chain(op: Op, producers: dict[Value, Op]) -> str:
    source = producers.get(op.operands[0])
    while isinstance(source, Elementwise):
        source = producers.get(source.variable)
    start = "a float graph input" if source is None else f"{source.kind} %{source.result.name}"
    return f"{op.kind} %{op.result.name} ends a chain of float ops that starts at {start}"
