"""MaxPool, AveragePool, GlobalAveragePool, ReduceMax and ReduceMin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..builder import QuantParams, Tensor
from ..models import Builder
from ..nodes import ANY_SHAPES, AXES, Kind, Node, Operands, Result, axis_of, results, several
from ..values import pad_widths, pairs, tuples


@dataclass(frozen=True)
class PoolNode(Node):
    """A window of rows and columns; the pads are smaller than it."""

    op_type: str
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    ceil_mode: bool
    count_include_pad: bool
    dilations: tuple[int, int]
    result: Result

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        kernel = [min(k, side) for k, side in zip(self.kernel, x.shape[2:], strict=True)]
        pads = [min(pad, k - 1) for pad, k in zip(self.pads, kernel * 2, strict=True)]
        attributes: dict[str, Any] = {
            "kernel_shape": kernel,
            "strides": list(self.strides),
            "pads": pads,
        }
        if self.op_type == "AveragePool":
            attributes["count_include_pad"] = int(self.count_include_pad)
        else:
            attributes["dilations"] = [
                d if (k - 1) * d < side else 1
                for d, k, side in zip(self.dilations, kernel, x.shape[2:], strict=True)
            ]
        params = self.result.of(b, x)
        if self.op_type == "AveragePool" and params is not None:
            params = averaged(x, params)
        if self.ceil_mode and _starts_inside(x, **attributes):
            attributes["ceil_mode"] = 1
        return b.q.node(self.op_type, [x], params, **attributes)


def averaged(x: Tensor, params: QuantParams) -> QuantParams:
    """Parameters for an average: onnxruntime has none where the scales' ratio is 256 or more."""
    if x.params is not None and x.params.scale / params.scale > 255:
        return replace(params, scale=x.params.scale)
    return params


def _starts_inside(
    x: Tensor,
    kernel_shape: list[int],
    strides: list[int],
    pads: list[int],
    dilations: Sequence[int] = (1, 1),
    **_: Any,
) -> bool:
    """Whether in ceil_mode the last window starts in x: ONNX and its runtime disagree elsewhere."""
    for axis in range(2):
        side, reach = x.shape[2 + axis], (kernel_shape[axis] - 1) * dilations[axis] + 1
        last = -(-(side + pads[axis] + pads[axis + 2] - reach) // strides[axis]) * strides[axis]
        if last >= side + pads[axis]:
            return False
    return True


@dataclass(frozen=True)
class GlobalNode(Node):
    """GlobalAveragePool."""

    result: Result

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if len(x.shape) != 4:
            return None
        params = self.result.of(b, x)
        return b.q.node("GlobalAveragePool", [x], params and averaged(x, params))


@dataclass(frozen=True)
class ReduceNode(Node):
    """ReduceMax or ReduceMin over some axes; over all of them where none is named."""

    op_type: str
    axes: tuple[int, ...]
    keepdims: bool
    result: Result

    def make(self, b: Builder) -> Tensor | None:
        x = b.pick(self.x)
        if not x.shape:
            return None
        axes = sorted({axis_of(axis, len(x.shape)) % len(x.shape) for axis in self.axes})
        attributes: dict[str, Any] = {"keepdims": int(self.keepdims)}
        inputs: list[Any] = [x]
        if axes and b.net.opset >= 18:
            inputs.append(np.array(axes, np.int64))
        elif axes:
            attributes["axes"] = axes
        return b.q.node(self.op_type, inputs, self.result.of(b, x), **attributes)


def pools(op_type: str, *how: str) -> Any:
    """Strategies of nodes of a pool."""
    return lambda x: st.builds(
        PoolNode, x, st.booleans(), st.just(op_type), pairs(st.integers(1, 4)),
        pairs(st.integers(1, 3)), pad_widths(3), st.booleans(), st.booleans(),
        pairs(st.sampled_from([1, 1, 2])), results(*how),
    )  # fmt: skip


def globals_(x: Operands) -> st.SearchStrategy[Node]:
    return st.builds(GlobalNode, x, st.booleans(), results("other", "other", "same"))


def reductions(op_type: str) -> Any:
    """Strategies of nodes of a reduction."""
    return lambda x: st.builds(
        ReduceNode, x, st.booleans(), st.just(op_type), tuples(AXES, 0, 3), st.booleans(),
        results("same", "same", "other", "float"),
    )  # fmt: skip


KINDS = (
    Kind("maxpool", pools("MaxPool", "same", "same", "other", "float")),
    Kind("averagepool", pools("AveragePool", "same", "other")),
    Kind("globalaveragepool", globals_),
    Kind("reduce_max", reductions("ReduceMax"), several(ANY_SHAPES)),
    Kind("reduce_min", reductions("ReduceMin"), several(ANY_SHAPES)),
)
