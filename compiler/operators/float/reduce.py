"""Sums, maxima and products over windows, rows and matrices: every kernel of a float region that
reads more than one element for each of its result.

result[o] = finish(combine over k of a[o, k] or a[o, k] * b[o, k]), o over the axes of the result, k
over those that are reduced. The address in each operand is a sum over both kinds of axes; where a
window may reach outside, or reads by a table, that axis' index is a `Coordinate`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...ir.graph import Value
from ...ir.program import Source
from ...ir.types import Array
from ...lowering.memory import Memory
from ...lowering.scheduling import Scheduler
from ...lowering.shader import Json, Shader
from ...reference.node import run_node
from ..base import FamilyKernel
from ..onnx_op import OnnxOp
from .map import node_name, source_of, tensor_of, words_of

LEAST = "-3.4028234e38"
COMBINE: dict[str, tuple[str, str]] = {
    "sum": ("0.0", "acc + a"),
    "dot": ("0.0", "acc + a * b"),
    "squares": ("0.0", "acc + a * a"),
    "absolutes": ("0.0", "acc + abs(a)"),
    "product": ("1.0", "acc * a"),
    "max": (LEAST, "max(acc, a)"),
    "min": ("3.4028234e38", "min(acc, a)"),
}
"""What each combination begins with, and how it takes an element."""
BOTH = dict.fromkeys(("squares", "absolutes"), "acc + a")
"""How two parts of a row are put together, where not as an element is taken."""
TILE = 4
"""Results of one invocation of a `dot` that share their a's."""
EXPANDED_OPSET = 21
"""Of the nodes that expand.py makes."""
ROW = 64
"""Elements from which a row is shared out among the invocations of a workgroup."""


@dataclass(frozen=True, eq=False)
class Coordinate:
    """An index into an operand's axis: (first + sum of o * out + sum of k * reduced) / divisor, or
    `table` at it; an element outside 0..size - 1, or whose division leaves a rest, is left out.

    Along an axis of 5, windows at every second element, one pad before: where the last tap of the second is

    >>> at = Coordinate({0: 2}, {0: 1}, first=-1, size=5, stride=1)
    >>> o, k = 1, 2
    >>> (at.first + o * at.out[0] + k * at.reduced[0]) // at.divisor
    3
    """

    out: Mapping[int, int]
    reduced: Mapping[int, int]
    first: int
    size: int
    stride: int
    divisor: int = 1
    table: Array | None = None
    guarded: bool = True


@dataclass(frozen=True, eq=False)
class Operand:
    """Strides of an operand along the axes of the result and along the reduced ones, in words."""

    value: Value
    out: tuple[int, ...]
    reduced: tuple[int, ...] = ()
    coordinates: tuple[Coordinate, ...] = ()


@dataclass(frozen=True, eq=False)
class Reduction:
    """What a kernel computes; `sizes` of the result's axes in its row-major order.

    `finish`: an expression of `acc`, and of `bias` where there is one.
    """

    combine: str
    sizes: tuple[int, ...]
    reduced: tuple[int, ...]
    a: Operand
    b: Operand | None = None
    bias: Operand | None = None
    finish: str = "acc"
    tile_axis: int | None = None

    @property
    def count(self) -> int:
        return math.prod(self.sizes)

    @property
    def length(self) -> int:
        return math.prod(self.reduced)

    @property
    def operands(self) -> list[tuple[str, Operand]]:
        fields = (("a", self.a), ("b", self.b), ("bias", self.bias))
        return [(name, operand) for name, operand in fields if operand is not None]

    @property
    def is_tiled(self) -> bool:
        return self.tile_axis is not None and self.sizes[self.tile_axis] % TILE == 0

    @property
    def is_shared(self) -> bool:
        """Whether the invocations of a workgroup make one element together."""
        return self.b is None and not self.a.coordinates and self.length >= ROW


def schedule_reduction(op: OnnxOp, reduction: Reduction, scheduler: Scheduler) -> None:
    """The kernel of a reduction that `op` is."""
    assert reduction.count == op.result.type.size, f"%{op.result.name}: {reduction.sizes}"
    sources = {operand.value: source_of(operand.value, scheduler) for _, operand in reduction.operands}
    scheduler.kernel(
        ReduceKernel(
            *scheduler.frame(op),
            sources=tuple(sources.values()),
            leaves=tuple(sources),
            reduction=reduction,
            node=op,
            opset=EXPANDED_OPSET if op.result in scheduler.origins else scheduler.graph.opset,
            nodes=(node_name(op, scheduler),),
        )
    )


SUMS = ("ReduceL1", "ReduceL2", "ReduceMean", "ReduceSum", "ReduceSumSquare")
"""Simulated in f64: the device adds up in parts, and so comes closer than one running sum."""


@dataclass(eq=False)
class ReduceKernel(FamilyKernel):
    """One ONNX node that reduces, on row-major words."""

    kind = "float_reduce"
    is_float = True
    sources: tuple[Source, ...] = field(kw_only=True)
    leaves: tuple[Value, ...] = field(kw_only=True)
    reduction: Reduction = field(kw_only=True)
    node: OnnxOp = field(kw_only=True)
    opset: int = 21
    nodes: tuple[str, ...] = ()

    @property
    def word_dtype(self) -> str:
        return self.node.result.type.dtype

    @property
    def macs(self) -> int:
        return self.reduction.count * self.reduction.length if self.reduction.b else 0

    @property
    def operations(self) -> int:
        return self.reduction.count * self.reduction.length

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        tensors = {
            leaf: tensor_of(memory.row_major(source, inputs), leaf)
            for leaf, source in zip(self.leaves, self.sources, strict=True)
        }
        xs = [tensors[x] if x.data is None else x.array for x in self.node.xs]
        if self.node.op_type in SUMS and xs[0].dtype == np.float32:
            xs[0] = xs[0].astype(np.float64)
            result = run_node(self.node.op_type, self.node.attributes, xs, self.opset)
            return words_of(result.astype(np.float32))
        return words_of(run_node(self.node.op_type, self.node.attributes, xs, self.opset))

    def title(self) -> str:
        return f"float_reduce: {self.node.op_type}"

    def emit(self, shader: Shader) -> Json:
        r = self.reduction
        arrays = dict(zip(self.leaves, self.sources, strict=True))
        operands = {
            name: _emit_operand(shader, name, operand, arrays[operand.value]) for name, operand in r.operands
        }
        for number, size in enumerate(r.sizes):
            tiled = r.is_tiled and number == r.tile_axis
            shader.define(suffix=str(number), out=size // TILE if tiled else size)
        for number, size in enumerate(r.reduced):
            shader.define(suffix=str(number), reduced=size)
        initial, combine = COMBINE[r.combine]
        structure: Json = {
            "operands": operands,
            "out": range(len(r.sizes)),
            "reduced": range(len(r.reduced)),
            "initial": initial,
            "combine": combine,
            "both": BOTH.get(r.combine, combine),
            "finish": r.finish,
            "tile": TILE if r.is_tiled else 1,
            "tile_axis": r.tile_axis if r.is_tiled else -1,
            "shared": r.is_shared,
            "coordinates": _by_level(operands, len(r.reduced)),
        }
        if r.is_tiled:
            assert r.tile_axis is not None
            shader.define(tile_stride=math.prod(r.sizes[r.tile_axis + 1 :]))
            structure["invocations"] = r.count // TILE
        if r.is_shared:
            shader.define(length=r.length)
            structure["invocations"] = r.count * ROW
        return structure


def _emit_operand(shader: Shader, name: str, operand: Operand, source: Source) -> Json:
    array, start = shader.operand(source)
    shader.define("u32", "", **{f"{name}_at": start})
    structure: Json = {"array": array, "coordinates": []}
    for kind, strides in (("out", operand.out), ("reduced", operand.reduced)):
        structure[kind] = [n for n, stride in enumerate(strides) if stride]
        for n in structure[kind]:
            shader.define("u32", "", **{f"{name}_{kind}{n}": strides[n]})
    for number, c in enumerate(operand.coordinates):
        prefix = f"{name}_c{number}"
        shader.define("i32", "", **{f"{prefix}_first": c.first})
        shader.define("u32", "", **{f"{prefix}_size": c.size, f"{prefix}_stride": c.stride})
        if c.divisor > 1:
            shader.define("i32", "", **{f"{prefix}_divisor": c.divisor})
        if c.table is not None:
            shader.define("u32", "", **{f"{prefix}_table": shader.table(c.table.astype(np.int32))})
        for kind, factors in (("out", c.out), ("reduced", c.reduced)):
            for n, factor in factors.items():
                shader.define("i32", "", **{f"{prefix}_{kind}{n}": factor})
        structure["coordinates"].append(
            {
                "name": prefix,
                "operand": name,
                "out": list(c.out),
                "reduced": list(c.reduced),
                "divisor": c.divisor > 1,
                "table": c.table is not None,
                "guarded": c.guarded,
                "level": max(c.reduced, default=0),
            }
        )
    return structure


def _by_level(operands: dict[str, Json], levels: int) -> list[list[Json]]:
    """The coordinates that can be computed inside each loop."""
    every = [c for operand in operands.values() for c in operand["coordinates"]]
    return [[c for c in every if c["level"] == level] for level in range(levels)]
