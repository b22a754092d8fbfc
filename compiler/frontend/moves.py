"""How ONNX's moving operators become `move` ops of the Graph.

Handlers as in `frontend/handlers.py`. Shapes, axes and indices must be constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import TensorType
from ..operators.concat import Concat
from ..operators.moves.op import Move
from .importer import Handler, Importer
from .nodes import (
    NodeRefusal,
    axes_within,
    axis_attribute,
    refuse_rank,
    required_attribute,
    text_attribute,
)


def emit_move(
    imp: Importer,
    node: Any,
    form: str,
    shape: tuple[int, ...],
    *,
    output: int = 0,
    indices: Value | None = None,
    **attributes: Any,
) -> None:
    """A move of operand 0 to an output of `node`."""
    x = imp.required(node, 0)
    if min(shape, default=1) < 0 or (form == "reshape" and math.prod(shape) != x.type.size):
        raise NodeRefusal(f"{list(x.type.shape)} can't become {list(shape)}")
    type_ = TensorType(x.type.dtype, tuple(int(size) for size in shape), x.type.quantization)
    imp.emit(node, Move, type_, output, x=x, form=form, attributes=attributes, indices=indices)


def emit_concat(imp: Importer, node: Any, xs: Sequence[Value]) -> None:
    """All of `xs` along the axis of `node`."""
    common = common_type(xs, xs[0].type.shape)
    axis = axis_attribute(node, len(common.shape))
    joined = sum(x.type.shape[axis] for x in xs)
    type_ = replace(common, shape=(*common.shape[:axis], joined, *common.shape[axis + 1 :]))
    imp.emit(node, Concat, type_, xs=tuple(xs), axis=axis)


def common_type(xs: Sequence[Value], shape: tuple[int, ...]) -> TensorType:
    """Of `shape`, the type that values which are moved together have in common."""
    kinds = {(x.type.dtype, x.type.quantization) for x in xs}
    if len(kinds) > 1:
        raise NodeRefusal(f"its operands differ in type: {', '.join(str(x.type) for x in xs)}")
    return TensorType(xs[0].type.dtype, shape, xs[0].type.quantization)


def integers(
    imp: Importer, node: Any, index: int, name: str = "", ranks: tuple[int, ...] = (1,)
) -> list[int] | None:
    """Constant integers of operand `index`, or of the attribute that older opsets have for it."""
    if name and name in node.attrs:
        return [int(n) for n in node.attrs[name]]
    array = imp.constant(node, index)
    if array is None:
        return None
    refuse_rank(array, index, ranks)
    return [int(n) for n in array.reshape(-1)]


def _list(imp: Importer, node: Any, index: int, name: str = "", ranks: tuple[int, ...] = (1,)) -> list[int]:
    """`integers` that must be given."""
    numbers = integers(imp, node, index, name, ranks)
    if numbers is None:
        raise NodeRefusal(f"operand {index} is missing")
    return numbers


def _concat(imp: Importer, node: Any) -> None:
    emit_concat(imp, node, [imp.required(node, index) for index in range(len(node.inputs))])


def _reshape(imp: Importer, node: Any) -> None:
    x, sides = imp.required(node, 0), _list(imp, node, 1)
    keep_zero = bool(node.attrs.get("allowzero", 0))
    shape = [x.type.shape[axis] if size == 0 and not keep_zero else size for axis, size in enumerate(sides)]
    if -1 in shape:
        known = math.prod(size for size in shape if size != -1)
        shape[shape.index(-1)] = x.type.size // max(known, 1)
    if math.prod(shape) != x.type.size:
        raise NodeRefusal(f"{list(x.type.shape)} can't be reshaped to {sides}")
    emit_move(imp, node, "reshape", tuple(shape))


def _flatten(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    axis = int(node.attrs.get("axis", 1))
    if not -len(shape) <= axis <= len(shape):
        raise NodeRefusal(f"axis {axis} reaches outside of {len(shape)} dimensions")
    axis = axis + len(shape) if axis < 0 else axis
    sides = (math.prod(shape[:axis]), math.prod(shape[axis:]))
    # Not just a reshape: onnxruntime lets no pairs through a Flatten (propagate_pairs).
    emit_move(imp, node, "reshape", sides, onnx="Flatten")


def _squeeze(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    axes = integers(imp, node, 1, "axes")
    gone = (
        [axis for axis, size in enumerate(shape) if size == 1]
        if axes is None
        else [axes_within([axis], len(shape))[0] for axis in axes]  # some twice
    )
    sides = tuple(size for axis, size in enumerate(shape) if axis not in gone)
    emit_move(imp, node, "reshape", sides)


def _unsqueeze(imp: Importer, node: Any) -> None:
    shape = list(imp.required(node, 0).type.shape)
    axes = _list(imp, node, 1, "axes", (0, 1))
    rank = len(shape) + len(axes)
    for axis in sorted(axes_within(axes, rank)):
        shape.insert(axis, 1)
    emit_move(imp, node, "reshape", tuple(shape))


def _transpose(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    perm = tuple(int(n) for n in node.attrs.get("perm", range(len(shape))[::-1]))
    if sorted(perm) != list(range(len(shape))):
        raise NodeRefusal(f"its perm {list(perm)} is no order of {len(shape)} axes")
    emit_move(imp, node, "transpose", tuple(shape[axis] for axis in perm), perm=perm)


def _slice(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    starts, ends = _list(imp, node, 1), _list(imp, node, 2)
    axes, steps = integers(imp, node, 3), integers(imp, node, 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise NodeRefusal(f"its starts {starts}, ends {ends}, axes {axes} and steps {steps} do not fit")
    ranges = [range(size) for size in shape]
    for start, end, at, step in zip(starts, ends, axes_within(axes, len(shape)), steps, strict=True):
        # Python clamps starts and ends as ONNX does.
        ranges[at] = range(shape[at])[slice(start, _end(end, step), step)]
    _emit_slice(imp, node, ranges)


def _end(end: int, step: int) -> int | None:
    """A backward slice down to and with element 0 has an end far below zero."""
    return None if step < 0 and end <= -(2**31) else end


def _emit_slice(imp: Importer, node: Any, ranges: list[range], output: int = 0, **attributes: Any) -> None:
    shape = tuple(len(one) for one in ranges)
    if 0 in shape:
        raise NodeRefusal(f"its result has shape {list(shape)}: no elements")
    starts = tuple(one.start for one in ranges)
    steps = tuple(one.step for one in ranges)
    slices = {"starts": starts, "steps": steps, **attributes}
    emit_move(imp, node, "slice", shape, output=output, **slices)


def _split(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    axis = axis_attribute(node, len(shape), 0)
    sizes = integers(imp, node, 1, "split")
    if sizes is None:
        count = max(1, int(node.attrs.get("num_outputs", len(node.outputs))))
        size = -(-shape[axis] // count)
        sizes = [min(size, shape[axis] - size * number) for number in range(count)]
    if len(sizes) != len(node.outputs) or sum(sizes) != shape[axis]:
        raise NodeRefusal(f"its parts {sizes} are not {len(node.outputs)} of {shape[axis]} elements")
    first = 0
    for output, size in enumerate(sizes):
        ranges = [range(n) for n in shape]
        ranges[axis] = range(first, first + size)
        # Not just slices: onnxruntime lets no pairs through a Split (propagate_pairs).
        _emit_slice(imp, node, ranges, output, onnx="Split")
        first += size


def _gather(imp: Importer, node: Any) -> None:
    shape = imp.required(node, 0).type.shape
    axis = axis_attribute(node, len(shape), 0)
    array = imp.constant(node, 1)
    if array is None:
        raise NodeRefusal("operand 1, its indices, is missing")
    indices = np.where(array < 0, array + shape[axis], array).astype(np.int64)
    if indices.size and not (indices.min() >= 0 and indices.max() < shape[axis]):
        raise NodeRefusal(f"its indices reach outside axis {axis} of {list(shape)}")
    sides = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    operand = Value.constant(f"{node.outputs[0].name}.indices", indices)
    emit_move(imp, node, "gather", sides, indices=operand, axis=axis)


def _expand(imp: Importer, node: Any) -> None:
    shape, sides = imp.required(node, 0).type.shape, _list(imp, node, 1, ranks=(0, 1, 2))
    emit_move(imp, node, "expand", np.broadcast_shapes(shape, tuple(sides)))


def _tile(imp: Importer, node: Any) -> None:
    shape, repeats = imp.required(node, 0).type.shape, _list(imp, node, 1)
    if len(repeats) != len(shape):
        raise NodeRefusal(f"it has {len(repeats)} repeats for {len(shape)} dimensions")
    sides = tuple(size * count for size, count in zip(shape, repeats, strict=True))
    emit_move(imp, node, "tile", sides, repeats=tuple(repeats))


def _depth_to_space(imp: Importer, node: Any) -> None:
    batch, channels, height, width = imp.required(node, 0).type.shape
    b = int(required_attribute(node, "blocksize"))
    mode = text_attribute(node, "mode", "DCR")
    if b < 1 or channels % (b * b):
        raise NodeRefusal(f"{channels} channels are no blocks of {b} x {b}")
    shape = (batch, channels // (b * b), height * b, width * b)
    emit_move(imp, node, "depth_to_space", shape, blocksize=b, mode=mode)


def _space_to_depth(imp: Importer, node: Any) -> None:
    batch, channels, height, width = imp.required(node, 0).type.shape
    b = int(required_attribute(node, "blocksize"))
    if b < 1 or height % b or width % b:
        raise NodeRefusal(f"{height} x {width} pixels are no blocks of {b} x {b}")
    shape = (batch, channels * b * b, height // b, width // b)
    emit_move(imp, node, "space_to_depth", shape, blocksize=b)


MOVES: dict[str, Handler] = {
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Expand": _expand,
    "Tile": _tile,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
