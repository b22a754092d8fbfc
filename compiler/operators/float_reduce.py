"""Sums, maxima and products over windows, rows and matrices: every kernel of a float region that
reads more than one element for each of its result.

result[o] = finish(combine over k of a[o, k] or a[o, k] * b[o, k]), o over the axes of the result, k
over those that are reduced. The address in each operand is a sum over both kinds of axes; where a
window may reach outside, or reads by a table, that axis' index is a `Coordinate`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Array, OnnxOp, Value
from ..node_reference import run_node
from ..program import Source, View
from .base import FamilyKernel
from .float_expressions import literal
from .float_map import broadcast_strides, node_name, source_of, tensor_of, words_of

if TYPE_CHECKING:
    from ..codegen import Json, Shader
    from ..passes.schedule import Scheduler
    from ..simulator import Memory

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
"""Of the nodes that float_expand.py makes."""
ROW = 64
"""Elements from which a row is shared out among the invocations of a workgroup."""


@dataclass(frozen=True, eq=False)
class Coordinate:
    """An index into an operand's axis: (first + sum of o * out + sum of k * reduced) / divisor, or
    `table` at it; an element outside 0..size - 1, or whose division leaves a rest, is left out.
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

    `finish`: an expression of `acc`; `scale` multiplies it and `bias` is added, each where given.
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
        named = (("a", self.a), ("b", self.b), ("bias", self.bias))
        return [(name, operand) for name, operand in named if operand is not None]

    @property
    def is_tiled(self) -> bool:
        return self.tile_axis is not None and self.sizes[self.tile_axis] % TILE == 0

    @property
    def is_shared(self) -> bool:
        """Whether the invocations of a workgroup make one element together."""
        return self.b is None and not self.a.coordinates and self.length >= ROW


def schedule_reduction(op: OnnxOp, found: Reduction, to: Scheduler) -> None:
    """The kernel of a reduction that `op` is."""
    assert found.count == op.result.type.size, f"%{op.result.name}: {found.sizes}"
    read = {operand.value: source_of(operand.value, to) for _, operand in found.operands}
    to.kernel(
        ReduceKernel(
            *to.frame(op),
            sources=tuple(read.values()),
            leaves=tuple(read),
            reduction=found,
            node=op,
            opset=EXPANDED_OPSET if op.result in to.origins else to.graph.opset,
            nodes=(node_name(op, to),),
        )
    )


@dataclass(eq=False)
class ReduceKernel(FamilyKernel):
    """One ONNX node that reduces, on row-major words."""

    op = "float_reduce"
    is_float = True
    sources: tuple[Source, ...] = field(kw_only=True)
    leaves: tuple[Value, ...] = field(kw_only=True)
    reduction: Reduction = field(kw_only=True)
    node: OnnxOp = field(kw_only=True)
    opset: int = 21
    nodes: tuple[str, ...] = ()

    def reads(self) -> list[View]:
        return [source for source in self.sources if isinstance(source, View)]

    @property
    def macs(self) -> int:
        return self.reduction.count * self.reduction.length if self.reduction.b else 0

    def simulate(self, memory: Memory, inputs: Mapping[str, Array]) -> Array:
        tensors = {
            leaf: tensor_of(memory.row_major(source, inputs), leaf)
            for leaf, source in zip(self.leaves, self.sources, strict=True)
        }
        xs = [tensors[x] if x.data is None else x.array for x in self.node.xs]
        return words_of(run_node(self.node.op, self.node.attributes, xs, self.opset))

    def title(self) -> str:
        return f"float_reduce: {self.node.op}"

    def emit(self, shader: Shader) -> Json:
        r = self.reduction
        arrays = dict(zip(self.leaves, self.sources, strict=True))
        operands = {
            name: _emit_operand(shader, name, operand, arrays[operand.value])
            for name, operand in r.operands
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
    shader.define(**{f"{name}_at": start})
    held: Json = {"array": array, "coordinates": []}
    for kind, strides in (("out", operand.out), ("reduced", operand.reduced)):
        held[kind] = [n for n, stride in enumerate(strides) if stride]
        for n in held[kind]:
            shader.define(**{f"{name}_{kind}{n}": strides[n]})
    for number, c in enumerate(operand.coordinates):
        prefix = f"{name}_c{number}"
        shader.define("i32", **{f"{prefix}_first": c.first})
        shader.define(**{f"{prefix}_size": c.size, f"{prefix}_stride": c.stride})
        if c.divisor > 1:
            shader.define("i32", **{f"{prefix}_divisor": c.divisor})
        if c.table is not None:
            shader.define(**{f"{prefix}_table": shader.table(c.table.astype(np.int32))})
        for kind, factors in (("out", c.out), ("reduced", c.reduced)):
            for n, factor in factors.items():
                shader.define("i32", **{f"{prefix}_{kind}{n}": factor})
        held["coordinates"].append(
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
    return held


def _by_level(operands: dict[str, Json], levels: int) -> list[list[Json]]:
    """The coordinates that can be computed inside each loop."""
    every = [c for operand in operands.values() for c in operand["coordinates"]]
    return [[c for c in every if c["level"] == level] for level in range(levels)]


# ---------------------------------------------------------------------------------- matrices


def matmul(op: OnnxOp) -> Reduction:
    """MatMul, as numpy's; `alpha`, transpositions and bias of Gemm and FusedMatMul."""
    a, b = op.xs[:2]
    a_shape = a.type.shape if len(a.type.shape) > 1 else (1, *a.type.shape)
    b_shape = b.type.shape if len(b.type.shape) > 1 else (*b.type.shape, 1)
    batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
    rows, inner, columns = *a_shape[-2:], b_shape[-1]
    a_batch = _batch_strides(a_shape, batch)
    b_batch = _batch_strides(b_shape, batch)
    return Reduction(
        "dot",
        (*batch, rows, columns),
        (inner,),
        Operand(a, (*a_batch, inner, 0), (1,)),
        Operand(b, (*b_batch, 0, 1), (columns,)),
        tile_axis=len(batch) + 1,
    )


def _batch_strides(shape: tuple[int, ...], batch: tuple[int, ...]) -> tuple[int, ...]:
    strides, stride = [0] * len(batch), shape[-1] * shape[-2]
    for number in range(1, len(shape) - 1):
        if shape[-2 - number] > 1:
            strides[-number] = stride
        stride *= shape[-2 - number]
    return tuple(strides)


def gemm(op: OnnxOp) -> Reduction:
    """alpha * A @ B + beta * C, A and B transposed where asked."""
    a, b = op.xs[:2]
    given = op.attributes
    a_rows, a_columns = a.type.shape
    b_rows, b_columns = b.type.shape
    rows, inner, a_steps = a_rows, a_columns, (a_columns, 1)
    if given.get("transA", 0):
        rows, inner, a_steps = a_columns, a_rows, (1, a_columns)
    columns, b_steps = b_columns, (1, b_columns)
    if given.get("transB", 0):
        columns, b_steps = b_rows, (b_columns, 1)
    finish, bias = "acc", None
    if given.get("alpha", 1.0) != 1.0:
        finish = f"acc * {literal(given['alpha'])}"
    if len(op.xs) > 2 and op.xs[2].type.size:
        bias = Operand(op.xs[2], broadcast_strides(op.xs[2].type.shape, (rows, columns)))
        beta = given.get("beta", 1.0)
        finish += " + bias" if beta == 1.0 else f" + bias * {literal(beta)}"
    return Reduction(
        "dot",
        (rows, columns),
        (inner,),
        Operand(a, (a_steps[0], 0), (a_steps[1],)),
        Operand(b, (0, b_steps[0]), (b_steps[1],)),
        bias,
        finish,
        tile_axis=1,
    )


# ---------------------------------------------------------------------------------- windows


def begin_pads(
    attributes: Mapping[str, Any], size: tuple[int, ...], reach: tuple[int, ...],
    strides: tuple[int, ...], out: tuple[int, ...],
) -> list[int]:  # fmt: skip
    """Pads before each axis of a convolution or pool."""
    mode = attributes.get("auto_pad", "NOTSET")
    axes = len(size)
    if mode in ("NOTSET", ""):
        return list(attributes.get("pads", [0] * 2 * axes))[:axes]
    if mode == "VALID":
        return [0] * axes
    before = []
    for n in range(axes):
        total = max(0, (out[n] - 1) * strides[n] + reach[n] - size[n])
        before.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
    return before


@dataclass(frozen=True)
class Window:
    """Kernel, strides, dilations and pads before each spatial axis, and the sizes on both sides."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    size: tuple[int, ...]
    out: tuple[int, ...]

    @classmethod
    def of(cls, op: OnnxOp, kernel: tuple[int, ...]) -> Window:
        a, axes = op.attributes, len(kernel)
        size, out = op.xs[0].type.shape[2:], op.result.type.shape[2:]
        strides = tuple(a.get("strides", (1,) * axes))
        dilations = tuple(a.get("dilations", (1,) * axes))
        reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
        pads = begin_pads(a, size, reach, strides, out)
        return cls(kernel, strides, dilations, tuple(pads), size, out)

    def coordinates(self, first_out: int) -> tuple[Coordinate, ...]:
        """The index along each spatial axis; out axes from `first_out`, reduced ones from 0."""
        found = []
        for n, size in enumerate(self.size):
            last = (self.out[n] - 1) * self.strides[n] + (self.kernel[n] - 1) * self.dilations[n]
            found.append(
                Coordinate(
                    {first_out + n: self.strides[n]},
                    {n: self.dilations[n]},
                    -self.pads[n],
                    size,
                    math.prod(self.size[n + 1 :]),
                    guarded=self.pads[n] > 0 or last - self.pads[n] >= size,
                )
            )
        return tuple(found)


def convolution(op: OnnxOp) -> Reduction:
    """Conv over any number of axes: result [N, group, O / group, ...], reduced [..., C / group]."""
    x, weight = op.xs[:2]
    out_channels, inner, *kernel = weight.type.shape
    w = Window.of(op, tuple(kernel))
    group = int(op.attributes.get("group", 1))
    plane, taps = math.prod(w.size), math.prod(kernel)
    own = out_channels // group
    spatial = (0,) * len(kernel)
    taps_strides = tuple(math.prod(kernel[n + 1 :]) for n in range(len(kernel)))
    out = (x.type.shape[1] * plane, inner * plane, 0, *spatial)
    bias = None
    if len(op.xs) > 2 and op.xs[2].type.size:
        bias = Operand(op.xs[2], (0, own, 1, *spatial))
    return Reduction(
        "dot",
        (x.type.shape[0], group, own, *w.out),
        (*kernel, inner),
        Operand(x, out, (*spatial, plane), w.coordinates(3)),
        Operand(weight, (0, own * inner * taps, inner * taps, *spatial), (*taps_strides, taps)),
        bias,
        "acc + bias" if bias else "acc",
        tile_axis=2,
    )


def transposed_convolution(op: OnnxOp) -> Reduction:
    """ConvTranspose, gathered: the input at (y + pad - ky * dilation) / stride, where whole."""
    x, weight = op.xs[:2]
    channels, own, *kernel = weight.type.shape
    a, axes = op.attributes, len(kernel)
    group = int(a.get("group", 1))
    inner = channels // group
    size, out = x.type.shape[2:], op.result.type.shape[2:]
    strides = tuple(a.get("strides", (1,) * axes))
    dilations = tuple(a.get("dilations", (1,) * axes))
    pads = transposed_pads(a, size, out, tuple(kernel), strides, dilations)
    coordinates = tuple(
        Coordinate(
            {3 + n: 1}, {n: -dilations[n]}, pads[n], size[n], math.prod(size[n + 1 :]), strides[n]
        )
        for n in range(axes)
    )
    plane, taps, spatial = math.prod(size), math.prod(kernel), (0,) * axes
    taps_strides = tuple(math.prod(kernel[n + 1 :]) for n in range(axes))
    bias = None
    if len(op.xs) > 2 and op.xs[2].type.size:
        bias = Operand(op.xs[2], (0, own, 1, *spatial))
    return Reduction(
        "dot",
        (x.type.shape[0], group, own, *out),
        (*kernel, inner),
        Operand(x, (channels * plane, inner * plane, 0, *spatial), (*spatial, plane), coordinates),
        Operand(weight, (0, inner * own * taps, taps, *spatial), (*taps_strides, own * taps)),
        bias,
        "acc + bias" if bias else "acc",
        tile_axis=2,
    )


def transposed_pads(
    a: Mapping[str, Any], size: tuple[int, ...], out: tuple[int, ...], kernel: tuple[int, ...],
    strides: tuple[int, ...], dilations: tuple[int, ...],
) -> list[int]:  # fmt: skip
    """Pads before each axis, from the result's shape where the node does not say them."""
    axes, mode = len(size), a.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "") and not a.get("output_shape"):
        return list(a.get("pads", [0] * 2 * axes))[:axes]
    extra = a.get("output_padding", [0] * axes)
    before = []
    for n in range(axes):
        reach = (kernel[n] - 1) * dilations[n] + 1
        total = max(0, strides[n] * (size[n] - 1) + extra[n] + reach - out[n])
        before.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
    return before


def pool(op: OnnxOp) -> Reduction:
    """MaxPool, AveragePool and LpPool: result [N * C, ...]."""
    x = op.xs[0]
    w = Window.of(op, tuple(op.attributes["kernel_shape"]))
    plane, spatial = math.prod(w.size), (0,) * len(w.kernel)
    images = x.type.shape[0] * x.type.shape[1]
    a = Operand(x, (plane, *spatial), spatial, w.coordinates(1))
    sizes = (images, *w.out)
    if op.op == "MaxPool":
        return Reduction("max", sizes, w.kernel, a)
    if op.op == "LpPool":
        return _norm(Reduction("squares", sizes, w.kernel, a), int(op.attributes.get("p", 2)))
    share = Value.constant(f"{op.result.name}.shares", _shares(op, w))
    strides = tuple(math.prod(w.out[n + 1 :]) for n in range(len(w.out)))
    b = Operand(share, (0, *strides), spatial)
    return Reduction("dot", sizes, w.kernel, a, b)


def _norm(found: Reduction, p: int) -> Reduction:
    if p == 1:
        return replace(found, combine="absolutes")
    return replace(found, combine="squares", finish="sqrt(acc)")


def _shares(op: OnnxOp, w: Window) -> Array:
    """What one element counts in each window of an AveragePool: f32 of the result's spatial shape;
    as onnxruntime's, which is run on ones.
    """
    shape = (1, 1, *w.size)
    sums = run_node(op.op, op.attributes, [np.ones(shape, np.float32)], 21)[0, 0]
    counts = np.ones((), np.float64)
    for n, size in enumerate(w.size):
        at = np.arange(w.out[n])[:, None] * w.strides[n] - w.pads[n]
        taps = at + np.arange(w.kernel[n]) * w.dilations[n]
        counts = np.multiply.outer(counts, ((taps >= 0) & (taps < size)).sum(1))
    return (sums / np.maximum(counts, 1)).astype(np.float32)


# ---------------------------------------------------------------------------------- rows

REDUCTIONS: dict[str, tuple[str, str]] = {
    "ReduceL1": ("absolutes", "acc"),
    "ReduceL2": ("squares", "sqrt(acc)"),
    "ReduceLogSum": ("sum", "log(acc)"),
    "ReduceMax": ("max", "acc"),
    "ReduceMean": ("sum", "acc / count"),
    "ReduceMin": ("min", "acc"),
    "ReduceProd": ("product", "acc"),
    "ReduceSum": ("sum", "acc"),
    "ReduceSumSquare": ("squares", "acc"),
}
GLOBAL = {
    "GlobalAveragePool": ("sum", "acc / count"),
    "GlobalLpPool": ("squares", "sqrt(acc)"),
    "GlobalMaxPool": ("max", "acc"),
}


def reduced_axes(op: OnnxOp) -> list[int]:
    """The axes that a Reduce node or a global pool reduces."""
    rank = len(op.xs[0].type.shape)
    if op.op in GLOBAL:
        return list(range(2, rank))
    given = op.attributes.get("axes")
    if given is None and len(op.xs) > 1 and op.xs[1].type.size:
        given = op.xs[1].array.reshape(-1).tolist()
    if not given:
        return [] if op.attributes.get("noop_with_empty_axes", 0) else list(range(rank))
    return sorted(axis % rank for axis in given)


def rows(op: OnnxOp) -> Reduction:
    """A Reduce node or a global pool."""
    x, axes = op.xs[0], reduced_axes(op)
    combine, finish = (REDUCTIONS | GLOBAL)[op.op]
    shape = x.type.shape
    strides = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    kept = [n for n in range(len(shape)) if n not in axes]
    sizes = tuple(shape[n] for n in kept) or (1,)
    reduced = tuple(shape[n] for n in axes) or (1,)
    out = tuple(strides[n] for n in kept) or (0,)
    inside = tuple(strides[n] for n in axes) or (0,)
    finish = finish.replace("count", literal(math.prod(reduced)))
    found = Reduction(combine, sizes, reduced, Operand(x, out, inside), finish=finish)
    if op.op == "GlobalLpPool":
        return _norm(found, int(op.attributes.get("p", 2)))
    return found


# ---------------------------------------------------------------------------------- resize


def interpolation(op: OnnxOp, axis: int) -> Reduction:
    """A linear map along one axis, weights f32 [result, source] of which most are zero."""
    x, weights = op.xs[0], op.xs[1].array
    shape = x.type.shape
    taps = max(1, int((weights != 0).sum(1).max()))
    order = np.sort(np.argsort(weights == 0, axis=1, kind="stable")[:, :taps], axis=1)
    values = np.take_along_axis(weights, order, 1).astype(np.float32)
    strides = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    out = tuple(0 if n == axis else strides[n] for n in range(len(shape)))
    index = Coordinate(
        {axis: taps}, {0: 1}, 0, shape[axis], strides[axis], table=order.reshape(-1), guarded=False
    )
    along = tuple(taps if n == axis else 0 for n in range(len(shape)))
    held = Value.constant(f"{op.result.name}.weights", values)
    return Reduction(
        "dot",
        op.result.type.shape,
        (taps,),
        Operand(x, out, (0,), (index,)),
        Operand(held, along, (1,)),
    )
