"""What a Graph must satisfy between passes: order, names, shapes, types."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import CompileError
from ..operators.base import FamilyOp
from ..operators.packed_ops import PackedConv, QuantizeByThresholds
from .graph import (
    Concat,
    Conv,
    ConvolutionOp,
    Elementwise,
    FloatOp,
    Graph,
    Lookup,
    Op,
    Pad,
    QConv,
    Quantize,
    Resize,
    Value,
)


def convolution_shape(op: ConvolutionOp, kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Shape of a convolution's result [N, channels, H, W], or [N, channels, W]."""
    upsample = getattr(op, "upsample", (1, 1))
    top, left, bottom, right = op.pads
    batch, _, *size = op.x.type.shape
    sizes = []
    for axis, pad in ((0, top + bottom), (1, left + right)):
        padded = (size if len(size) == 2 else [1, *size])[axis] * upsample[axis] + pad
        reach = (kernel[axis] - 1) * op.dilations[axis] + 1
        sizes.append((padded - reach) // op.strides[axis] + 1)
    return (batch, channels, *sizes[2 - len(size) :])


def expected_shape(op: Op) -> tuple[int, ...] | None:
    """The result's shape by the op's own rule; None where the op leaves it free."""
    match op:
        case PackedConv():
            _, kernel_h, _, kernel_w, _ = op.weight.type.shape
            return convolution_shape(op, (kernel_h, kernel_w), op.result.type.shape[1])
        case Conv() | QConv():
            channels, _, *kernel = op.weight.type.shape
            height, width = kernel if len(kernel) == 2 else (1, *kernel)
            return convolution_shape(op, (height, width), channels)
        case Concat():
            shape = list(op.xs[0].type.shape)
            shape[op.axis] = sum(x.type.shape[op.axis] for x in op.xs)
            return tuple(shape)
        case Pad():
            axes = len(op.pads) // 2
            shape = list(op.x.type.shape)
            for number in range(axes):
                shape[number - axes] += op.pads[number] + op.pads[axes + number]
            return tuple(shape)
        case FamilyOp():
            return op.expected_shape()
        case Resize() | FloatOp():
            return None
        case Elementwise():
            return np.broadcast_shapes(*(x.type.shape for x in op.xs if x.type.size))
        case _:
            return op.operands[0].type.shape


def verify(graph: Graph, after: str) -> None:
    """Raises CompileError when `graph` is not well formed; `after` names the pass that ran last."""
    problems: list[str] = []
    known: set[Value] = set(graph.inputs)
    names = {value.name for value in graph.inputs}
    for op in graph.ops:
        where = f"%{op.result.name} = {op.kind}"
        for value in op.operands:
            if value.data is None and value not in known:
                problems.append(f"{where} reads %{value.name} before it is made")
        if op.result.name in names:
            problems.append(f"{where}: the name is taken already")
        shape = expected_shape(op)
        if shape is not None and shape != op.result.type.shape:
            problems.append(f"{where} has shape {op.result.type.shape}, its rule gives {shape}")
        problems += [f"{where}: {problem}" for problem in _type_problems(op)]
        known.add(op.result)
        names.add(op.result.name)
    for value in graph.outputs:
        if value not in known and value.data is None:
            problems.append(f"output %{value.name} is never made")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise CompileError(f"internal error: the graph is not valid after {after}:\n{listed}")


def _type_problems(op: Op) -> Iterator[str]:
    """Rules on dtypes and quantization that hold in every stage."""
    result = op.result.type
    if isinstance(op, Quantize) and op.x.data is not None:
        if not result.is_byte:
            yield f"the result {result} must be a byte type"
    elif isinstance(op, QConv | PackedConv) and result.dtype == "i32":
        pass  # the sums themselves
    elif isinstance(op, Quantize | QConv | PackedConv | QuantizeByThresholds):
        if not result.is_byte or result.quantization is None:
            yield f"the result {result} must be a quantized byte type"
        elif not result.limits[0] <= result.quantization.zero_point <= result.limits[1]:
            yield f"the zero point lies outside {result.limits}"
    known = isinstance(op, QConv | PackedConv) and op.x_zero_point is not None
    if isinstance(op, QConv | PackedConv) and op.x.type.quantization is None and not known:
        yield f"the operand {op.x.type} has no quantization"
    if isinstance(op, PackedConv) and (
        op.x.type.segments is None or (result.is_byte and result.segments is None)
    ):
        yield "operand and result must be packed"
    if isinstance(op, Concat | Resize | Pad) and result.is_byte:
        for value in op.operands:
            if (value.type.dtype, value.type.quantization) != (result.dtype, result.quantization):
                yield f"%{value.name}: {value.type} is moved into {result} without a lookup"
    if isinstance(op, Lookup) and op.table.type.shape != (256,):
        yield f"the table has shape {op.table.type.shape}, not (256,)"
