"""How an operand lies that is broadcast against a packed result: its layout, and its words by the result's.

`lower_broadcast` gives result and operands one packed axis; `Broadcast` then says which word of an operand
meets each word of the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.graph import Op, Value
from ..ir.program import Source, View
from ..ir.types import Array, TensorType
from ..lowering.memory import Memory
from ..lowering.packing import Lowering
from ..lowering.shader import Json, Shader
from .moves.op import Move


def lower_broadcast(
    op: Op, operands: tuple[Value, ...], lowering: Lowering
) -> tuple[Value, tuple[Value, ...]]:
    """The packed result of an op that broadcasts, and its operands in layouts that fit it: of the
    result's rank, packed along the same axis, with its segments where they have its channels.
    """
    shape = op.result.type.shape
    whole = [x for x in operands if x.type.shape == shape and x.data is None]
    if whole:
        layout = lowering.operand(whole[0])
        result = lowering.like(op.result, layout)
    else:
        layout = result = lowering.packed(op.result)
    axis = result.type.axis
    packed = []
    for x in operands:
        full = _of_rank(x, len(shape), lowering)
        same = not shape or full.type.shape[axis] == shape[axis]
        packed.append(lowering.operand(full, axis, like=result if same else None))
    return result, tuple(packed)


def _of_rank(x: Value, rank: int, lowering: Lowering) -> Value:
    """An operand with leading axes of 1 up to `rank`."""
    if len(x.type.shape) == rank:
        return x
    shape = (1,) * (rank - len(x.type.shape)) + x.type.shape
    type_ = TensorType(x.type.dtype, shape, x.type.quantization)
    name = f"{x.name}.{rank}d"
    if x.data is not None:
        return Value(name, type_, x.array.reshape(shape))
    for known in lowering.values:
        if known.name == name:  # another reader had it already
            return known
    reshaped = Value(name, type_)
    Move(reshaped, x).lower(lowering)
    return reshaped


@dataclass(frozen=True, eq=False)
class Broadcast:
    """Where an operand's words lie for the result's: by the result's pixel axes, outermost first,
    (size, stride in pixels of the operand). `splat`: its one channel serves all.
    """

    axes: tuple[tuple[int, int], ...]
    splat: bool
    words: int

    @classmethod
    def of(cls, x: Value, result: Value) -> Broadcast:
        """The addressing of a packed operand of the result's rank and axis."""
        splat = x.type.channels == 1 and result.type.channels > 1
        return cls(broadcast_axes(x.type, result.type), splat, x.type.words)

    def words_of(self, source: Source, memory: Memory, pixels: int, words: int) -> Array:
        """The operand's bytes for every word of the result, u8 [pixels, words * 4]."""
        at = np.zeros(1, np.int64)
        for size, stride in self.axes:
            at = (at[:, None] + np.arange(size) * stride).reshape(-1)
        lanes = memory.lanes(source, self.words)[np.broadcast_to(at, pixels)]
        return np.repeat(lanes[:, :1], words * 4, 1) if self.splat else lanes

    def emit(self, shader: Shader, name: str, source: Source) -> Json:
        """What a template needs to read it: see `_broadcast.wgsl.j2`."""
        array, start = shader.operand(source)
        pitch = source.pitch if isinstance(source, View) else self.words
        shader.constant(f"{name}_at", start)
        shader.constant(f"{name}_pitch", pitch)
        same = len(self.axes) == 1 and self.axes[0][1] == 1
        axes = []
        for number, (size, stride) in enumerate(() if same else reversed(self.axes)):
            shader.constant(f"{name}_size{number}", size)
            shader.constant(f"{name}_stride{number}", stride)
            axes.append({"number": number, "fixed": stride == 0})
        return {"name": name, "array": array, "axes": axes, "same": same, "splat": self.splat}


def broadcast_axes(x: TensorType, result: TensorType) -> tuple[tuple[int, int], ...]:
    """`Broadcast.axes` of an operand of the result's rank and axis: of its pixel axes, neighbours that it
    steps through alike are one.

    >>> result = TensorType("s8", (2, 8, 4, 5))
    >>> broadcast_axes(TensorType("s8", (1, 8, 1, 5)), result)  # a row, for 2 * 4 rows of 5
    ((8, 0), (5, 1))
    >>> broadcast_axes(result, result)
    ((40, 1),)
    """
    axes: list[tuple[int, int]] = []
    stride = 1
    for number in reversed(range(len(result.shape))):
        if number == result.axis:
            continue
        size, own = result.shape[number], x.shape[number]
        step = stride if own > 1 else 0
        stride *= own
        if size == 1:
            continue
        if axes and step == axes[0][0] * axes[0][1]:
            axes[0] = (axes[0][0] * size, axes[0][1])
        else:
            axes.insert(0, (size, step))
    return tuple(axes)
