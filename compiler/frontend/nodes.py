"""What handlers ask of a node of onnx-graphsurgeon."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import DTYPE_NAMES, NUMPY_DTYPES, Array
from ..reference.facts import TRUE_ONLY_AS_ONE, name_of_operator

GREATEST = float(np.finfo(np.float32).max)
SCALE_LIMITS = {
    name: GREATEST / (2 ** (8 * dtype.itemsize)) for name, dtype in NUMPY_DTYPES.items() if dtype.kind in "iu"
}
"""The greatest scale by the dtype of the stored integers: no integer stands for an infinite number."""


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


def window(
    node: Any, size: tuple[int, ...], kernel: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Strides, dilations and pads (top, left, bottom, right) of a convolution or pool over one or
    two axes; one axis is a picture of one row.
    """
    axes = len(size)
    strides = tuple(node.attrs.get("strides", (1,) * axes))
    dilations = tuple(node.attrs.get("dilations", (1,) * axes))
    pads = _window_pads(node, size, kernel, strides, dilations)
    if axes == 1:
        return (1, strides[0]), (1, dilations[0]), (0, pads[0], 0, pads[1])
    return (strides[0], strides[1]), (dilations[0], dilations[1]), pads  # type: ignore[return-value]


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
        if min(pads) < 0:
            raise NodeRefusal(f"negative pads {list(pads)}")
        return pads
    before, after = [0] * axes, [0] * axes
    if mode != "VALID":
        for axis in range(axes):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            steps = -(-size[axis] // strides[axis])
            total = max(0, (steps - 1) * strides[axis] + reach - size[axis])
            small, large = total // 2, total - total // 2
            before[axis], after[axis] = (small, large) if mode == "SAME_UPPER" else (large, small)
    return (*before, *after)
