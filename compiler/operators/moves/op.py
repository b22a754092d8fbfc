"""Ops that only move values, whatever their dtype: reshape, transpose, slice, gather, tile, ...

A move is a map from each element of its result to one of its operand, or to a constant (`pad`). It
is evaluated by moving the operand; its kernel is made by moving the operand's *positions*: where
the moved positions are already those of some layout, the result is a view of the operand's words
and costs nothing; else one `gather` kernel reads them through address tables, one for each axis of
the result where the addresses are sums over the axes, or one entry for each element.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arithmetic import pad_indices, resize_indices
from ...errors import CompileError
from ...ir.graph import Op, Pad, Resize, Value
from ...ir.layout import positions
from ...ir.program import View
from ...ir.types import Array, TensorType
from ..base import FamilyOp, Get
from .gather import OUTSIDE, Addresses, GatherKernel

if TYPE_CHECKING:
    from ...passes.pack_int8 import Lowering
    from ...passes.schedule import Scheduler


ONNX_NAMES = {
    "depth_to_space": "DepthToSpace",
    "expand": "Expand",
    "gather": "Gather",
    "reshape": "Reshape",
    "slice": "Slice",
    "space_to_depth": "SpaceToDepth",
    "tile": "Tile",
    "transpose": "Transpose",
}


@dataclass(eq=False)
class Move(FamilyOp):
    """ONNX Reshape, Transpose, Slice, Gather, Expand, Tile, DepthToSpace or SpaceToDepth.

    `op` and its attributes, all of them constants: reshape, expand {} (to the result's shape),
    transpose {perm}, slice {starts, steps} (one each an axis), gather {axis} with `indices` i64,
    tile {repeats}, depth_to_space {blocksize, mode}, space_to_depth {blocksize}, interleave {group,
    strides, starts} (the phases of a transposed convolution), and layout {}: the same elements
    packed along another axis.
    """

    kind = "move"
    moves_values = True
    x: Value
    op: str = "reshape"
    attributes: dict[str, Any] = field(default_factory=dict)
    indices: Value | None = None

    @property
    def onnx_name(self) -> str:
        """That of the most general operator; one that is told from it says so in `attributes`."""
        return str(self.attributes.get("onnx", ONNX_NAMES.get(self.op, "")))

    def repeats(self) -> Value | None:
        before, after = self.x.type.shape, self.result.type.shape
        in_order = self.op == "transpose" and list(self.attributes["perm"]) == sorted(self.attributes["perm"])
        same = self.op in ("reshape", "expand") and before == after
        return self.x if same or in_order else None

    def evaluate(self, get: Get) -> Array:
        return moved(self, get(self.x))

    def lower(self, to: Lowering) -> None:
        lower_move(self, to)

    def schedule(self, to: Scheduler) -> None:
        schedule_move(self, to)


OPS = (Move,)


def moved(op: Op, x: Array, fill: Any = 0) -> Array:
    """What a move makes of an array of its operand's shape; `fill` stands where `pad` adds."""
    match op:
        case Resize():
            return _resized(op, x)
        case Pad():
            return _padded(op, x, fill)
        case Move():
            return _moved(op, x)
    raise CompileError(f"internal error: {op.kind} is no move")


def _moved(op: Move, x: Array) -> Array:
    shape, a = op.result.type.shape, op.attributes
    match op.op:
        case "reshape":
            return x.reshape(shape)
        case "layout":
            return x
        case "expand":
            return np.broadcast_to(x, shape)
        case "transpose":
            return x.transpose(a["perm"])
        case "slice":
            for axis, (start, step) in enumerate(zip(a["starts"], a["steps"], strict=True)):
                x = x.take(start + step * np.arange(shape[axis]), axis)
            return x
        case "gather":
            assert op.indices is not None
            return x.take(op.indices.array, a["axis"])
        case "tile":
            return np.tile(x, a["repeats"])
        case "depth_to_space":
            return _depth_to_space(x, a["blocksize"], a["mode"])
        case "interleave":
            return _interleaved(x, a["group"], a["strides"], a["starts"], shape)
        case "space_to_depth":
            batch, channels, height, width = x.shape
            b = a["blocksize"]
            blocks = x.reshape(batch, channels, height // b, b, width // b, b)
            return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(shape)
    raise CompileError(f"internal error: {op.op} is no move")


def _interleaved(
    x: Array, group: int, strides: tuple[int, ...], starts: tuple[int, ...], shape: tuple[int, ...]
) -> Array:
    """Phases [N, group * strides * C, ...] at every stride-th place of each axis, from `starts`.

    >>> phases = np.array([[[0, 1, 2], [10, 11, 12]]])
    >>> _interleaved(phases, 1, (2,), (1,), (1, 1, 4)).tolist()
    [[[10, 1, 11, 2]]]
    """
    batch, _, *size = x.shape
    axes = len(strides)
    blocks = x.reshape(batch, group, *strides, -1, *size)
    order = [0, 1, 2 + axes, *(n for i in range(axes) for n in (3 + axes + i, 2 + i))]
    full = [n * stride for n, stride in zip(size, strides, strict=True)]
    whole = blocks.transpose(order).reshape(batch, shape[1], *full)
    for axis, (start, n) in enumerate(zip(starts, shape[2:], strict=True), 2):
        whole = whole.take(np.arange(start, start + n), axis)
    return whole


def _depth_to_space(x: Array, b: int, mode: str) -> Array:
    batch, channels, height, width = x.shape
    depth = channels // (b * b)
    if mode == "DCR":
        blocks = x.reshape(batch, b, b, depth, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        blocks = x.reshape(batch, depth, b, b, height, width).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(batch, depth, height * b, width * b)


def resize_source(op: Resize, axis: int) -> Array:
    """Source index of each position of a Resize's result along one of the axes that `scales` names.

    A Resize to the same shape copies, whatever its scales and modes say, as ONNX Runtime does.
    """
    at = len(op.x.type.shape) - len(op.scales) + axis
    size, result = op.x.type.shape[at], op.result.type.shape[at]
    if op.x.type.shape == op.result.type.shape:
        return np.arange(size)
    return resize_indices(size, result, op.scales[axis], op.coordinates, op.rounding)


def _resized(op: Resize, x: Array) -> Array:
    for axis in range(len(op.scales)):
        x = x.take(resize_source(op, axis), x.ndim - len(op.scales) + axis)
    return x


def _padded(op: Pad, x: Array, fill: Any) -> Array:
    axes = len(op.pads) // 2
    outside = np.zeros((1,) * x.ndim, bool)
    for number in range(axes):
        axis = x.ndim - axes + number
        indices = pad_indices(x.shape[axis], op.pads[number], op.pads[axes + number], op.mode)
        x = x.take(indices, axis)
        shape = [1] * x.ndim
        shape[axis] = len(indices)
        outside = outside | (indices < 0).reshape(shape)
    return np.where(outside, np.asarray(fill, x.dtype), x)


# ---------------------------------------------------------------------------------- lowering


def lower_move(op: Op, to: Lowering) -> None:
    """A move on packed bytes, or on row-major words of any other dtype."""
    x: Value = op.operands[0]
    if not to.is_packable(x):
        to.add(_replaced(op, op.result, x))
        return
    packed = to.operand(x)
    axis = _axis_of_view(op, packed.type, to.demand(op.result))
    to.add(_replaced(op, to.packed(op.result, axis=axis), packed))


def _replaced(op: Op, result: Value, x: Value) -> Op:
    if isinstance(op, Move):
        return Move(result, x, op.op, op.attributes, op.indices)
    if isinstance(op, Resize):
        return Resize(result, x, op.scales, op.coordinates, op.rounding)
    assert isinstance(op, Pad)
    flipped = op.result.type.dtype == "u8" and result is not op.result
    return Pad(result, x, op.pads, op.mode, op.value - (128 if flipped else 0))


def _axis_of_view(op: Op, x: TensorType, demand: int | None) -> int | None:
    """The axis to pack the result along: one that makes it a view, else the demanded one."""
    shape = op.result.type.shape
    if isinstance(op, Resize | Pad) or not shape:
        return x.axis if demand is None else demand
    pixel, lane = (moved(op, part) for part in positions(x))
    own = View(None, x.pixels, x.words, x.words)  # type: ignore[arg-type]
    order = sorted(range(len(shape)), key=lambda axis: (axis != demand, -axis))
    for axis in order:
        type_ = TensorType("s8", shape, None, (shape[axis],), axis)
        if _as_view(own, type_, pixel, lane) is not None:
            return axis
    if demand is None and len(shape) == len(x.shape):
        return x.axis
    return demand


def _as_view(x: View, type_: TensorType, pixel: Array, lane: Array) -> View | None:
    """The view of `x` that holds a result whose elements lie at (pixel, lane) of it, if any.

    >>> x = View(Buffer("x", 8), pixels=4, words=2, pitch=2)  # eight channels of four pixels
    >>> half = TensorType("s8", (1, 4, 2, 2), segments=(4,))
    >>> pixel, lane = positions(half)
    >>> str(_as_view(x, half, pixel, lane + 4)), _as_view(x, half, pixel, lane + 2)  # from channel 4, and 2
    ('x words 1:2 of 2', None)
    """
    if type_.size == 0:
        return None
    wanted_pixel, wanted_lane = positions(type_)
    if type_.segments is None:
        words = lane + pixel * x.pitch
        first = int(words.flat[0])
        if np.array_equal(words - first, wanted_lane):
            return View(x.buffer, 1, type_.size, type_.size, x.first + first)
        return None
    first = int(lane.flat[0]) - int(wanted_lane.flat[0])
    same_pixels = x.pixels == type_.pixels and np.array_equal(pixel, wanted_pixel)
    if same_pixels and first % 4 == 0 and np.array_equal(lane - first, wanted_lane):
        return x.slice(first // 4, type_.words)
    address = pixel * x.pitch * 4 + lane
    wanted = wanted_pixel * type_.words * 4 + wanted_lane
    first = int(address.flat[0]) - int(wanted.flat[0])
    if first % 4 == 0 and np.array_equal(address - first, wanted):
        return View(x.buffer, type_.pixels, type_.words, type_.words, x.first + first // 4)
    return None


# ---------------------------------------------------------------------------------- scheduling


@dataclass(frozen=True, eq=False)
class Moved:
    """A value that no kernel has made yet: where its elements lie in `root`, and the last move."""

    op: Op
    root: Value
    pixel: Array
    lane: Array
    fill: int

    def make(self, to: Scheduler) -> None:
        """Adds the gather that makes it."""
        type_ = self.op.result.type
        to.kernel(
            GatherKernel(
                *to.frame(self.op),
                source=to.source(self.root),
                tables=Addresses.of_elements(type_, self.pixel, self.lane),
                fill=self.fill,
                bytes=type_.segments is not None,
            )
        )


def schedule_move(op: Op, to: Scheduler) -> None:
    """A view where the moved positions are those of the result's layout. Else a gather, which is
    made when an op that is no move reads the result: of moves in a row only the last one is.
    """
    x: Value = op.operands[0]
    type_, fill = op.result.type, _fill(op)
    before = to.moved.get(x)
    if before is not None and _differ(before, op, fill):
        before = None
    if before is None:
        to.view_if_moved(x)
        root, (pixel, lane) = x, positions(x.type)
    else:
        root, pixel, lane = before.root, before.pixel, before.lane
        fill = before.fill if not isinstance(op, Pad) else fill
    pixel, lane = moved(op, pixel, OUTSIDE), moved(op, lane, 0)
    source = to.source(root)
    is_output = type_.segments is None and bool(to.output_names(op))
    if isinstance(source, View) and (pixel >= 0).all() and not is_output:
        view = _as_view(source, type_, pixel, lane)
        if view is not None:
            to.views[op.result] = view
            return
    to.moved[op.result] = Moved(op, root, pixel, lane, fill)
    if is_output:
        to.view_if_moved(op.result)


def _differ(before: Moved, op: Op, fill: int) -> bool:
    """Whether two moves in a row put different constants in."""
    return isinstance(op, Pad) and fill != before.fill and bool((before.pixel < 0).any())


def _fill(op: Op) -> int:
    """What stands where `pad` adds: a byte, or the bits of a word."""
    if not isinstance(op, Pad):
        return 0
    if op.result.type.dtype == "f32":
        return int(np.float32(op.value).view(np.int32))
    return int(op.value)
