"""Ops that only move, repeat or choose elements.

Each is drawn between a DequantizeLinear and a QuantizeLinear of equal parameters, of others, or
without one. Every drawn number means something for every shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..builder import QuantParams, Tensor
from ..models import Builder, Results
from ..nodes import ANY_SHAPES, AXES, IMAGES, Kind, Node, Operands, Result, axis_of, results, several
from ..values import SEEDS, tuples

Numbers = tuple[int, ...]
Move = Callable[[Builder, Tensor, Numbers, QuantParams | None], Results]


@dataclass(frozen=True)
class MoveNode(Node):
    """A move by its place in MOVES, and the numbers that say how."""

    move: str
    numbers: Numbers
    result: Result

    def make(self, b: Builder) -> Results:
        x = b.pick(self.x)
        return MOVES[self.move](b, x, self.numbers, self.result.of(b, x))


def transpose(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    order = sorted(range(len(x.shape)), key=lambda axis: (numbers[axis], axis))
    return b.q.op("Transpose", [x], params, perm=order)


def reshape(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    """To sides that divide what is left, the last taking the rest; one may be written -1 or 0."""
    left, sides = int(np.prod(x.shape)), []
    for number in numbers[: abs(numbers[4]) % 3]:
        divisors = [side for side in range(1, left + 1) if left % side == 0]
        sides.append(divisors[number % len(divisors)])
        left //= sides[-1]
    sides.append(left)
    written = list(sides)
    if numbers[3] % 2:
        written[numbers[5] % len(written)] = -1
    elif len(sides) <= len(x.shape) and sides[0] == x.shape[0]:
        written[0] = 0
    return b.q.op("Reshape", [x, np.array(written, np.int64)], params)


def flatten(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    return b.q.op("Flatten", [x], params, axis=axis_of(numbers[0], len(x.shape)))


def squeeze(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    """Some of the axes of length 1, or all of them without a list."""
    ones = [axis for axis, side in enumerate(x.shape) if side == 1]
    if not ones or len(x.shape) == len(ones):
        return None
    if numbers[1] % 3 == 0:
        return b.q.op("Squeeze", [x], params)
    chosen = ones[numbers[0] % len(ones) :]
    return b.q.op("Squeeze", [x, np.array(chosen, np.int64)], params)


def unsqueeze(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    if len(x.shape) > 3:
        return None
    axis = axis_of(numbers[0], len(x.shape) + 1)
    return b.q.op("Unsqueeze", [x, np.array([axis], np.int64)], params)


def slice_(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    """One or two axes, any steps, also backwards, with ends far outside."""
    axes = sorted({numbers[axis] % len(x.shape) for axis in range(1 + numbers[2] % 2)})
    starts, ends, steps = [], [], []
    for axis, number in zip(axes, numbers[3:], strict=False):
        side = x.shape[axis]
        step = (1, 2, 3, -1, -2)[number % 5]
        start = numbers[axis] % side
        if step > 0:
            stop = (side, start + 1, -side, 2**31 - 1)[numbers[1] % 4]
            stop = 2**31 - 1 if stop <= start and stop < 0 else stop
        else:
            stop = (-side - 1, -(2**31), start - side - 1)[numbers[1] % 3]
        starts.append(start - side if numbers[5] % 2 else start)
        ends.append(stop)
        steps.append(step)
    if any(len(range(side)[slice(s, e, t)]) == 0 for side, s, e, t in zip(
        (x.shape[axis] for axis in axes), starts, ends, steps, strict=True
    )):  # fmt: skip
        return None
    arrays = [np.array(values, np.int64) for values in (starts, ends, axes, steps)]
    return b.q.op("Slice", [x, *arrays], params)


def split(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    axis = axis_of(numbers[0], len(x.shape))
    side = x.shape[axis]
    if side < 2:
        return None
    first = 1 + numbers[1] % (side - 1)
    sizes = np.array([first, side - first], np.int64)
    return b.q.ops("Split", [x, sizes], [params, params], axis=axis)


def gather(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    """Constant indices: a list, a matrix where the rank allows, or one, which drops the axis."""
    axis = axis_of(numbers[0], len(x.shape))
    side = x.shape[axis]
    indices = np.array([number % (2 * side) - side for number in numbers[1:5]], np.int64)
    forms: list[Any] = [indices[:3], indices[:1]]
    forms += [indices.reshape(2, 2)] if len(x.shape) < 4 else []
    forms += [indices[0]] if len(x.shape) > 1 else []
    return b.q.op("Gather", [x, np.asarray(forms[numbers[5] % len(forms)])], params, axis=axis)


def expand(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    sides = [
        1 + numbers[axis] % 4 if side == 1 else (1, side)[numbers[axis] % 2]
        for axis, side in enumerate(x.shape)
    ]
    if len(sides) < 4 and numbers[5] % 2:
        sides = [1 + numbers[4] % 3, *sides]
    return b.q.op("Expand", [x, np.array(sides, np.int64)], params)


def tile(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    repeats = [1 + numbers[axis] % 3 for axis in range(len(x.shape))]
    return b.q.op("Tile", [x, np.array(repeats, np.int64)], params)


def depth_to_space(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    blocks = [size for size in (2, 3, 1) if len(x.shape) == 4 and x.shape[1] % size**2 == 0]
    if not blocks:
        return None
    mode = ("DCR", "CRD")[numbers[0] % 2]
    return b.q.op("DepthToSpace", [x], params, blocksize=blocks[numbers[1] % len(blocks)], mode=mode)


def space_to_depth(b: Builder, x: Tensor, numbers: Numbers, params: QuantParams | None) -> Results:
    if len(x.shape) != 4:
        return None
    blocks = [size for size in (2, 3, 1) if not any(side % size for side in x.shape[2:])]
    return b.q.op("SpaceToDepth", [x], params, blocksize=blocks[numbers[1] % len(blocks)])


MOVES: dict[str, Move] = {
    "transpose": transpose,
    "reshape": reshape,
    "flatten": flatten,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "slice": slice_,
    "split": split,
    "gather": gather,
    "expand": expand,
    "tile": tile,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
}


@dataclass(frozen=True)
class ConcatAxisNode(Node):
    """Concat on any axis, of any rank, of x and those of the others that fit."""

    others: tuple[int, ...]
    axis: int
    result: Result

    def make(self, b: Builder) -> Tensor:
        x = b.pick(self.x)
        axis = axis_of(self.axis, len(x.shape))

        def fits(other: Tensor) -> bool:
            sides = [list(tensor.shape) for tensor in (x, other)]
            for side in sides:
                if len(side) == len(x.shape):
                    side[axis] = 0
            return sides[0] == sides[1]

        found = [b.find(number, fits) for number in self.others]
        xs = [x, *(other for other in found if other is not None)]
        return b.q.op("Concat", xs, self.result.of(b, x), axis=axis)


@dataclass(frozen=True)
class WhereNode(Node):
    """Where of a constant condition: x and another tensor of its shape, or itself."""

    other: int
    whole: bool
    result: Result
    seed: int

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        y = b.find(self.other, lambda other: other is not x and other.shape == x.shape)
        random = np.random.default_rng(self.seed)
        shape = x.shape if self.whole else x.shape[-1:]
        return b.q.op("Where", [random.random(shape) < 0.5, x, y or x], self.result.of(b, x))


def moves(move: str) -> Callable[[Operands], st.SearchStrategy[Node]]:
    """Strategies of nodes of one move."""
    return lambda x: st.builds(
        MoveNode, x, st.booleans(), st.just(move), tuples(st.integers(0, 9), 6, 6),
        results("same", "same", "other", "float"),
    )  # fmt: skip


def concats(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(
        ConcatAxisNode, x, st.booleans(), tuples(x, 0, 3), AXES, results("same", "other", "float")
    )


def wheres(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(WhereNode, x, st.booleans(), x, st.booleans(), results("other", "same"), SEEDS)


_ALIKE = ANY_SHAPES.map(lambda shape: (shape, shape))
_BLOCKS = st.tuples(
    st.sampled_from([1, 2]), st.sampled_from([1, 4, 8, 9]), st.integers(1, 3).map(lambda n: 2 * n),
    st.integers(1, 6),
)  # fmt: skip
_SHAPES = {
    "depth_to_space": several(_BLOCKS),
    "space_to_depth": several(st.one_of(_BLOCKS, IMAGES)),
    "squeeze": several(ANY_SHAPES.map(lambda shape: shape if len(shape) < 2 else (1, *shape[1:]))),
    "unsqueeze": several(ANY_SHAPES.map(lambda shape: shape[-3:])),
}
KINDS = (
    *(Kind(name, moves(name), _SHAPES.get(name, several(ANY_SHAPES))) for name in MOVES),
    Kind("concat_axis", concats, _ALIKE),
    Kind("where", wheres, _ALIKE),
)
