"""How an operand lies that is broadcast against a packed result: its layout, and its words by the result's.

`lower_broadcast` gives result and operands one packed axis; `Broadcast` then says which word of an operand
meets each word of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    forms = []
    for x in operands:
        full = _of_rank(x, len(shape), lowering)
        same = not shape or full.type.shape[axis] == shape[axis]
        forms.append(lowering.operand(full, axis, like=result if same else None))
    return result, tuple(forms)


def _of_rank(x: Value, rank: int, lowering: Lowering) -> Value:
    """An operand with leading axes of 1 up to `rank`."""
    if len(x.type.shape) == rank:
        return x
    shape = (1,) * (rank - len(x.type.shape)) + x.type.shape
    type_ = TensorType(x.type.dtype, shape, x.type.quantization)
    name = f"{x.name}.{rank}d"
    if x.data is not None:
        return Value(name, type_, x.array.reshape(shape))
    for value in lowering.values:
        if value.name == name:  # another reader had it already
            return value
    result = Value(name, type_)
    Move(result, x).lower(lowering)
    return result


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
        lanes = memory.lanes(source, self.words)[np.broadcast_to(places(self.axes), pixels)]
        return np.repeat(lanes[:, :1], words * 4, 1) if self.splat else lanes

    def emit(self, shader: Shader, name: str, source: Source) -> Json:
        """What a template needs to read it: see `_broadcast.wgsl.j2`."""
        array, start = shader.operand(source)
        pitch = source.pitch if isinstance(source, View) else self.words
        shader.constant(f"{name}_at", start)
        shader.constant(f"{name}_pitch", pitch)
        same = len(self.axes) == 1 and self.axes[0][1] == 1
        axes = [] if same else emit_axes(shader, name, self.axes)
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
    pixels, of_result = (
        tuple(size for number, size in enumerate(type_.shape) if number != result.axis)
        for type_ in (x, result)
    )
    axes = merged_axes(of_result, [broadcast_strides(pixels, of_result)])
    return tuple((size, stride) for size, (stride,) in axes)


Axis = tuple[int, tuple[int, ...]]
"""Size of an axis of a result, and its stride in each operand (0 where it is broadcast)."""


def merged_axes(shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]) -> tuple[Axis, ...]:
    """A result's axes, first to last, by the strides of each operand; neighbours that all operands step
    through alike are one.

    >>> x, bias = (broadcast_strides(shape, (2, 3, 4)) for shape in ((2, 3, 4), (3, 1)))
    >>> merged_axes((2, 3, 4), [x, bias])  # size, (stride of x, stride of the bias)
    ((2, (12, 0)), (3, (4, 1)), (4, (1, 0)))
    >>> merged_axes((2, 3, 4), [x, x])
    ((24, (1, 1)),)
    """
    axes: list[Axis] = []
    for number, size in enumerate(shape):
        if size == 1:
            continue
        steps = tuple(s[number] for s in strides)
        if axes and all(a == b * size for a, b in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, steps)
        else:
            axes.append((size, steps))
    return tuple(axes)


def broadcast_strides(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...]:
    """Stride of an operand along each axis of the result; 0 where it is broadcast."""
    strides, stride = [0] * len(result), 1
    for number in range(1, len(shape) + 1):
        size = shape[-number]
        if size > 1 and number <= len(result):
            strides[-number] = stride
        stride *= size
    return tuple(strides)


def places(axes: tuple[tuple[int, int], ...]) -> Array:
    """Where the operand's element for each of the result's lies, i64, by axes of (size, stride)."""
    at = np.zeros(1, np.int64)
    for size, stride in axes:
        at = (at[:, None] + np.arange(size) * stride).reshape(-1)
    return at


def emit_axes(shader: Shader, name: str, axes: tuple[tuple[int, int], ...]) -> list[Json]:
    """Sizes and strides of an operand's axes as constants, innermost first, and which of them stand still."""
    structure = []
    for number, (size, stride) in enumerate(reversed(axes)):
        shader.constant(f"{name}_size{number}", size)
        shader.constant(f"{name}_stride{number}", stride)
        structure.append({"number": number, "fixed": stride == 0})
    return structure
