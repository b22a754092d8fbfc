"""The packed graph in the making, and what an op asks while it is lowered to packed bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from ..budgets import LANES, require_within
from ..ir.graph import Graph, Op, Value
from ..ir.types import Quantization, TensorType


@runtime_checkable
class Packable(Protocol):
    """What this file knows of an op."""

    keeps_layout: bool
    """Whether its result lies as its operand does, where both have one shape."""

    def wanted_axis(self, operand: Value) -> int | None:
        """The axis that the op wants packed in an operand; None where any will do."""

    def lower(self, lowering: Lowering) -> None:
        """Adds the op's packed form."""


class Lowering:
    """The packed graph in the making: byte values and their packed forms, and the ops so far.

    `change_layout(result, x)`: the op by which the elements of x are packed otherwise.
    """

    def __init__(self, graph: Graph, change_layout: Callable[[Value, Value], Op]) -> None:
        self.users = graph.users()
        self.values: dict[Value, Value] = {}
        self.ops: list[Op] = []
        self._change_layout = change_layout
        self._demands: dict[tuple[Value, int], int | None] = {}
        self._forms: dict[tuple[Value, int, tuple[int, ...]], Value] = {}

    def lower(self, op: Op) -> None:
        """Adds the packed form of `op`."""
        assert isinstance(op, Packable), f"{op.kind} is no op of a family"
        op.lower(self)

    def add(self, op: Op) -> None:
        self.ops.append(op)

    @staticmethod
    def is_packable(value: Value) -> bool:
        """Whether a value is of bytes, which are packed; all others stay row-major."""
        return value.type.is_byte

    @staticmethod
    def flip_of(op: Op) -> int:
        """0x80 where the bytes that `op` works on are u8, and so XORed when packed."""
        return max(value.type.flip for value in (op.result, *op.operands))

    def demand(self, value: Value, depth: int = 8) -> int | None:
        """The axis that a reader of `value` wants packed, also behind ops that keep the layout."""
        if (value, depth) not in self._demands:
            self._demands[value, depth] = self._demand(value, depth)
        return self._demands[value, depth]

    def _demand(self, value: Value, depth: int) -> int | None:
        users = [user for user in self.users.get(value, []) if isinstance(user, Packable)]
        for user in users:
            axis = user.wanted_axis(value)
            if axis is not None:
                return axis
        for user in users:
            assert isinstance(user, Op)
            keeps = user.result.type.is_byte and user.result.type.shape == value.type.shape
            if depth and keeps and user.keeps_layout:
                axis = self.demand(user.result, depth - 1)
                if axis is not None:
                    return axis
        return None

    def packed(self, value: Value, segments: tuple[int, ...] | None = None, axis: int | None = None) -> Value:
        """The packed s8 form of a byte value, which some op makes; along the demanded axis, or that
        of its rank, unless one is given.
        """
        before, quantization = value.type.quantization, None
        if before is not None:
            quantization = Quantization(before.scale, before.zero_point - value.type.flip)
        if axis is None:
            axis = self.demand(value)
        if axis is None:
            axis = default_axis(value.type.shape)
        channels = value.type.shape[axis] if value.type.shape else 1
        type_ = TensorType("s8", value.type.shape, quantization, segments or (channels,), axis)
        require_within(
            f"%{value.name}, four channels to a word,", type_.pixels * type_.words * 4, LANES, "bytes"
        )
        self.values[value] = Value(f"{value.name}.packed", type_, origin=value)
        return self.values[value]

    def like(self, value: Value, source: Value) -> Value:
        """The packed form of `value` in the layout of `source`, which has its shape."""
        return self.packed(value, source.type.segments, source.type.axis)

    def operand(self, value: Value, axis: int | None = None, like: Value | None = None) -> Value:
        """The packed form of an operand, along `axis` or in the layout of `like` if given.

        A constant is packed as such; a computed value is moved where it lies otherwise.
        """
        if value.data is not None and value not in self.values:
            self._constant(value, axis if like is None else like.type.axis, like)
        form = self.values[value]
        segments, target = form.type.segments, form.type.axis if axis is None else axis
        if like is not None:
            segments, target = like.type.segments, like.type.axis
        if target != form.type.axis and like is None:
            segments = (value.type.shape[target],)
        if (target, segments) == (form.type.axis, form.type.segments):
            return form
        assert segments is not None
        key = (value, target, segments)
        if key not in self._forms:
            type_ = replace(form.type, segments=segments, axis=target)
            self._forms[key] = Value(f"{form.name}.{len(self._forms)}", type_, form.data)
            if form.data is None:
                self.add(self._change_layout(self._forms[key], form))
        return self._forms[key]

    def _constant(self, value: Value, axis: int | None, like: Value | None) -> None:
        """A constant of bytes as s8, its data in the logical shape."""
        segments = like.type.segments if like is not None else None
        form = self.packed(value, segments, axis)
        data = value.array.view(np.uint8) ^ np.uint8(value.type.flip)
        form.data = data.view(np.int8)


def default_axis(shape: tuple[int, ...]) -> int:
    """The axis to pack where nobody wants one: channels of pictures, else the last."""
    return 1 if len(shape) == 4 else max(len(shape) - 1, 0)
