"""QLinearAdd and QLinearMul of com.microsoft, and the integer forms in which a shader computes
them.

Scales are f32, zero points are stored integers; operands and results are stored integers as int32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .array import Array
from .quantization import F32, NEVER, saturate, stored_bytes

_I32 = (-(2**31), 2**31 - 1)
_LARGEST_SHIFT = 22  # 256 << 22 is 2^30: the result and one addend stay within i32


def fused_multiply_add(a: Array | F32, b: Array | F32, c: Array | F32) -> Array:
    """RN(a * b + c) of f32 with a single rounding, as f32.

    a * b of two f32 is exact in f64 (48 bits). The sum with c is rounded to f64 to odd: TwoSum
    gives the exact error of the f64 sum; where it is not zero, an even last bit moves towards it.
    Rounding to odd with 53 bits, then to nearest with 24, equals one rounding to nearest, because
    53 >= 24 + 2 (Boldo and Melquiond, 2008); subnormal f32 have fewer bits still.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
        addend = np.asarray(c, np.float64)
        total = np.asarray(product + addend)
        part = total - product
        error = (product - (total - part)) + (addend - part)
        inexact = np.isfinite(total) & (error != 0) & (total.view(np.int64) & 1 == 0)
        towards = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
        return np.asarray(np.where(inexact, towards, total)).astype(F32)


def qlinear_add(
    a: Array,
    b: Array,
    a_q: tuple[float, int],
    b_q: tuple[float, int],
    c_q: tuple[float, int],
    limits: tuple[int, int],
    *,
    swapped: bool = False,
) -> Array:
    """QLinearAdd of stored integers that broadcast, as int32.

    rA = RN(sA / sC), rB = RN(sB / sC), F = RN(zC - fma(rA, zA, RN(rB * zB))),
    c = sat(rne(fma(a, rA, fma(b, rB, F)))); what int32 can't hold becomes `lo`.

    `swapped` gives A and B each other's roles, as onnxruntime does wherever A is the operand that
    stands still in the innermost run of the broadcast; see `add_swaps_roles`.
    """
    if swapped:
        a, b, a_q, b_q = b, a, b_q, a_q
    # An overflow is part of the formula: `saturate` treats what comes of it as the CPU does.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        scale_c, zero_c = F32(c_q[0]), F32(c_q[1])
        ratio_a, ratio_b = F32(a_q[0]) / scale_c, F32(b_q[0]) / scale_c
        constant = zero_c - fused_multiply_add(ratio_a, F32(a_q[1]), ratio_b * F32(b_q[1]))
        inner = fused_multiply_add(np.asarray(b).astype(F32), ratio_b, constant)
        value = fused_multiply_add(np.asarray(a).astype(F32), ratio_a, inner)
    return saturate(value, limits)


def qlinear_mul(
    a: Array,
    b: Array,
    a_q: tuple[float, int],
    b_q: tuple[float, int],
    c_q: tuple[float, int],
    limits: tuple[int, int],
) -> Array:
    """QLinearMul of stored integers that broadcast, as int32; which operand is A does not matter.

    r = RN(RN(sA * sB) / sC), p = (a - zA)(b - zB), c = sat(rne(RN(RN(p * r) + zC))); what int32
    can't hold becomes `lo`.
    """
    product = (np.asarray(a, np.int64) - a_q[1]) * (np.asarray(b, np.int64) - b_q[1])
    return _scaled_product(product, a_q[0], b_q[0], c_q, limits)


def _scaled_product(
    product: Array, scale_a: float, scale_b: float, c_q: tuple[float, int], limits: tuple[int, int]
) -> Array:
    # No fma here, unlike QLinearAdd: the product and the sum are rounded each.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ratio = F32(scale_a) * F32(scale_b) / F32(c_q[0])
        value = product.astype(F32) * ratio + F32(c_q[1])
    return saturate(value, limits)


def add_swaps_roles(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> bool:
    """Whether onnxruntime computes QLinearAdd of these shapes with A and B in each other's roles.

    Rule (measured): align the shapes to the right and take the last axis along which the result is
    larger than 1; roles are swapped if A has size 1 there. They are also swapped in a result of one
    element, and never where A and B have one shape of more.

    The shapes are those of the layout that runs. Where onnxruntime moved the node to channels-last,
    [1, C, 1, 1] + [1, C, H, W] is [1, 1, 1, C] + [1, H, W, C]: not swapped, though it is in NCHW;
    and the other way round for [1, 1, H, W]. Which layout runs is the transpose optimizer's choice.
    Measured for 4-D nets: NCHW with no Conv beside it, or one Conv on one side only (before or
    after); channels-last with Convs before and after, or both operands from Convs (and A not
    [1, 1, 1, 1]). So read the shapes off the optimized graph: of the node's operands there.

    >>> add_swaps_roles((1, 8, 1, 1), (1, 8, 4, 5))  # along the last axis A stands still
    True
    >>> add_swaps_roles((1, 1, 1, 8), (1, 4, 5, 8))  # the same, channels last
    False
    """
    rank = max(len(a_shape), len(b_shape))
    a = (1,) * (rank - len(a_shape)) + tuple(a_shape)
    b = (1,) * (rank - len(b_shape)) + tuple(b_shape)
    for size_a, size_b in zip(reversed(a), reversed(b), strict=True):
        if max(size_a, size_b) > 1:
            return size_a == 1
    return True


def pair_table(fn: Callable[[Array, Array], Array], limits: tuple[int, int]) -> Array:
    """fn of all pairs of stored integers, u8 [65536]: entry byte(a) * 256 + byte(b), bytes by their
    stored bits. `fn` takes i32 [256, 1] and i32 [1, 256] and returns stored integers.
    """
    values = stored_bytes(limits)
    levels = np.broadcast_to(fn(values[:, None], values[None, :]), (256, 256))
    # By stored bits: -1 becomes 255.
    return levels.astype(np.uint8).reshape(-1)


class AddForm(NamedTuple):
    """c = clamp((a * multiplier + table[byte(b)]) >> shift, lo, hi), arithmetic shift, all in i32.

    a is the stored integer, table i32 [256].
    """

    multiplier: int
    shift: int
    table: Array


def add_form(pairs: Array, limits: tuple[int, int]) -> AddForm | None:
    """The form that equals a pair table of `limits` on all 65,536 pairs, or None.

    `pairs` as `pair_table` makes it, c growing with a. For a shift S each pair bounds T[b] from
    both sides: a*M + T[b] lies in [c << S, (c + 1) << S), open-ended at lo and hi. T[b] exists if
    every lower bound is at most every upper one, which for each two values of a bounds M: what is
    left of M is an interval. No intermediate value leaves i32.

    >>> form = add_form(pair_table(lambda a, b: np.clip((3 * a + b) // 4, 0, 255), (0, 255)), (0, 255))
    >>> a, b = 100, 60  # (300 + 60) // 4 = 90
    >>> int(a * form.multiplier + form.table[b]) >> form.shift
    90
    """
    values = stored_bytes(limits).astype(np.int64)
    order = np.argsort(values)
    levels = values[pairs.reshape(256, 256)][order]  # [a ascending, byte of b]
    # What int32 can't hold becomes `lo`: c then falls where a grows, as no sum does.
    if (np.diff(levels, axis=0) < 0).any():
        return None
    for shift in range(_LARGEST_SHIFT, 7, -1):
        bounds = _multiplier_bounds(levels, shift, limits)
        if bounds is None:
            return None  # a smaller shift allows less
        # Each multiplier of the interval has a table; which one stays within i32 is seen from that.
        for multiplier in sorted({bounds[0], sum(bounds) // 2, bounds[1]}):
            table = _addends(levels, values[order], multiplier, shift, limits)
            if table is not None:
                return AddForm(multiplier, shift, table)
    return None


def _bounds(levels: Array, shift: int, limits: tuple[int, int]) -> tuple[Array, Array]:
    """Least and greatest a*M + T[b] that give each level; +-2^40 where there is none."""
    least = np.where(levels > limits[0], levels << shift, -(1 << 40))
    greatest = np.where(levels < limits[1], ((levels + 1) << shift) - 1, 1 << 40)
    return least, greatest


def _multiplier_bounds(levels: Array, shift: int, limits: tuple[int, int]) -> tuple[int, int] | None:
    """The interval of multipliers for which every T[b] exists, or None if it is empty."""
    least, greatest = _bounds(levels, shift, limits)
    low, high = 0, 1 << 40
    for distance in range(1, 256):
        # a2 = a1 + distance: least[a2] - a2*M <= greatest[a1] - a1*M, and the other way round.
        need = (least[distance:] - greatest[:-distance]).max()
        room = (greatest[distance:] - least[:-distance]).min()
        low = max(low, int(-(-need // distance)))
        high = min(high, int(room // distance))
    return (low, high) if low <= high else None


def _addends(levels: Array, a: Array, multiplier: int, shift: int, limits: tuple[int, int]) -> Array | None:
    """T i32 [256], each the middle of its interval, or None where i32 can't hold a value."""
    least, greatest = _bounds(levels, shift, limits)
    terms = (a * multiplier)[:, None]
    if terms.min() < _I32[0] or terms.max() > _I32[1]:
        return None
    # No a may take a sum out of i32: WGSL's addition would wrap.
    low = np.maximum((least - terms).max(axis=0), _I32[0] - min(int(terms.min()), 0))
    high = np.minimum((greatest - terms).min(axis=0), _I32[1] - max(int(terms.max()), 0))
    if (low > high).any():
        return None
    table: Array = ((low + high) // 2).astype(np.int32)
    return table


def mul_thresholds(
    a_q: tuple[float, int], b_q: tuple[float, int], c_q: tuple[float, int], limits: tuple[int, int]
) -> Array | None:
    """Least p = (a - zA)(b - zB) that QLinearMul takes to lo + 1 ... hi, i32 [255].

    c = lo + the number of thresholds <= p; `NEVER` where no p of the operands' range reaches a
    level. None where c does not grow with p (a product beyond int32 becomes lo).

    >>> mul_thresholds((0.5, 0), (0.5, 0), (1.0, 0), (0, 255))[:4].tolist()  # p / 4, ties to even
    [3, 6, 11, 14]
    """
    low, high = limits
    ends = [(a - a_q[1]) * (b - b_q[1]) for a in limits for b in limits]
    products = np.arange(min(ends), max(ends) + 1)
    levels = _scaled_product(products, a_q[0], b_q[0], c_q, limits)
    if (np.diff(levels) < 0).any():
        return None
    first = np.searchsorted(levels, np.arange(low + 1, high + 1), side="left")
    # The position after the last product stands for a level that none reaches.
    thresholds: Array = np.append(products, NEVER)[first].astype(np.int32)
    return thresholds
