"""Models of as many groups as one likes, by name: what shows how the time of compiling grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from .builder import QDQBuilder, QuantParams, Tensor, Weights

SHAPE = (1, 4, 6, 6)
PARAMS = QuantParams(0.05, 100)
OTHER = QuantParams(0.04, 90)

Step = Callable[[QDQBuilder, list[Tensor]], Tensor]
"""Adds a group behind those so far."""


def _add(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return b.node("Add", [xs[-1], xs[0]], PARAMS)


def _conv(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    values = np.random.default_rng(len(xs)).integers(-128, 128, (4, 4, 3, 3), np.int8)
    return b.conv(xs[-1], Weights(values, 0.01), PARAMS, pads=(1, 1, 1, 1), relu=True)


def _residual(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return _conv(b, xs) if len(xs) % 2 else _add(b, xs[-2:])


def _concat(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    """Of two scales, whose channels a convolution then makes four again."""
    both = b.concat(xs[-2:] if len(xs) > 1 else xs * 2, OTHER)
    values = np.random.default_rng(len(xs)).integers(-128, 128, (4, 8, 1, 1), np.int8)
    return b.conv(both, Weights(values, 0.01), PARAMS)


def _move(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return b.node("Transpose", [xs[-1]], PARAMS, perm=[0, 1, 3, 2])


def _table(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return b.unary(xs[-1], "Sigmoid", PARAMS)


def _sharing(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    """All read the first; the last one reads all."""
    return b.unary(xs[0], "Tanh", QuantParams(0.05, 100 + len(xs) % 50))


def _float(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return b.node("Softmax", [xs[-1]], None, axis=1)


def _relu(b: QDQBuilder, xs: list[Tensor]) -> Tensor:
    return b.unary(xs[-1], "Relu")


CHAINS: dict[str, Step] = {
    "add": _add,
    "conv": _conv,
    "residual": _residual,
    "concat": _concat,
    "move": _move,
    "table": _table,
    "fan-out": _sharing,
    "float": _float,
    "relu": _relu,
}


def chain(name: str, groups: int) -> onnx.ModelProto:
    """A model of so many groups of a kind in CHAINS; those of "fan-out" meet in one Concat."""
    b = QDQBuilder(opset=17)
    xs = [b.input(SHAPE, PARAMS)]
    for _ in range(groups):
        xs.append(CHAINS[name](b, xs))
    last = b.concat(xs[1:], PARAMS) if name == "fan-out" else xs[-1]
    b.output(last)
    return b.build()
