"""ONNX's moves without constants: reshape, transpose, slice, gather, tile, depth to space, ..."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import InternalError
from ...ir.graph import Value
from ...ir.types import Array
from .base import MoveOp

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
class Move(MoveOp):
    """ONNX Reshape, Transpose, Slice, Gather, Expand, Tile, DepthToSpace or SpaceToDepth.

    `form` and its attributes, all of them constants: reshape, expand {} (to the result's shape),
    transpose {perm}, slice {starts, steps} (one each an axis), gather {axis} with `indices` i64,
    tile {repeats}, depth_to_space {blocksize, mode}, space_to_depth {blocksize}, interleave {group,
    strides, starts} (the phases of a transposed convolution), and layout {}: the same elements
    packed along another axis.
    """

    kind = "move"
    keeps_layout = False
    form: str = "reshape"
    attributes: dict[str, Any] = field(default_factory=dict)
    indices: Value | None = None

    @property
    def onnx_name(self) -> str:
        """That of the most general operator; one that is told from it says so in `attributes`."""
        return str(self.attributes.get("onnx", ONNX_NAMES.get(self.form, "")))

    def repeats(self) -> Value | None:
        before, after = self.x.type.shape, self.result.type.shape
        in_order = self.form == "transpose" and list(self.attributes["perm"]) == sorted(
            self.attributes["perm"]
        )
        same = self.form in ("reshape", "expand") and before == after
        return self.x if same or in_order else None

    def apply(self, x: Array, fill: Any = 0) -> Array:
        del fill
        return _apply(self, x)


def change_layout(result: Value, x: Value) -> Move:
    """The same elements packed along another axis, or in other segments."""
    return Move(result, x, "layout")


def _apply(op: Move, x: Array) -> Array:
    shape, a = op.result.type.shape, op.attributes
    match op.form:
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
            return _interleave(x, a["group"], a["strides"], a["starts"], shape)
        case "space_to_depth":
            batch, channels, height, width = x.shape
            b = a["blocksize"]
            blocks = x.reshape(batch, channels, height // b, b, width // b, b)
            return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(shape)
    raise InternalError(f"{op.form} is no move")


def _interleave(
    x: Array, group: int, strides: tuple[int, ...], starts: tuple[int, ...], shape: tuple[int, ...]
) -> Array:
    """Phases [N, group * strides * C, ...] at every stride-th place of each axis, from `starts`.

    >>> phases = np.array([[[0, 1, 2], [10, 11, 12]]])
    >>> _interleave(phases, 1, (2,), (1,), (1, 1, 4)).tolist()
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
