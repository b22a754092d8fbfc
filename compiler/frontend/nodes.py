"""What handlers ask of a node of onnx-graphsurgeon."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.types import DTYPE_NAMES, NUMPY_DTYPES, Array
from ..reference.facts import name_of_operator

GREATEST = float(np.finfo(np.float32).max)
SCALE_LIMITS = {
    name: GREATEST / (2 ** (8 * dtype.itemsize)) for name, dtype in NUMPY_DTYPES.items() if dtype.kind in "iu"
}
"""The greatest scale by the dtype of the stored integers: no integer stands for an infinite number."""

TRUE_ONLY_AS_ONE = frozenset({"allowzero", "ceil_mode", "keepdims", "noop_with_empty_axes"})
"""Attributes of which any number but 1 is a no; of all other flags any number but 0 is a yes (transA,
count_include_pad, select_last_index, ...), or refused. Measured: tests/compiler/frontend/test_forms.py.
"""


class NodeRefusal(Exception):  # noqa: N818
    """Why a node can't be imported; the importer collects them, so that one message names them all."""


def operator_name(node: Any) -> str:
    """The operator by the name that `facts` has for it."""
    return name_of_operator(node.domain, str(node.op))


def plain_attributes(node: Any) -> dict[str, Any]:
    """A node's attributes as numbers, text and lists."""
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in node.attrs.items()}


def settle_flags(node: Any) -> None:
    """Writes flags that only 1 sets as 0 or 1."""
    for name in TRUE_ONLY_AS_ONE & node.attrs.keys():
        node.attrs[name] = int(node.attrs[name] == 1)


def required_attribute(node: Any, name: str) -> Any:
    """An attribute that has no default."""
    if name not in node.attrs:
        raise NodeRefusal(f"its attribute {name!r} is missing")
    return node.attrs[name]


def axis_attribute(node: Any, rank: int, default: int | None = None) -> int:
    """The attribute axis, from 0 on; one without a default is required."""
    axis = required_attribute(node, "axis") if default is None else node.attrs.get("axis", default)
    return axes_within([axis], rank)[0]


def axes_within(axes: Iterable[int], rank: int) -> list[int]:
    """Axes of a tensor of that rank, which may count from its end, from 0 on; each of them once."""
    numbers = [int(axis) for axis in axes]
    if not all(-rank <= axis < rank for axis in numbers):
        raise NodeRefusal(f"axes {numbers} reach outside of {rank} dimensions, {-rank} to {rank - 1}")
    result = [axis % rank for axis in numbers]
    if len(set(result)) < len(result):
        raise NodeRefusal(f"axes {numbers} name one twice")
    return result


def text_attribute(node: Any, name: str, default: str) -> str:
    """An attribute that is text, however onnx-graphsurgeon holds it."""
    attribute = node.attrs.get(name, default)
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def unforeseen(node: Any, error: Exception) -> str:
    """A reason to refuse a node whose form raised `error`, with all that may be to blame."""
    attributes = ", ".join(f"{name}={_brief(value)}" for name, value in node.attrs.items()) or "none"
    operands = ", ".join(tensor.name or "(none)" for tensor in node.inputs) or "none"
    what = " ".join(str(error).split()) or "no reason is known"
    kind = type(error).__name__
    return f"this form is not taken ({kind}: {what}); attributes: {attributes}; operands: {operands}"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def one_number(data: Array | None, what: str) -> float:
    """The number that a constant holds; `what` it is, in messages."""
    if data is None or data.size != 1:
        size = 0 if data is None else data.size
        raise NodeRefusal(f"{what} must be one constant number, it has {size}")
    return float(data.reshape(-1)[0])


def refuse_rank(data: Array, index: int, ranks: tuple[int, ...] = (1,)) -> None:
    """Refuses a constant operand whose dimensions are not so many: onnxruntime does when the node runs."""
    if data.ndim not in ranks:
        raise NodeRefusal(f"operand {index} has shape {list(data.shape)}: it must be a list of numbers")


def refuse_scales(scales: Array, dtype: str, what: str) -> None:
    """Refuses scales f32 of stored integers of `dtype` that are no numbers from 0 on, or that give infinite
    ones; `what` they are, in messages.
    """
    greatest = SCALE_LIMITS.get(dtype, GREATEST)
    wrong = np.flatnonzero(~((scales <= greatest) & ~np.signbit(scales)))
    if wrong.size:
        where = f" at {wrong[0]}" if scales.size > 1 else ""
        number = scales.reshape(-1)[wrong[0]]
        raise NodeRefusal(
            f"{what} is {number}{where}; numbers from 0 to {greatest:.4g} are taken: quantize anew"
        )


def refuse_zero_point(zero_point: Array, dtype: str, what: str) -> None:
    """Refuses a zero point of another dtype than the stored integers, and one of int32 that is not 0."""
    if DTYPE_NAMES.get(zero_point.dtype) != dtype:
        raise NodeRefusal(f"{what} is {zero_point.dtype}, the stored integers are {dtype}: both must agree")
    if dtype == "i32" and zero_point.any():
        raise NodeRefusal(f"{what} is not 0, as that of int32 must be")


def groups_of(node: Any, x: tuple[int, ...], weight: tuple[int, ...]) -> int:
    """The groups of a convolution, whose weights must fit its input."""
    group = int(node.attrs.get("group", 1))
    if len(weight) != len(x):
        raise NodeRefusal(f"its input has {len(x)} dimensions, its weights have {len(weight)}")
    if x[1] != weight[1] * group:
        raise NodeRefusal(f"its input has {x[1]} channels, its weights take {weight[1] * group}")
    if weight[0] % group:
        raise NodeRefusal(f"{weight[0]} output channels can't be {group} groups")
    return group


def window(
    node: Any, size: tuple[int, ...], kernel: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Strides, dilations and pads (top, left, bottom, right) of a convolution or pool over one or
    two axes; one axis is a picture of one row.
    """
    axes = len(size)
    if axes not in (1, 2):
        raise NodeRefusal(f"its input has {axes + 2} dimensions; 3 and 4 are taken")
    strides, dilations = (_steps(node, name, axes) for name in ("strides", "dilations"))
    if tuple(node.attrs.get("kernel_shape", kernel)) != kernel:
        raise NodeRefusal(f"its kernel_shape {list(node.attrs['kernel_shape'])} is not {list(kernel)}")
    pads = _window_pads(node, size, kernel, strides, dilations)
    if axes == 1:
        return (1, strides[0]), (1, dilations[0]), (0, pads[0], 0, pads[1])
    return (strides[0], strides[1]), (dilations[0], dilations[1]), pads  # type: ignore[return-value]


def _steps(node: Any, name: str, axes: int) -> tuple[int, ...]:
    """Strides or dilations, one an axis."""
    steps = tuple(int(n) for n in node.attrs.get(name, (1,) * axes))
    if len(steps) != axes or min(steps) < 1:
        raise NodeRefusal(f"its {name} are {list(steps)}; {axes} numbers from 1 on are taken")
    return steps


def _window_pads(
    node: Any,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, ...]:
    axes = len(size)
    mode = text_attribute(node, "auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        pads = tuple(node.attrs.get("pads", (0,) * (2 * axes)))
        if len(pads) != 2 * axes or min(pads) < 0:
            raise NodeRefusal(f"its pads are {list(pads)}; {2 * axes} numbers from 0 on are taken")
        return pads
    if mode not in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        raise NodeRefusal(f"its auto_pad is {mode!r}; NOTSET, SAME_UPPER, SAME_LOWER and VALID are taken")
    before, after = [0] * axes, [0] * axes
    if mode != "VALID":
        for axis in range(axes):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            steps = -(-size[axis] // strides[axis])
            total = max(0, (steps - 1) * strides[axis] + reach - size[axis])
            small, large = total // 2, total - total // 2
            before[axis], after[axis] = (small, large) if mode == "SAME_UPPER" else (large, small)
    return (*before, *after)
