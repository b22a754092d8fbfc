"""What ONNX Runtime makes integer ops of: groups of dequantize .. op .. quantize.

`catalogue.groups` finds them in a graph as imported. The interpreter evaluates such a graph by its
groups, since that is what ONNX Runtime computes; the pass `fuse_groups` puts them in the ops' places.
The rule of each operator is the `fuse` of its family in operators/.
The rules are those of onnxruntime's QDQ selectors (core/optimizer/qdq_transformer), measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arithmetic import quantize_bias
from ..ir.graph import Graph, Op, Value, retype
from ..ir.types import Array, Quantization
from .base import FamilyOp
from .onnx_op import Elementwise, OnnxOp
from .quantize import Dequantize, Quantize


class NoIntegerForm(Exception):  # noqa: N818
    """Why ONNX Runtime leaves an op in float."""


class NotRun(Exception):  # noqa: N818
    """Why what ONNX Runtime makes an integer op of can't be run: by itself, or exactly here."""


@dataclass(frozen=True)
class Group:
    """The op that ends a group, and the integer op that takes its place."""

    last: Op
    op: Op


class Surroundings:
    """A graph's producers and readers, and what fusion rules ask about them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = set(graph.outputs)
        self.producers = graph.producers()
        self.users = graph.users()

    def stored(self, value: Value, what: str = "its input") -> Value:
        """The bytes behind `value`, which must come from DequantizeLinear with one scale."""
        producer = self.producers.get(value)
        if not isinstance(producer, Dequantize) or not producer.x.type.is_byte:
            raise NoIntegerForm(f"{what} %{value.name} does not come straight from DequantizeLinear")
        if producer.x.data is None and producer.x.type.quantization is None:
            raise NoIntegerForm(f"{what} %{value.name} has no scale of its own")
        return producer.x

    def quantized(self, value: Value, what: str = "its input") -> Value:
        """Like `stored`, with its quantization in its type also where it is a constant."""
        x = self.stored(value, what)
        if x.data is None:
            return x
        producer = self.producers[value]
        assert isinstance(producer, Dequantize)
        if producer.scale.array.size != 1:
            raise NoIntegerForm(f"{what} @{x.name} has {producer.scale.array.size} scales; one is taken")
        zero = 0 if producer.zero_point is None else int(producer.zero_point.array.reshape(-1)[0])
        scale = float(producer.scale.array.reshape(-1)[0])
        return with_quantization(x, Quantization(scale, zero))

    def only_reader(self, value: Value) -> Op:
        """The one op that reads `value`."""
        if value in self.outputs:
            raise NoIntegerForm(f"its result %{value.name} is a float graph output without QuantizeLinear")
        readers = self.users.get(value, [])
        if len(readers) != 1:
            raise NoIntegerForm(
                f"its result %{value.name} has {len(readers)} readers; one QuantizeLinear is taken"
            )
        return readers[0]

    def quantize_after(self, op: FamilyOp) -> Quantize:
        """The one quantize that reads the result of `op`."""
        user = self.only_reader(op.result)
        if not isinstance(user, Quantize):
            what = user.op_type if isinstance(user, Elementwise) else user.kind
            raise NoIntegerForm(f"{what} follows it; QuantizeLinear must stand directly after {op.title()}")
        return user

    def requantized(self, op: OnnxOp) -> tuple[Value, Quantize]:
        """The stored operand of an op, and the quantize behind it, which gives the same dtype."""
        x = self.stored(op.xs[0])
        quantize = self.quantize_after(op)
        if x.data is not None:
            raise NoIntegerForm("its operand is a constant")
        before, after = x.type.dtype, quantize.result.type.dtype
        if before != after:
            raise NoIntegerForm(f"it takes {before} and gives {after}; both must agree")
        return x, quantize


def with_quantization(value: Value, quantization: Quantization) -> Value:
    """A constant of bytes whose type carries its quantization: itself with its first one, with any other
    a new one at each call.
    """
    if value.type.quantization is None:
        value.type = retype(value, quantization=quantization)
    if value.type.quantization == quantization:
        return value
    name = f"{value.name}.{quantization.zero_point}"
    return Value(name, retype(value, quantization=quantization), value.data)


def require_scales(scales: Array, outputs: int, what: str) -> None:
    """Raises NotRun unless there is one scale or one for each of the `outputs`: scale k is that of output
    k, whichever axis of the weights it stands for.
    """
    if scales.size not in (1, outputs):
        raise NotRun(
            f"onnxruntime makes an integer op of it, scale k for {what} k whatever their axis, and can't "
            f"run that with {scales.size} scales for {outputs}: quantize the weights for each {what}"
        )


def float_bias(bias: Value, sx: float, sw: Array) -> NoIntegerForm:
    """Why a product with a float constant as bias stays in float: quantize_weights let it be."""
    try:
        int32_bias(bias, sx, sw.min())
    except NoIntegerForm as too_large:
        return too_large
    return NoIntegerForm("its bias is float, for which ONNX Runtime finds no scale or no QuantizeLinear")


def int32_bias(bias: Value, sx: float, sw: Array) -> Value:
    """A float constant as the int32 that ONNX Runtime adds to the sums of x * w."""
    unit = np.float64(sx) * sw
    if not (np.abs(bias.array) < unit * (2.0**31 - 256)).all():
        raise NoIntegerForm(
            f"its float bias @{bias.name} reaches {np.abs(bias.array).max():.6g}, "
            f"which is no int32 in units of input scale * weight scale ({unit.min():.6g})"
        )
    return Value.constant(f"{bias.name}.i32", quantize_bias(bias.array, sx, sw))


Rule = Callable[[Surroundings, Op], Group | None]
"""The group of an op; None where it is not the rule's; NoIntegerForm where it stays float; NotRun."""
