"""MaxPool, AveragePool and GlobalAveragePool, over any number of spatial axes.

Rules: MaxPool picks one of its operands' elements, and a greater byte is a greater real value, so
that it moves past quantize and dequantize like any move (passes/fuse_moves.py). AveragePool and
GlobalAveragePool between dequantize and quantize become `qaverage_pool` and `qglobal_average_pool`
(ONNX Runtime's QLinearAveragePool and QLinearGlobalAveragePool) where both are of one dtype.

Refusals: the result has another reader or is a graph output; anything but quantize follows.

An average is a sum of f32 in the order of the taps: the device adds in software, bit for bit, and
finds the byte by thresholds on the sum. The global one is an integer sum, requantized; ONNX Runtime
takes its formula also for an AveragePool whose kernel is the whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arithmetic import (
    WindowAxis,
    average_pool,
    average_terms,
    average_thresholds,
    float_from_order,
    float_order,
    global_average_multiplier,
    global_average_pool,
    is_global,
    max_pool,
    pool_axis,
    pool_counts,
)
from ..errors import CompileError
from ..ir.graph import Op, Tensors, Value
from ..ir.types import Array
from ..lowering.packing import Lowering
from ..lowering.scheduling import Scheduler
from .base import FamilyOp
from .fusion import Group, NoIntegerForm, Surroundings
from .onnx_op import FloatOp
from .windows import WindowKernel, reduced_axes

GLOBAL_MULTIPLIERS = (2.0**-32, 256.0)
"""Outside of these QLinearGlobalAveragePool throws (qlgavgpool.cpp)."""


@dataclass(eq=False)
class Pool(FamilyOp):
    """Windows of x [N, C, ...]: a kernel's size, stride and dilation for each spatial axis, pads
    before each, then after each.
    """

    x: Value
    kernel: tuple[int, ...] = (1, 1)
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)
    dilations: tuple[int, ...] = (1, 1)
    auto_pad: str = "NOTSET"
    ceil_mode: bool = False

    def axes(self) -> list[WindowAxis]:
        """The windows along each spatial axis."""
        count = len(self.kernel)
        return [
            pool_axis(
                self.x.type.shape[2 + n],
                self.kernel[n],
                self.strides[n],
                self.dilations[n],
                (self.pads[n], self.pads[count + n]),
                self.auto_pad,
                self.ceil_mode,
            )
            for n in range(count)
        ]

    def expected_shape(self) -> tuple[int, ...] | None:
        return (*self.x.type.shape[:2], *(axis.outputs for axis in self.axes()))

    def wanted_axis(self, operand: Value) -> int | None:
        del operand
        return 1

    def lower(self, lowering: Lowering) -> None:
        lower_channels(self, lowering)

    def window_axes(self) -> tuple[WindowAxis, ...]:
        """The windows along every pixel axis, as the kernel has them."""
        shape = self.x.type.shape
        batch = shape[0] * (shape[1] if self.x.type.segments is None else 1)
        windows = (WindowAxis(batch, batch), *self.axes())
        return tuple(axis for axis in windows if not (axis.side == 1 and axis.is_identity))


def lower_channels(op: FamilyOp, lowering: Lowering) -> None:
    """An op on one operand whose result has the operand's channels: packed along axis 1, in the
    operand's segments; or row-major.
    """
    x: Value = op.operands[0]
    if not lowering.is_packable(x):
        lowering.add(op)
        return
    form = lowering.operand(x, 1)
    result = lowering.packed(op.result, form.type.segments, 1)
    lowering.add(replace(op, result=result, x=form, flip=lowering.flip_of(op)))  # type: ignore[call-arg]


@dataclass(eq=False)
class MaxPool(Pool):
    """ONNX MaxPool of bytes or of any other dtype; padding never wins."""

    kind = "max_pool"
    onnx = "MaxPool"
    picks_extremes = True

    def evaluate(self, tensors: Tensors) -> Array:
        x = tensors[self.x]
        if x.dtype == np.float32:
            return float_from_order(max_pool(float_order(x), self.axes()))
        return max_pool(x, self.axes())

    def schedule(self, scheduler: Scheduler) -> None:
        type_ = self.x.type
        scheduler.kernel(
            WindowKernel(
                *scheduler.frame(self),
                source=scheduler.source(self.x),
                axes=self.window_axes(),
                elements="bytes" if type_.segments is not None else type_.dtype,
                in_words=type_.words if type_.segments is not None else 1,
            )
        )


@dataclass(eq=False)
class QAveragePool(Pool):
    """QLinearAveragePool; `count_include_pad`: divides by all taps, not only by those inside."""

    kind = "qaverage_pool"
    count_include_pad: bool = False

    def evaluate(self, tensors: Tensors) -> Array:
        (sx, zx, _), (sy, zy, limits) = self.model_type(self.x), self.model_type(self.result)
        x = self.stored(tensors[self.x])
        levels = average_pool(x, self.axes(), (sx, zx), (sy, zy), limits, self.count_include_pad)
        return self.packed(levels)

    def refusal(self) -> str | None:
        return refusal_of_global_average(self, self.x) if self.is_global else None

    @property
    def is_global(self) -> bool:
        """Whether it is one window of the whole picture, which ONNX Runtime computes in integers."""
        return is_global(self.x.type.shape[2:], self.axes())

    def schedule(self, scheduler: Scheduler) -> None:
        if self.is_global:
            scheduler.kernel(global_average_kernel(self, self.x, scheduler))
            return
        (sx, zx, _), (sy, zy, limits) = self.model_type(self.x), self.model_type(self.result)
        thresholds: dict[int, Array] = {}
        for count in np.unique(pool_counts(self.axes(), self.count_include_pad)):
            keys = average_thresholds(int(count), (sx, zx), (sy, zy), limits)
            if keys is None:
                raise CompileError(
                    f"AveragePool %{self.result.name}: a scale of {sx} averaged into {sy} leaves "
                    "the range of int32; quantize its result with a larger scale"
                )
            thresholds[int(count)] = keys
        quantization = self.x.type.quantization
        assert quantization is not None
        scheduler.kernel(
            WindowKernel(
                *scheduler.frame(self),
                source=scheduler.source(self.x),
                axes=self.window_axes(),
                reduce="average",
                in_words=self.x.type.words,
                terms=average_terms((sx, quantization.zero_point), (-128, 127)),
                thresholds=thresholds,
                area=self.count_include_pad,
            )
        )


@dataclass(eq=False)
class QGlobalAveragePool(FamilyOp):
    """QLinearGlobalAveragePool of x [N, C, ...] over all spatial axes."""

    kind = "qglobal_average_pool"
    x: Value

    def evaluate(self, tensors: Tensors) -> Array:
        (sx, zx, _), (sy, zy, limits) = self.model_type(self.x), self.model_type(self.result)
        levels = global_average_pool(self.stored(tensors[self.x]), (sx, zx), (sy, zy), limits)
        return self.packed(levels)

    def expected_shape(self) -> tuple[int, ...] | None:
        shape = self.x.type.shape
        return (*shape[:2], *(1 for _ in shape[2:]))

    def wanted_axis(self, operand: Value) -> int | None:
        del operand
        return 1

    def lower(self, lowering: Lowering) -> None:
        lower_channels(self, lowering)

    def schedule(self, scheduler: Scheduler) -> None:
        scheduler.kernel(global_average_kernel(self, self.x, scheduler))

    def refusal(self) -> str | None:
        return refusal_of_global_average(self, self.x)


def refusal_of_global_average(op: FamilyOp, x: Value) -> str | None:
    """Why sums over all spatial axes can't be requantized, in ONNX Runtime neither; None where they can."""
    least, limit = GLOBAL_MULTIPLIERS
    multiplier = _multiplier(op, x)
    if least <= multiplier < limit:
        return None
    return (
        f"its scales multiply sums by {multiplier:.3g}; onnxruntime takes {least:.3g} to {limit:.3g}: "
        "check the scales of its operand and result"
    )


def _multiplier(op: FamilyOp, x: Value) -> float:
    """What sums over all spatial axes are multiplied by."""
    before, after = x.type.quantization, op.result.type.quantization
    assert before is not None
    assert after is not None
    return float(global_average_multiplier(before.scale, after.scale, int(np.prod(x.type.shape[2:]))))


def global_average_kernel(op: FamilyOp, x: Value, scheduler: Scheduler) -> WindowKernel:
    """An integer sum over all spatial axes, requantized."""
    before, after = x.type.quantization, op.result.type.quantization
    assert before is not None
    assert after is not None
    spatial = tuple(range(2, len(x.type.shape)))
    return WindowKernel(
        *scheduler.frame(op),
        source=scheduler.source(x),
        axes=reduced_axes(x.type, spatial),
        reduce="sum",
        in_words=x.type.words,
        multiplier=_multiplier(op, x),
        zero_points=(before.zero_point, after.zero_point),
    )


def fuse(around: Surroundings, op: Op) -> Group | None:
    """The group of an AveragePool or GlobalAveragePool."""
    if not isinstance(op, FloatOp) or op.op_type not in ("AveragePool", "GlobalAveragePool"):
        return None
    x, quantize = around.requantized(op)
    result = quantize.result
    if op.op_type == "GlobalAveragePool":
        return Group(quantize, QGlobalAveragePool(result, x))
    a = op.attributes
    pool = QAveragePool(
        result, x, **window_attributes(a), count_include_pad=bool(a.get("count_include_pad", 0))
    )
    if (pool_counts(pool.axes(), pool.count_include_pad) == 0).any():
        raise NoIntegerForm("one of its windows lies wholly in the padding")
    return Group(quantize, pool)


def window_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """A pool's attributes in ONNX as the fields of `Pool`."""
    a = attributes
    kernel = tuple(a["kernel_shape"])
    return {
        "kernel": kernel,
        "strides": tuple(a.get("strides", (1,) * len(kernel))),
        "pads": tuple(a.get("pads", (0,) * (2 * len(kernel)))),
        "dilations": tuple(a.get("dilations", (1,) * len(kernel))),
        "auto_pad": str(a.get("auto_pad") or "NOTSET"),
        "ceil_mode": bool(a.get("ceil_mode", 0)),
    }
