"""What each reducing operator sums over what, as a `reduce.Reduction`: matrix products,
convolutions, pools, rows and interpolations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...ir.graph import Value
from ...ir.types import Array
from ...lowering.scheduling import Scheduler
from ...reference.node import run_node
from ..broadcast import broadcast_strides
from ..onnx_op import KERNELS, FloatKernel, OnnxOp
from .expressions import literal
from .reduce import Coordinate, Operand, Reduction, schedule_reduction

# ---------------------------------------------------------------------------------- matrices


def matmul(op: OnnxOp) -> Reduction:
    """MatMul, as numpy's; `alpha`, transpositions and bias of Gemm and FusedMatMul."""
    a, b = op.xs[:2]
    a_shape = a.type.shape if len(a.type.shape) > 1 else (1, *a.type.shape)
    b_shape = b.type.shape if len(b.type.shape) > 1 else (*b.type.shape, 1)
    batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
    rows, inner, columns = *a_shape[-2:], b_shape[-1]
    a_batch, b_batch = (broadcast_strides(s, (*batch, *s[-2:]))[:-2] for s in (a_shape, b_shape))
    return Reduction(
        "dot",
        (*batch, rows, columns),
        (inner,),
        Operand(a, (*a_batch, inner, 0), (1,)),
        Operand(b, (*b_batch, 0, 1), (columns,)),
        tile_axis=len(batch) + 1,
    )


def gemm(op: OnnxOp) -> Reduction:
    """alpha * A @ B + beta * C, A and B transposed where asked."""
    a, b = op.xs[:2]
    attributes = op.attributes
    a_rows, a_columns = a.type.shape
    b_rows, b_columns = b.type.shape
    rows, inner, a_steps = a_rows, a_columns, (a_columns, 1)
    if attributes.get("transA", 0):
        rows, inner, a_steps = a_columns, a_rows, (1, a_columns)
    columns, b_steps = b_columns, (1, b_columns)
    if attributes.get("transB", 0):
        columns, b_steps = b_rows, (b_columns, 1)
    finish, bias = "acc", None
    if attributes.get("alpha", 1.0) != 1.0:
        finish = f"acc * {literal(attributes['alpha'])}"
    if len(op.xs) > 2 and op.xs[2].type.size:
        bias = Operand(op.xs[2], broadcast_strides(op.xs[2].type.shape, (rows, columns)))
        beta = attributes.get("beta", 1.0)
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
        coordinates = []
        for n, size in enumerate(self.size):
            last = (self.out[n] - 1) * self.strides[n] + (self.kernel[n] - 1) * self.dilations[n]
            coordinates.append(
                Coordinate(
                    {first_out + n: self.strides[n]},
                    {n: self.dilations[n]},
                    -self.pads[n],
                    size,
                    math.prod(self.size[n + 1 :]),
                    guarded=self.pads[n] > 0 or last - self.pads[n] >= size,
                )
            )
        return tuple(coordinates)


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
        Coordinate({3 + n: 1}, {n: -dilations[n]}, pads[n], size[n], math.prod(size[n + 1 :]), strides[n])
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
    if op.op_type == "MaxPool":
        return Reduction("max", sizes, w.kernel, a)
    if op.op_type == "LpPool":
        return _norm(Reduction("squares", sizes, w.kernel, a), int(op.attributes.get("p", 2)))
    share = Value.constant(f"{op.result.name}.shares", _shares(op, w))
    strides = tuple(math.prod(w.out[n + 1 :]) for n in range(len(w.out)))
    b = Operand(share, (0, *strides), spatial)
    return Reduction("dot", sizes, w.kernel, a, b)


def _norm(reduction: Reduction, p: int) -> Reduction:
    if p == 1:
        return replace(reduction, combine="absolutes")
    return replace(reduction, combine="squares", finish="sqrt(acc)")


def _shares(op: OnnxOp, w: Window) -> Array:
    """What one element counts in each window of an AveragePool: f32 of the result's spatial shape;
    as onnxruntime's, which is run on ones.
    """
    shape = (1, 1, *w.size)
    sums = run_node(op.op_type, op.attributes, [np.ones(shape, np.float32)], 21)[0, 0]
    counts = np.ones((), np.float64)
    for n, size in enumerate(w.size):
        at = np.arange(w.out[n])[:, None] * w.strides[n] - w.pads[n]
        taps = at + np.arange(w.kernel[n]) * w.dilations[n]
        counts = np.multiply.outer(counts, ((taps >= 0) & (taps < size)).sum(1))
    shares: Array = (sums / np.maximum(counts, 1)).astype(np.float32)
    return shares


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
    if op.op_type in GLOBAL:
        return list(range(2, rank))
    axes = op.attributes.get("axes")
    if axes is None and len(op.xs) > 1 and op.xs[1].type.size:
        axes = op.xs[1].array.reshape(-1).tolist()
    if not axes:
        return [] if op.attributes.get("noop_with_empty_axes", 0) else list(range(rank))
    return sorted(axis % rank for axis in axes)


def rows(op: OnnxOp) -> Reduction:
    """A Reduce node or a global pool."""
    x, axes = op.xs[0], reduced_axes(op)
    combine, finish = (REDUCTIONS | GLOBAL)[op.op_type]
    shape = x.type.shape
    strides = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    outer = [n for n in range(len(shape)) if n not in axes]
    sizes = tuple(shape[n] for n in outer) or (1,)
    lengths = tuple(shape[n] for n in axes) or (1,)
    out = tuple(strides[n] for n in outer) or (0,)
    inside = tuple(strides[n] for n in axes) or (0,)
    finish = finish.replace("count", literal(math.prod(lengths)))
    reduction = Reduction(combine, sizes, lengths, Operand(x, out, inside), finish=finish)
    if op.op_type == "GlobalLpPool":
        return _norm(reduction, int(op.attributes.get("p", 2)))
    return reduction


# ---------------------------------------------------------------------------------- resize


def interpolation(op: OnnxOp, axis: int) -> Reduction:
    """A linear map along one axis, weights f32 [result, source] of which most are zero.

    >>> x = Value("x", TensorType("f32", (3,)))
    >>> weights = Value.constant("w", np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]], np.float32))
    >>> r = interpolation(OnnxOp(Value("y", x.type), (x, weights)), 0)  # at most two sources a result
    >>> r.a.coordinates[0].table.tolist(), r.b.value.array.tolist()
    ([0, 1, 0, 1, 0, 2], [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    """
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
    factors = Value.constant(f"{op.result.name}.weights", values)
    return Reduction(
        "dot",
        op.result.type.shape,
        (taps,),
        Operand(x, out, (0,), (index,)),
        Operand(factors, along, (1,)),
    )


def _schedule(describe: Callable[[OnnxOp], Reduction]) -> Callable[[OnnxOp, Scheduler], None]:
    """Adds the kernel of the reduction that `describe` makes of a node."""
    return lambda op, scheduler: schedule_reduction(op, describe(op), scheduler)


def _refuse_reduction(op: OnnxOp) -> str | None:
    """What an operator asks of its operands and attributes here."""
    for value in op.xs[1:] if op.op_type in REDUCTIONS else ():
        if value.data is None:
            return f"its operand %{value.name} must be constant"
    if op.op_type in ("LpPool", "GlobalLpPool") and op.attributes.get("p", 2) not in (1, 2):
        return f"p = {op.attributes['p']}; 1 and 2 are taken"
    return None


DESCRIPTIONS: dict[str, Callable[[OnnxOp], Reduction]] = {
    "AveragePool": pool,
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": gemm,
    "LpPool": pool,
    "MatMul": matmul,
    "MaxPool": pool,
    **dict.fromkeys((*REDUCTIONS, *GLOBAL), rows),
}
"""What each operator combines."""
KERNELS.update(
    {name: FloatKernel(_schedule(describe), _refuse_reduction) for name, describe in DESCRIPTIONS.items()}
)
